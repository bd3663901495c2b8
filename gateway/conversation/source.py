"""Where a value was read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Source:
    """The wire object that a value was read from, so that the same dialect can write it back untouched.

    `raw` is shared, never copied, and must not be changed by anybody.
    """

    dialect: str
    raw: Mapping[str, Any]

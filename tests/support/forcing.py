"""Values that an SDK's types check only as far as somebody reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def read_to_the_bottom(value: Any) -> None:
    """Read all of it: what an SDK declares as `Iterable`, pydantic checks only then."""
    if isinstance(value, Mapping):
        value = value.values()
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for inner in value:
            read_to_the_bottom(inner)

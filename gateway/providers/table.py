"""Providers that toolgate knows by name: rows of data in `table.json`, none of them code.

Each row says where it was taken from and when; none was checked against the live service. `base_url` in the
config wins over a row. `quirks` change requests (see `gateway.dialects.openai_chat.quirks`); `notes` are for
people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class KnownProvider:
    """One row.

    `dialects` are the wire formats that it speaks, the preferred one first: the field `dialect` in the file, one
    name or a list. `base_url` is None where it depends on the customer; `base_url_form` shows its shape then.
    `auth_header` is the lower-case name of the header that takes the key, as `Bearer` in `authorization` and bare
    in any other. `env` is the environment variable in which people keep the key. `date` is when `source` was read.
    """

    name: str
    title: str
    base_url: str | None
    base_url_form: str | None
    auth_header: str
    key_required: bool
    env: str | None
    dialects: tuple[str, ...]
    quirks: tuple[str, ...]
    notes: tuple[str, ...]
    source: str
    date: str


def _load() -> Mapping[str, KnownProvider]:
    text = resources.files("gateway.providers").joinpath("table.json").read_bytes()
    rows: list[dict[str, Any]] = orjson.loads(text)
    for row in rows:
        spoken: str | list[str] = row.pop("dialect")
        row["dialects"] = (spoken,) if isinstance(spoken, str) else tuple(spoken)
        row["quirks"], row["notes"] = tuple(row["quirks"]), tuple(row["notes"])
    return {row["name"]: KnownProvider(**row) for row in rows}


KNOWN_PROVIDERS: Mapping[str, KnownProvider] = _load()
"""By name."""

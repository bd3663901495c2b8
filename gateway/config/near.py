"""What was probably meant by a name that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Collection


def near(name: str, known: Collection[str], *, first: str = "") -> str:
    """A hint that suggests the nearest of the known names, or lists them; `first` says how to have one at all."""
    found = difflib.get_close_matches(name, known, n=1)
    if found:
        return f"did you mean {found[0]}?"
    return f"there are {', '.join(list(known)[:20])}" if known else f"there are none yet{first}"

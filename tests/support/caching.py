"""Where tests keep what others made and what takes long to fetch. Both folders can be deleted at any time."""

from __future__ import annotations

import os
from pathlib import Path


def cache_of_tests() -> Path:
    """A folder that outlives runs of the tests; it need not be there yet."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "toolgate-tests"


def cache_for_boxes() -> Path:
    """The same for what boxes must reach: root's run as another user, to whom root's home is closed."""
    return Path("/var/cache/toolgate-tests") if os.geteuid() == 0 else cache_of_tests()

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that boxes' user can look into, as pytest's own cannot be."""
    with tempfile.TemporaryDirectory(prefix="toolgate-e2e-") as name:
        Path(name).chmod(0o755)
        yield Path(name)

"""Fixtures for tests that start real boxes."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest

from .boxes import BACKENDS, Boxes


@pytest.fixture(scope="module")
def home():
    """A folder that the boxes' user can pass; pytest's own folders are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="toolgate-test-"))
    folder.chmod(0o755)
    yield folder
    for inside in (path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink()):
        inside.chmod(0o755)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def boxes(home):
    return Boxes(home)


@pytest.fixture
def backend(request):
    return BACKENDS[request.param]()

"""A folder for configurations, and the example of the documentation in one."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config import Config
from tests.unit.config.folders import EXAMPLE, POLICIES, Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def example(folder: Folder) -> Config:
    folder.write("policies/readers.yaml", POLICIES)
    return folder.load(EXAMPLE)

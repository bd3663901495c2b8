"""The tables of docs/clients.md are what the tests say of themselves."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.coverage_table import BEGIN, PAGE, ROOT

PRINT = """
from tests.support.coverage_table import PAGE, collect, render, written
import sys
sys.stdout.write(written(PAGE.read_text(), render(collect())))
"""


@pytest.mark.timeout(600)
def test_the_tables_are_those_that_the_tests_marks_make():
    """In a process of its own: tests are collected once more."""
    done = subprocess.run(
        [sys.executable, "-c", PRINT], cwd=ROOT, capture_output=True, text=True, check=False, timeout=400
    )
    assert done.returncode == 0, done.stderr
    assert BEGIN in PAGE.read_text()
    assert PAGE.read_text() == done.stdout, "write it again: python -m tests.support.coverage_table"

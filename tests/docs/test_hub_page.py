"""The program in docs/hub.md runs."""

from __future__ import annotations

import subprocess
import sys

from .pages import ROOT, blocks


def test_the_program_that_embeds_the_hub_prints_its_sum():
    (program,) = [block for block in blocks(ROOT / "docs" / "hub.md") if block.note == "program"]
    done = subprocess.run(
        [sys.executable, "-c", program.text], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.returncode) == ("5\n", 0), done.stderr

"""The command as a process of its own: what it loads, and what becomes of its standard streams."""

from __future__ import annotations

import subprocess
import sys

from gateway.cli import COMMANDS
from tests.support.shells import Shell

TOOLGATE = [sys.executable, "-m", "gateway.cli"]


def test_help_is_there_without_the_libraries_that_only_commands_need():
    heavy = ["aiohttp", "docker", "fastapi", "mcp", "pydantic", "sqlalchemy", "uvicorn", "yaml"]
    script = f"""
import sys
from gateway.cli import main
try:
    main(["--help"])
except SystemExit as ended:
    assert ended.code == 0
print([name for name in {heavy} if name in sys.modules], file=sys.stderr)
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ended.stderr.strip() == "[]"
    assert all(f"  {name} " in ended.stdout for name in COMMANDS)


def test_a_reader_that_leaves_early_is_no_reason_for_a_traceback():
    process = subprocess.Popen([*TOOLGATE, "config", "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process.stderr:
        said = process.stderr.read()
    assert process.wait(timeout=60) == 1
    assert said == b""


def test_standard_streams_that_are_closed_take_no_files_and_no_traceback(configured: Shell):
    code = "import os, sys; os.closerange(0, 3); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    for command, status in (
        (["check"], 0),
        (["init", "elsewhere"], 0),
        (["tools", "call", "x/y", "--args", "-"], 1),
    ):
        whole = [sys.executable, "-c", code, "-m", "gateway.cli", *command]
        assert subprocess.run(whole, check=False, timeout=60).returncode == status

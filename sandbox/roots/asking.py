"""Asks an interpreter about itself.

Above: `python` and `node`, with a script that prints one JSON object.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from typing import Any

from sandbox.spec import SandboxError

_DEADLINE_SECONDS = 30


def ask(argv: Sequence[str]) -> dict[str, Any]:
    """What the command prints. Raises SandboxError with its last words if it fails. Blocking, quick.

    It gets our environment: what is called like an interpreter may be a version manager, which needs its own.
    """
    try:
        done = subprocess.run(  # noqa: S603 - an interpreter of the operator's, and a script of ours
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_DEADLINE_SECONDS,
            check=False,
            start_new_session=True,  # Ctrl-C is for the gateway, which would take it for a broken interpreter
        )
        if done.returncode == 0:
            return json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise SandboxError(f"cannot use {argv[0]} for boxes: {error}") from error
    last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
    raise SandboxError(f"cannot use {argv[0]} for boxes: it does not run: {last[0]}")

"""What every Python installation of the store shares: its platform tag, how names compare, ahead compilation."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import anyio

from sandbox.spec import SandboxError
from sandbox.store.package_manager import DEADLINE_SECONDS
from sandbox.store.prepared import PACKAGE_FOLDER


def runtime_tag() -> str:
    """The interpreter and platform that an installation fits, such as `cpython-311-linux-x86_64`."""
    return f"{sys.implementation.cache_tag}-{sysconfig.get_platform()}"


def normalised_name(name: str) -> str:
    """The form under which package indexes compare names (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


async def compile_packages(
    folder: Path, *, python: Path = Path(sys.executable), seen_as: str = PACKAGE_FOLDER
) -> None:
    """Compile everything beneath `folder` for `python`, because boxes cannot write to it.

    `seen_as` is the folder's path inside, for tracebacks. The compiled files are not checked against dates, so
    they also hold for copies. Packages may ship templates that are no valid Python, so a file that does not
    compile is no failure.
    """
    options = ("-q", "-s", str(folder), "-p", seen_as, "--invalidation-mode", "unchecked-hash")
    argv = [str(python), "-I", "-m", "compileall", *options, str(folder)]
    try:
        with anyio.fail_after(DEADLINE_SECONDS):
            await anyio.run_process(argv, check=False, env={}, stdin=subprocess.DEVNULL)
    except (TimeoutError, OSError) as error:
        raise SandboxError(f"could not compile the packages in {folder.name}: {error}") from error

"""Peers from the package index, each in a virtual environment of its own in the user's cache folder.

Their dependencies are many and are none of ours.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.servers import PeerMissing

_INSTALLING = 900  # seconds


def program_of(package: str, version: str, program: str, *, extra: str = "") -> Path:
    """A program of exactly this version, beside its Python; installed first when it is not there.

    Raises PeerMissing. Blocking, minutes the first time.
    """
    title = f"{package}-{version}"
    folder = _cache_dir() / title
    finished = folder / "installed"
    if not finished.exists():
        print(f"installing {title} for comparison (some minutes, once)", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        pip = (str(folder / "bin" / "python"), "-m", "pip", "-qq", "--disable-pip-version-check", "install")
        requirement = f"{package}[{extra}]=={version}" if extra else f"{package}=={version}"
        for command in ((sys.executable, "-m", "venv", str(folder)), (*pip, requirement)):
            _run(command, title)
        finished.touch()
    return folder / "bin" / program


def _run(command: tuple[str, ...], title: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALLING, check=False)
    except subprocess.TimeoutExpired:
        raise PeerMissing(f"installing {title} took longer than {_INSTALLING} seconds") from None
    if done.returncode:
        raise PeerMissing(f"{title} could not be installed: {done.stderr.strip()[-300:]}")


def _cache_dir() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "toolgate-bench"

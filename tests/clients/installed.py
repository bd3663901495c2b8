"""Agents' own programs from npm, at the versions of `package-lock.json`, installed once into the tests' cache.

They are their vendors' and not ours to ship: the lock names them, with the hashes of their files.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
FILES = ("package.json", "package-lock.json")
_FREE = 2 * 1024**3  # bytes that must be free before some 800 MB are fetched


@dataclass(frozen=True)
class Programs:
    """Where the programs are."""

    claude: str
    codex: str


def install_programs() -> Programs:
    """Install them, or find them installed."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "toolgate-tests"
    locked = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in FILES)).hexdigest()
    folder = base / f"npm-clients-{locked[:16]}"
    base.mkdir(parents=True, exist_ok=True)
    with (base / "npm-clients.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several runs of the tests may begin at once
        if not (folder / "installed").exists():
            _install(folder)
    return Programs(claude=_native(folder, "@anthropic-ai", "claude"), codex=_native(folder, "@openai", "codex"))


def _install(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    free = shutil.disk_usage(folder).free
    assert free > _FREE, f"only {free >> 20} MB are free where {folder} is to be; {_FREE >> 20} MB are needed"
    for name in FILES:
        shutil.copy(HERE / name, folder / name)
    npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(npm, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (folder / "installed").touch()


def _native(folder: Path, vendor: str, name: str) -> str:
    """The binary for this machine, which npm has chosen; it needs no node."""
    found = [path for path in (folder / "node_modules" / vendor).rglob(name) if path.is_file()]
    (binary,) = [path for path in found if path.stat().st_size > 1024**2]
    return str(binary)

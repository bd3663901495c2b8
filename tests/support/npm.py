"""Installs what tests need from npm, at the versions of a `package-lock.json`, once into the tests' cache.

It is others' and not ours to ship: the lock names it, with the hashes of its files.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

from tests.support.caching import cache_of_tests

_FILES = ("package.json", "package-lock.json")


def install_locked(source: Path, name: str, *, free: int) -> Path:
    """Install what the lock in `source` names, or find it installed; `free` bytes must be there for it."""
    base = cache_of_tests()
    locked = hashlib.sha256(b"".join((source / file).read_bytes() for file in _FILES)).hexdigest()
    folder = base / f"{name}-{locked[:16]}"
    base.mkdir(parents=True, exist_ok=True)
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several runs of the tests may begin at once
        if not (folder / "installed").exists():
            _install(source, folder, free)
    return folder


def _install(source: Path, folder: Path, free: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    there = shutil.disk_usage(folder).free
    assert there > free, f"only {there >> 20} MB are free where {folder} is to be; {free >> 20} MB are needed"
    for name in _FILES:
        shutil.copy(source / name, folder / name)
    npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(npm, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (folder / "installed").touch()

"""Agents' own programs from npm, at the versions of `package-lock.json`, installed once into the tests' cache."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.support.npm import install_locked

HERE = Path(__file__).parent
_FREE = 2 * 1024**3  # bytes that must be free before some 800 MB are fetched


@dataclass(frozen=True)
class Programs:
    """Where the programs are."""

    claude: str
    codex: str


def install_programs() -> Programs:
    """Install them, or find them installed."""
    folder = install_locked(HERE, "npm-clients", free=_FREE)
    return Programs(claude=_native(folder, "@anthropic-ai", "claude"), codex=_native(folder, "@openai", "codex"))


def _native(folder: Path, vendor: str, name: str) -> str:
    """The binary for this machine, which npm has chosen; it needs no node."""
    found = [path for path in (folder / "node_modules" / vendor).rglob(name) if path.is_file()]
    (binary,) = [path for path in found if path.stat().st_size > 1024**2]
    return str(binary)

"""What a root file system will hold, before anything is copied.

Above: `python` and `node` plan their runtimes, `runtime_roots` carries a plan out. Refuses to know: what an
interpreter is. A plan has a digest, so that a root is assembled once, and again when a source has changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

ASSEMBLY = 1
"""To be raised when roots assembled by earlier versions should not be used any more."""

_TOP = ("bin", "lib", "lib32", "lib64", "sbin")


@dataclass(slots=True)
class Plan:
    """Paths inside, absolute, and where their content comes from. What was planned first stays."""

    copies: dict[str, Path] = field(default_factory=dict[str, Path])
    texts: dict[str, str] = field(default_factory=dict[str, str])
    links: dict[str, str] = field(default_factory=dict[str, str])
    folders: set[str] = field(default_factory=set[str])

    def copy(self, source: Path, target: str) -> None:
        """Copy the file that `source` is or links to."""
        self.copies.setdefault(in_usr(target), source.resolve())

    def digest(self) -> str:
        """Identifies what would be assembled now. Blocking: asks for the size and date of every source."""
        said = [ASSEMBLY, sorted(self.texts.items()), sorted(self.links.items()), sorted(self.folders)]
        digest = hashlib.sha256(json.dumps(said).encode())
        for target, source in sorted(self.copies.items()):
            status = source.stat()
            digest.update(f"{target}\0{source}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
        return digest.hexdigest()


def in_usr(path: str) -> str:
    """Where `/bin`, `/lib` and their like are links into `/usr`, as they are in our roots, the file's own path."""
    top = path.lstrip("/").partition("/")[0]
    return f"/usr{path}" if top in _TOP else path


def carry_out(plan: Plan, folder: Path) -> None:
    """Fill the empty `folder` as planned. Blocking, for a second or more."""
    for path in plan.folders:
        _inside(folder, path).mkdir(parents=True, exist_ok=True)
    for target, source in plan.copies.items():
        place = _made_way(folder, target)
        shutil.copyfile(source, place)
        place.chmod(0o555 if os.access(source, os.X_OK) else 0o444)
    for target, text in plan.texts.items():
        _made_way(folder, target).write_text(text)
    for target, where in plan.links.items():
        _made_way(folder, target).symlink_to(where)
    for top in _TOP:
        if (folder / "usr" / top).is_dir():
            (folder / top).symlink_to(f"usr/{top}")


def _inside(folder: Path, path: str) -> Path:
    return folder / path.lstrip("/")


def _made_way(folder: Path, path: str) -> Path:
    place = _inside(folder, path)
    place.parent.mkdir(parents=True, exist_ok=True)
    return place

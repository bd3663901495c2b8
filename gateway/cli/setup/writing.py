"""Writes several files, all of them or none."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Draft:
    """A file to be: its text, in UTF-8, and its mode."""

    path: Path
    text: str = field(repr=False)
    mode: int = 0o644


def write_all(drafts: Sequence[Draft]) -> None:
    """Write the files beside their places, then put all into place; what was there is replaced.

    Blocking. Raises OSError, and then everything is as it was.
    """
    with ExitStack() as undo:
        staged = [(_stage(draft, undo), draft) for draft in drafts]
        for path, draft in staged:
            _put_in_place(path, _real(draft.path), undo)
        undo.pop_all()
    for path, draft in staged:
        with contextlib.suppress(OSError):
            _backup(path, _real(draft.path)).unlink()


def _real(path: Path) -> Path:
    """Through symbolic links, which stay."""
    return Path(os.path.realpath(path))


def _stage(draft: Draft, undo: ExitStack) -> Path:
    target = _real(draft.path)
    for folder in reversed([folder for folder in target.parents if not folder.exists()]):
        folder.mkdir()
        undo.callback(_remove_empty, folder)
    path = target.with_name(f".{target.name}.{secrets.token_hex(6)}")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, draft.mode)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(target)) from error  # its own name is of no interest
    undo.callback(path.unlink, missing_ok=True)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, draft.mode)
        file.write(draft.text.encode())
        file.flush()
        os.fsync(descriptor)
    return path


def _put_in_place(path: Path, target: Path, undo: ExitStack) -> None:
    if target.exists():
        backup = _backup(path, target)
        shutil.copy2(target, backup)
        undo.callback(backup.replace, target)
    else:
        undo.callback(target.unlink, missing_ok=True)
    path.replace(target)


def _backup(path: Path, target: Path) -> Path:
    return target.with_name(f"{path.name}.before")


def _remove_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()

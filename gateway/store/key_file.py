"""The key that seals payloads: random bytes in a file for its owner alone, made once.

Above: `payloads`. Refuses to know: what is sealed with it.
"""

from __future__ import annotations

import logging
import os
import secrets
from pathlib import Path

from gateway.errors import StoreError
from sandbox.locations import make_passable

_log = logging.getLogger(__name__)

KEY_BYTES = 32


def read_or_make_key(path: Path) -> bytes:
    """The key in `path`; of two processes that make it at once, both get the one that was first.

    Blocking. Raises StoreError.
    """
    try:
        make_passable(path.parent, 0o711 if os.geteuid() == 0 else 0o700)
        if not path.exists():
            _make(path)
        key = _read(path)
    except OSError as error:
        hint = f"see who owns {path.parent}, and whether its disk has room"
        raise StoreError(f"the key file {path} cannot be read or made: {error.strerror}", hint=hint) from error
    if len(key) != KEY_BYTES:
        hint = "restore it from a backup; or remove it, and payloads that were sealed with the old key are lost"
        raise StoreError(f"the key file {path} does not hold {KEY_BYTES} bytes", hint=hint)
    return key


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            _log.warning("other users of this machine can read the key file %s: chmod 600 it", path)
        return file.read(KEY_BYTES + 1)


def _make(path: Path) -> None:
    """Write the key under another name first: under its own it is whole from the beginning, and never replaced."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
        _flush_folder(path.parent)
    except FileExistsError:
        pass  # another process was first
    finally:
        draft.unlink()


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

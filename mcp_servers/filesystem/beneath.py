"""Opens paths beneath a folder so that the kernel, not string comparison, keeps them there.

On Linux by openat2(2) with RESOLVE_BENEATH and RESOLVE_NO_MAGICLINKS: links are followed as long as they stay
beneath. Where that call is missing, component by component, and then no link is followed at all.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys

_SYS_OPENAT2 = 437  # the same on every architecture
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_BENEATH = 0x08
_O_PATH: int = getattr(os, "O_PATH", 0)
_TRIES = 8


class _OpenHow(ctypes.Structure):
    """`struct open_how` of linux/openat2.h."""

    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def open_beneath(folder: int, path: str, flags: int, mode: int = 0) -> int:
    """Open `path`, relative and without `..`, beneath the open folder; the descriptor is the caller's to close.

    `mode` is for files that are created. Raises OSError: EXDEV when the path leads out of the folder.
    """
    if path.startswith("/") or ".." in path.split("/") or "\0" in path:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), path)
    flags |= os.O_CLOEXEC
    if not flags & _O_PATH:
        flags |= os.O_NONBLOCK  # opening a FIFO would wait for its other end
    try:
        return _openat2(folder, path, flags, mode)
    except OSError as error:
        # ENOSYS: not Linux, an old kernel, or a filter that hides the call.
        if error.errno != errno.ENOSYS:
            raise
    return _walk(folder, path, flags, mode)


def _openat2(folder: int, path: str, flags: int, mode: int) -> int:
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    how = _OpenHow(flags, mode, _RESOLVE_BENEATH | _RESOLVE_NO_MAGICLINKS)
    encoded = os.fsencode(path or ".")
    code = errno.EAGAIN
    for _ in range(_TRIES):
        descriptor = _libc.syscall(
            ctypes.c_long(_SYS_OPENAT2),
            ctypes.c_int(folder),
            ctypes.c_char_p(encoded),
            ctypes.byref(how),
            ctypes.c_size_t(ctypes.sizeof(how)),
        )
        if descriptor >= 0:
            return descriptor
        code = ctypes.get_errno()
        # EAGAIN: something was renamed on the way and the kernel could not be sure; ask again.
        if code not in (errno.EAGAIN, errno.EINTR):
            break
    raise OSError(code, os.strerror(code), path)


def _walk(folder: int, path: str, flags: int, mode: int) -> int:
    parts = [part for part in path.split("/") if part not in ("", ".")] or ["."]
    here = os.dup(folder)
    try:
        for part in parts[:-1]:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
            os.close(here)
            here = below
        return os.open(parts[-1], flags | os.O_NOFOLLOW, mode, dir_fd=here)
    finally:
        os.close(here)


_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

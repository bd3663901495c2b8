"""Reads the operator's text files: regular ones, within bounds, in UTF-8."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path


class FileFault(Exception):
    """A file cannot be read. `line` is the line at fault, where it is one line's fault. Quotes no content."""

    def __init__(self, message: str, *, line: int | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.hint = hint


class FileMissing(FileFault):
    """There is no such file."""


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file's text without a byte-order mark, and whether other users of the machine can get at it."""

    text: str
    is_open_to_others: bool


def read_text(path: Path, *, longest: int) -> TextFile:
    """The text of a file of at most `longest` bytes. Blocking. Raises FileFault."""
    data, mode = _read(path, longest)
    if len(data) > longest:
        raise FileFault(f"the file is larger than {longest // 1024} KiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        raise FileFault(
            f"byte {byte} of this line is not UTF-8", line=line, hint="save the file as plain UTF-8 text"
        ) from None
    return TextFile(text, is_open_to_others=bool(stat.S_IMODE(mode) & 0o077))


def _read(path: Path, longest: int) -> tuple[bytes, int]:
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                raise FileFault("this is not a regular file")
            return file.read(longest + 1), mode
    except FileNotFoundError as error:
        raise FileMissing("there is no such file") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "the path is not valid"
        raise FileFault(f"cannot be read: {reason}") from error

"""JSON as MCP clients write it, with the line of every part: comments and trailing commas are allowed.

Above: `--mcp-config` files, and a gateway's own file that ends in `.json`. Below: the standard library reads
the scalars. No message quotes a value, since it may be a secret.
"""

from __future__ import annotations

import bisect
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

DEEPEST = 64
"""Levels of nesting."""

_BLANK = re.compile(r"(?:[ \t\r\n]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)


class JsonProblem(ValueError):
    """The text is not JSON that we read. `line` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(f"line {line}: {message}")
        self.message = message
        self.line = line


@dataclass(frozen=True, slots=True)
class LocatedJson:
    """A value, and the line at which each key and item stands."""

    value: Any = field(repr=False)
    lines: dict[tuple[str | int, ...], int] = field(repr=False)

    def line_of(self, path: Sequence[str | int]) -> int | None:
        """The line of the key or item at `path`, else of its nearest parent."""
        return next(
            (self.lines[found] for end in range(len(path), -1, -1) if (found := tuple(path[:end])) in self.lines),
            None,
        )


def load_json(text: str) -> LocatedJson:
    """Read the one value in `text`. Raises JsonProblem."""
    reader = _Reader(text)
    value = reader.document()
    return LocatedJson(value, reader.lines)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._scalars = json.JSONDecoder(parse_constant=self._refuse_constant)
        self.lines: dict[tuple[str | int, ...], int] = {}

    def document(self) -> Any:
        self._skip()
        self.lines[()] = self._line()
        value = self._value(())
        self._skip()
        if self._at < len(self._text):
            self._refuse("nothing may follow the value")
        return value

    def _value(self, path: tuple[str | int, ...]) -> Any:
        if len(path) > DEEPEST:
            self._refuse(f"values are nested deeper than {DEEPEST} levels")
        match self._peek():
            case "{":
                return self._object(path)
            case "[":
                return self._array(path)
            case _:
                return self._scalar()

    def _object(self, path: tuple[str | int, ...]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not self._ends("}", first=not found):
            if self._peek() != '"':
                self._refuse("a key in double quotes is wanted here")
            line = self._line()
            key = self._scalar()
            if key in found:
                self._refuse("this key is given twice", line)
            self.lines[(*path, key)] = line
            self._skip()
            if self._peek() != ":":
                self._refuse("a colon is wanted here")
            self._at += 1
            self._skip()
            found[key] = self._value((*path, key))
        return found

    def _array(self, path: tuple[str | int, ...]) -> list[Any]:
        found: list[Any] = []
        while not self._ends("]", first=not found):
            self.lines[(*path, len(found))] = self._line()
            found.append(self._value((*path, len(found))))
        return found

    def _ends(self, closing: str, *, first: bool) -> bool:
        """Step over the opening bracket or the comma; whether the container ends here."""
        self._skip()
        if first or self._peek() == ",":
            self._at += 1
        elif self._peek() != closing:
            self._refuse(f"a comma or {closing} is wanted here")
        self._skip()
        if self._peek() != closing:
            return False
        self._at += 1
        return True

    def _scalar(self) -> Any:
        try:
            value, self._at = self._scalars.raw_decode(self._text, self._at)
            if isinstance(value, str):
                value.encode()
        except json.JSONDecodeError as error:
            self._refuse("a value is wanted here" if error.msg == "Expecting value" else "this is not valid JSON")
        except UnicodeEncodeError:
            self._refuse("this string is not valid Unicode")
        except JsonProblem:
            raise
        except ValueError:
            self._refuse("this number cannot be read")
        return value

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip(self) -> None:
        match = _BLANK.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _line(self) -> int:
        return bisect.bisect_right(self._line_starts, self._at)

    def _refuse(self, message: str, line: int | None = None) -> NoReturn:
        raise JsonProblem(message, line or self._line())

    def _refuse_constant(self, _: str) -> NoReturn:
        self._refuse("infinity and NaN are not numbers here")

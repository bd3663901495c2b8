"""What is wrong with a policy file, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]
Path = tuple[str | int, ...]
"""Keys and indices from a document's root."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or that looks wrong. `line` counts from 1; `field` is a dotted path."""

    severity: Severity
    file: str
    line: int | None
    field: str | None
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        """`file:line: severity: field: message` and, on a line of its own, the hint."""
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        what = f"{self.field}: {self.message}" if self.field else self.message
        hint = f"\n  hint: {self.hint}" if self.hint else ""
        return f"{where}: {self.severity}: {what}{hint}"


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding before it has a file and a line: it knows its place in the value it was found in."""

    path: Path
    message: str
    hint: str | None = None
    severity: Severity = "error"

    def beneath(self, path: Path) -> Problem:
        """The same, seen from further up."""
        return Problem((*path, *self.path), self.message, self.hint, self.severity)


def dotted(path: Sequence[str | int]) -> str:
    """`policies.readers.rules[0].id`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")

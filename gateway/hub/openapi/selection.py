"""Which operations of a document are offered: patterns for names, and for methods with paths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase


@dataclass(slots=True)
class Selection:
    """Everything that a pattern of `include` fits, or everything where there is none, without what `exclude` fits.

    A pattern such as `getPet*` is held against the names of tools and operations, one with a space such as
    `GET /pets/*` against methods and paths. In both, `*` stands for anything.
    """

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    _used: set[str] = field(default_factory=set[str])

    def admits(self, method: str, path: str, names: Sequence[str]) -> bool:
        """Whether an operation is offered. `method` is in capitals."""
        wanted = self._fits(self.include, method, path, names) if self.include else True
        unwanted = self._fits(self.exclude, method, path, names)
        return wanted and not unwanted

    def unused(self) -> Iterator[str]:
        """The patterns that have fitted nothing so far: most often misspelt."""
        return (pattern for pattern in (*self.include, *self.exclude) if pattern not in self._used)

    def _fits(self, patterns: Sequence[str], method: str, path: str, names: Sequence[str]) -> bool:
        found = [pattern for pattern in patterns if _fits(pattern, method, path, names)]
        self._used.update(found)
        return bool(found)


def _fits(pattern: str, method: str, path: str, names: Sequence[str]) -> bool:
    asked, space, where = pattern.partition(" ")
    if not space:
        return any(fnmatchcase(name, pattern) for name in names)
    return fnmatchcase(method, asked.upper()) and fnmatchcase(path, where.strip())

"""Gathers everything that is wrong with one file, so that the operator sees all of it at once."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.config.config import Source, Steps
from gateway.errors import Problem

MOST_PROBLEMS = 100
"""Errors that are kept of one file; nobody reads more."""


@dataclass(slots=True)
class Report:
    """The errors and warnings of one file.

    Of one mistake only the first complaint is kept: where something is wrong already, another error with it, or
    with what it stands in, is most often a mere consequence.
    """

    source: Source
    errors: list[Problem] = field(default_factory=list[Problem])
    warnings: list[Problem] = field(default_factory=list[Problem])
    _wrong: set[tuple[str | int, ...]] = field(default_factory=set[tuple[str | int, ...]])

    def error(self, path: Steps, message: str, hint: str | None = None) -> None:
        """Something at `path` is wrong."""
        steps = tuple(path)
        if steps in self._wrong:
            return
        self._wrong.update(steps[:end] for end in range(len(steps) + 1))
        if len(self.errors) < MOST_PROBLEMS:
            self.errors.append(self.source.problem(path, message, hint))

    def warn(self, path: Steps, message: str, hint: str | None = None) -> None:
        """Something at `path` is not as the operator may think, or is dangerous on purpose."""
        if len(self.warnings) < MOST_PROBLEMS:
            self.warnings.append(self.source.problem(path, message, hint))

    def is_wrong(self, path: Steps) -> bool:
        """Whether an error is at `path` or beneath it."""
        return tuple(path) in self._wrong

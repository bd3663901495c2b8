"""One thing that was looked at: whether it works, and if not, what to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from gateway.errors import Problem

State = Literal["ok", "warn", "fail"]
Area = Literal["configuration", "keys", "listen", "storage", "sandbox", "provider", "server"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`subject` is what in its area was looked at; `lines` are a server's last words."""

    state: State
    area: Area
    subject: str
    message: str
    hint: str | None = None
    lines: Sequence[str] = ()

    def cleaned(self, clean: Callable[[str], str]) -> Finding:
        """The same, with every text made fit to be shown."""
        hint = None if self.hint is None else clean(self.hint)
        return Finding(
            self.state,
            self.area,
            clean(self.subject),
            clean(self.message),
            hint,
            [clean(line) for line in self.lines],
        )

    def to_json(self) -> dict[str, Any]:
        """As JSON values; absent is what there is nothing to say of."""
        return {name: value for name, value in asdict(self).items() if value not in (None, (), [])}


Tell = Callable[[Finding], None]
"""Takes each finding as it is made."""


def of_problem(problem: Problem, state: State) -> Finding:
    """A mistake in one of the operator's files."""
    where = problem.file if problem.line is None else f"{problem.file}:{problem.line}"
    message = f"{problem.field}: {problem.message}" if problem.field else problem.message
    return Finding(state, "configuration", where, message, problem.hint)

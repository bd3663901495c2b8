"""One rule: which calls it is about, and what must hold for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tool_policies.argument_paths import TooManyValues, strings_at
from tool_policies.argument_schemas import ArgumentSchema, Mismatch, visible
from tool_policies.decision import Decision, Verdict
from tool_policies.paths import RelativeTo, why_outside
from tool_policies.patterns import ToolPattern, first_match
from tool_policies.regex import TextTooLong

_LONGEST_PATH = 200


@dataclass(frozen=True, slots=True)
class Within:
    """An argument whose paths must lie beneath a root."""

    argument: str
    root: str
    relative_to: RelativeTo = None

    def failure(self, arguments: Mapping[str, Any]) -> Failure | None:
        """The first path that does not; None when all do, or when there is none. Raises TooManyValues."""
        for where, path in strings_at(arguments, self.argument):
            if path is None:
                why = "must be a path or a list of paths"
                return Failure(where, why, why)
            why = why_outside(path, self.root, self.relative_to)
            if why is not None:
                shown = visible(ascii(path), _LONGEST_PATH)
                return Failure(where, why, f"{why}: {shown} against {self.root}")
        return None


@dataclass(frozen=True, slots=True)
class Failure:
    """What did not hold, where, for the model and for the operator."""

    argument: str
    message: str
    reason: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one rule makes of one call. `selected` is False when its `when` did not pick the call."""

    selected: bool
    decision: Decision


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled rule; `name` is `policy/id`, `said` is the operator's own text for the model."""

    name: str
    tools: tuple[ToolPattern, ...]
    when: ArgumentSchema | None = None
    require: ArgumentSchema | None = None
    within: tuple[Within, ...] = ()
    otherwise: Literal["ask", "deny"] = "deny"
    said: str | None = None

    def is_about(self, tool: str) -> bool:
        """Whether its `tools` name the tool; `when` may still leave a call out."""
        return first_match(self.tools, tool) is not None

    def judge(self, arguments: Mapping[str, Any]) -> Judgement:
        """Judge a call to a tool that the rule is about. Never raises: what goes wrong denies."""
        try:
            if self.when is not None and (mismatch := self.when.mismatch(arguments)):
                return Judgement(False, self._passed(f"does not apply: when is not met ({_shown(mismatch)})"))
            failure = next(self._failures(arguments), None)
        except (TextTooLong, TooManyValues) as error:
            return Judgement(True, self._failed("deny", Failure("", "is too large to be checked", str(error))))
        except Exception as error:  # noqa: BLE001 - the boundary at which an error denies
            reason = f"the rule could not be evaluated: {type(error).__name__}"
            return Judgement(True, self._failed("deny", Failure("", "could not be checked", reason)))
        if failure is None:
            return Judgement(True, self._passed("applies, and holds"))
        return Judgement(True, self._failed(self.otherwise, failure))

    def _failures(self, arguments: Mapping[str, Any]) -> Iterator[Failure]:
        for within in self.within:
            if failure := within.failure(arguments):
                yield failure
        if self.require is not None and (mismatch := self.require.mismatch(arguments)):
            message = "is missing" if mismatch.keyword == "required" else _UNMET.format(mismatch.keyword)
            yield Failure(
                mismatch.argument, message, f"require is not met ({mismatch.keyword} {mismatch.expected})"
            )

    def _passed(self, reason: str) -> Decision:
        return Decision("allow", self.name, "Allowed.", reason)

    def _failed(self, verdict: Verdict, failure: Failure) -> Decision:
        subject = f"the argument `{failure.argument}`" if failure.argument else "the call"
        what = self.said or f"{subject} {failure.message}"
        begin = "Refused by the rule" if verdict == "deny" else "A person must approve this, says the rule"
        reason = f"{failure.argument}: {failure.reason}" if failure.argument else failure.reason
        return Decision(verdict, self.name, f"{begin} {self.name}: {what}", reason)


_UNMET = "is not as the rule requires ({})"


def _shown(mismatch: Mismatch) -> str:
    where = f"{mismatch.argument}: " if mismatch.argument else ""
    return f"{where}{mismatch.keyword} {mismatch.expected}"

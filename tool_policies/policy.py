"""What one key may do: the policies that hold for it, joined, and narrowed by what a request asks for.

A tool exists for a key when a pattern in `allow` of any of its policies names it, no pattern in `deny` of any of
them does, and it is in every narrowing. A call to it is judged by every rule of every policy; the strictest
verdict wins: deny over ask over allow. The order of policies and rules does not matter, except for which of
several equally strict rules is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tool_policies.decision import STRICTNESS, Decision
from tool_policies.patterns import ToolPattern, first_match, parse_pattern
from tool_policies.rules import Rule

_REMEMBERED = 4096  # tools

DEFAULT_DENY = "default-deny"
NARROWED = "narrowed"


@dataclass(frozen=True, slots=True)
class NamedPolicy:
    """One policy of a file, compiled."""

    name: str
    allow: tuple[ToolPattern, ...] = ()
    deny: tuple[ToolPattern, ...] = ()
    rules: tuple[Rule, ...] = ()
    description: str | None = None


@dataclass(frozen=True, slots=True)
class _Standing:
    """What can be said of a tool before its arguments are known: whether it exists, and the rules about it."""

    decision: Decision
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """See the module. Immutable; what it remembers of each tool is only to be fast."""

    policies: tuple[NamedPolicy, ...] = ()
    narrowings: tuple[tuple[ToolPattern, ...], ...] = ()
    _known: dict[str, _Standing] = field(default_factory=dict[str, _Standing], repr=False, compare=False)

    def visible(self, tool: str) -> bool:
        """Whether the tool `server/tool` exists for this key."""
        return self._standing(tool).decision.verdict == "allow"

    def reaches(self, server: str) -> bool:
        """Whether any tool that this server might have could be visible. Says yes when it cannot be sure."""
        allows = [
            pattern for policy in self.policies for pattern in policy.allow if pattern.server.matches(server)
        ]
        denies = [pattern for policy in self.policies for pattern in policy.deny if pattern.server.matches(server)]
        return any(
            not any(deny.tool.covers(allow.tool) for deny in denies)
            and all(_meets(allow, narrowing, server) for narrowing in self.narrowings)
            for allow in allows
        )

    def narrowed(self, patterns: Sequence[str]) -> Policy:
        """The same policy, with only those tools left that one of `patterns` names. Raises InvalidPattern."""
        narrowing = tuple(parse_pattern(pattern) for pattern in patterns)
        return Policy(self.policies, (*self.narrowings, narrowing))

    def decide(self, tool: str, arguments: Mapping[str, Any]) -> Decision:
        """Judge one call with the arguments that would be sent. Never raises."""
        standing = self._standing(tool)
        strictest = standing.decision
        for rule in standing.rules:
            decision = rule.judge(arguments).decision
            if STRICTNESS[decision.verdict] > STRICTNESS[strictest.verdict]:
                strictest = decision
                if decision.verdict == "deny":
                    break
        return strictest

    def rules_about(self, tool: str) -> tuple[Rule, ...]:
        """The rules that calls to a visible tool are judged by, before any `when` is looked at."""
        return self._standing(tool).rules

    def _standing(self, tool: str) -> _Standing:
        known = self._known.get(tool)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[tool] = self._work_out(tool)
        return known

    def _work_out(self, tool: str) -> _Standing:
        decision = by_patterns(self, tool)
        if decision.verdict != "allow":
            return _Standing(decision)
        rules = (rule for policy in self.policies for rule in policy.rules if rule.is_about(tool))
        return _Standing(decision, tuple(rules))


def by_patterns(policy: Policy, tool: str) -> Decision:
    """What the patterns alone say of a tool."""
    for named in policy.policies:
        if denied := first_match(named.deny, tool):
            return _refused(f"{named.name}/deny", f"{named.name} denies {denied}")
    for named in policy.policies:
        if allowed := first_match(named.allow, tool):
            break
    else:
        return _refused(DEFAULT_DENY, "no policy of the key allows the tool")
    if any(first_match(narrowing, tool) is None for narrowing in policy.narrowings):
        return _refused(NARROWED, "the request left the tool out")
    return Decision("allow", f"{named.name}/allow", "Allowed.", f"{named.name} allows {allowed}")


def _refused(rule: str, reason: str) -> Decision:
    return Decision("deny", rule, f"Refused by {rule}: this tool is not available.", reason)


def _meets(allow: ToolPattern, narrowing: tuple[ToolPattern, ...], server: str) -> bool:
    return any(pattern.server.matches(server) and pattern.tool.meets(allow.tool) for pattern in narrowing)

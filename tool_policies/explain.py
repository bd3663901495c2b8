"""Why a call is decided as it is: every policy of the key, every rule, matched or not. For operators only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tool_policies.decision import Decision, Verdict
from tool_policies.loading import PolicySet
from tool_policies.patterns import first_match
from tool_policies.policy import NamedPolicy
from tool_policies.rules import Rule

Matched = Literal["applied", "other-tools", "not-selected"]


@dataclass(frozen=True, slots=True)
class RuleExplanation:
    """`matched` says whether the rule applied to the call, and if not, whether by its tools or by its `when`."""

    rule: str
    matched: Matched
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class PolicyExplanation:
    """The patterns that name the tool, None where no pattern does, and the rules in the file's order."""

    policy: str
    allowed_by: str | None
    denied_by: str | None
    rules: tuple[RuleExplanation, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """`decision` is exactly what the engine decides; the rest is how it comes about."""

    tool: str
    decision: Decision
    policies: tuple[PolicyExplanation, ...]

    def to_json(self) -> dict[str, Any]:
        """Values of JSON: `tool`, `decision` and `policies`."""
        return asdict(self)


def explain(
    policy_set: PolicySet, key_policies: Sequence[str], tool: str, arguments: Mapping[str, Any]
) -> Explanation:
    """Why a key with these policies may or may not make this call. Raises KeyError for an unknown policy."""
    policy = policy_set.policy_for(key_policies)
    parts = tuple(_explain_policy(named, tool, arguments) for named in policy.policies)
    return Explanation(tool, policy.decide(tool, arguments), parts)


def _explain_policy(named: NamedPolicy, tool: str, arguments: Mapping[str, Any]) -> PolicyExplanation:
    allowed, denied = first_match(named.allow, tool), first_match(named.deny, tool)
    rules = tuple(_explain_rule(rule, tool, arguments) for rule in named.rules)
    return PolicyExplanation(
        named.name,
        None if allowed is None else str(allowed),
        None if denied is None else str(denied),
        rules,
    )


def _explain_rule(rule: Rule, tool: str, arguments: Mapping[str, Any]) -> RuleExplanation:
    if not rule.is_about(tool):
        patterns = ", ".join(map(str, rule.tools))
        return RuleExplanation(rule.name, "other-tools", "allow", f"is about {patterns}")
    judgement = rule.judge(arguments)
    decision = judgement.decision
    return RuleExplanation(
        rule.name, "applied" if judgement.selected else "not-selected", decision.verdict, decision.reason
    )


def render_explanation(explanation: Explanation) -> str:
    """The explanation as lines of text, without a newline at the end."""
    return "\n".join(_lines(explanation))


def _lines(explanation: Explanation) -> Iterator[str]:
    decision = explanation.decision
    yield f"{decision.verdict.upper()} {explanation.tool}"
    yield f"  by {decision.rule}: {decision.reason}"
    for part in explanation.policies:
        yield f"policy {part.policy}"
        yield f"  allow  {part.allowed_by or 'no pattern names the tool'}"
        yield f"  deny   {part.denied_by or 'no pattern names the tool'}"
        for rule in part.rules:
            shown = rule.verdict if rule.matched == "applied" else "-"
            yield f"  {shown:<6} {rule.rule}: {rule.reason}"
    if not explanation.policies:
        yield "the key has no policies, so everything is denied"

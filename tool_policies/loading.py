"""Policy files become a set of policies, or a list of everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from tool_policies.documents import PolicyDocument, PolicyFileDocument, RuleDocument, read_document
from tool_policies.findings import Finding, Problem, dotted
from tool_policies.lint import lint
from tool_policies.located_yaml import LocatedDocument, YamlProblem, load_yaml
from tool_policies.policy import NamedPolicy, Policy
from tool_policies.rules import Rule, Within


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A file as it was read; `name` is what findings call it."""

    name: str
    text: str = field(repr=False)


class PolicySet:
    """The policies of all files. Immutable."""

    def __init__(self, policies: Mapping[str, NamedPolicy]) -> None:
        self._policies = dict(policies)
        self._joined: dict[tuple[str, ...], Policy] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """In the order of the files."""
        return tuple(self._policies)

    @property
    def policies(self) -> Mapping[str, NamedPolicy]:
        """The policies by name."""
        return MappingProxyType(self._policies)

    def policy_for(self, names: Sequence[str]) -> Policy:
        """These policies joined; the same object each time. No names deny everything. Raises KeyError."""
        wanted = tuple(dict.fromkeys(names))
        joined = self._joined.get(wanted)
        if joined is None:
            joined = self._joined[wanted] = Policy(tuple(self._policies[name] for name in wanted))
        return joined


def load_policies(files: Sequence[PolicyFile]) -> tuple[PolicySet, tuple[Finding, ...]]:
    """The policies of all files, and what is wrong with them. With any error in any file the set is empty."""
    findings: list[Finding] = []
    policies: dict[str, NamedPolicy] = {}
    origins: dict[str, str] = {}
    for file in files:
        located, document, found = _read(file)
        findings.extend(found)
        if located is None or document is None:
            continue
        problems = [*_repeated(document, origins), *lint(document)]
        findings.extend(_finding(file, located, problem) for problem in problems)
        origins |= dict.fromkeys(document.policies, file.name)
        policies |= {name: _compile(name, policy) for name, policy in document.policies.items()}
    failed = any(finding.severity == "error" for finding in findings)
    return PolicySet({} if failed else policies), tuple(_ordered(files, findings))


def _read(file: PolicyFile) -> tuple[LocatedDocument | None, PolicyFileDocument | None, list[Finding]]:
    try:
        located = load_yaml(file.text)
    except YamlProblem as error:
        return None, None, [Finding("error", file.name, error.line, None, error.message, error.hint)]
    if located.value is None:
        hint = "begin it with `version: 1` and `policies:`"
        return None, None, [Finding("error", file.name, None, None, "the file is empty", hint)]
    document, problems = read_document(located.value)
    return located, document, [_finding(file, located, problem) for problem in problems]


def _finding(file: PolicyFile, located: LocatedDocument, problem: Problem) -> Finding:
    line, place = located.line_of(problem.path), dotted(problem.path) or None
    return Finding(problem.severity, file.name, line, place, problem.message, problem.hint)


def _repeated(document: PolicyFileDocument, origins: Mapping[str, str]) -> Iterator[Problem]:
    for name, policy in document.policies.items():
        if name in origins:
            message = f"a policy of this name is already in {origins[name]}"
            yield Problem(("policies", name), message, "rename one of them, or join them")
        seen: set[str] = set()
        for index, rule in enumerate(policy.rules):
            if rule.id in seen:
                message = f"the policy has another rule called {rule.id!r}"
                yield Problem(("policies", name, "rules", index, "id"), message, "give each rule its own id")
            seen.add(rule.id)


def _compile(name: str, policy: PolicyDocument) -> NamedPolicy:
    rules = tuple(_compile_rule(name, rule) for rule in policy.rules)
    return NamedPolicy(name, tuple(policy.allow), tuple(policy.deny), rules, policy.description)


def _compile_rule(policy: str, rule: RuleDocument) -> Rule:
    within = tuple(Within(argument, root, rule.relative_to) for argument, root in rule.within.items())
    return Rule(
        name=f"{policy}/{rule.id}",
        tools=tuple(rule.tools),
        when=rule.when,
        require=rule.require,
        within=within,
        otherwise=rule.otherwise,
        said=rule.message,
    )


def _ordered(files: Sequence[PolicyFile], findings: Sequence[Finding]) -> list[Finding]:
    order = {file.name: index for index, file in enumerate(files)}
    return sorted(findings, key=lambda finding: (order[finding.file], finding.line or 0))

"""The policy engine: which tools a key may use, and with which arguments.

Pure: values in, decisions out. Above: `gateway`, whose protocols `Policy` and `Decision` satisfy. Below: PyYAML,
pydantic and jsonschema. Refuses to know: files, keys, MCP servers, requests, clocks.

Deny by default. An error denies. For one call every matching rule counts and the strictest verdict wins:
deny over ask over allow.
"""

from tool_policies.decision import Decision, Verdict
from tool_policies.documents import policy_schema
from tool_policies.explain import (
    Explanation,
    PolicyExplanation,
    RuleExplanation,
    explain,
    render_explanation,
)
from tool_policies.findings import Finding, Severity
from tool_policies.loading import PolicyFile, PolicySet, load_policies
from tool_policies.located_yaml import LocatedDocument, YamlProblem, load_yaml
from tool_policies.patterns import InvalidPattern, ToolPattern, parse_pattern
from tool_policies.policy import NamedPolicy, Policy
from tool_policies.rules import Rule, Within
from tool_policies.unguarded import unguarded_paths

__all__ = [
    "Decision",
    "Explanation",
    "Finding",
    "InvalidPattern",
    "LocatedDocument",
    "NamedPolicy",
    "Policy",
    "PolicyExplanation",
    "PolicyFile",
    "PolicySet",
    "Rule",
    "RuleExplanation",
    "Severity",
    "ToolPattern",
    "Verdict",
    "Within",
    "YamlProblem",
    "explain",
    "load_policies",
    "load_yaml",
    "parse_pattern",
    "policy_schema",
    "render_explanation",
    "unguarded_paths",
]

"""Policy files that several tests read, and the shortest way to a set of policies."""

from __future__ import annotations

from tool_policies import Finding, PolicyFile, PolicySet, load_policies

READERS = """\
version: 1
policies:
  readers:
    allow: ["files/read_*", "files/list_*", "time/*"]
    deny:  ["*/write_*"]
    rules:
      - {id: inside-workspace, tools: ["files/*"], within: {path: /workspace, paths: /workspace}}
      - {id: short-lists, tools: ["files/list_*"], require: {properties: {path: {type: string, maxLength: 20}}}}
  editors: {allow: ["files/*"]}
"""


def policies(text: str) -> PolicySet:
    """The policies of one file that has no errors."""
    loaded, findings = load_policies([PolicyFile("policies.yaml", text)])
    assert not [finding for finding in findings if finding.severity == "error"], findings
    return loaded


def one_policy(body: str) -> PolicySet:
    """A policy `p` with this body, in YAML's flow style."""
    return policies(f"version: 1\npolicies:\n  p: {{{body}}}\n")


def findings(text: str) -> tuple[Finding, ...]:
    return load_policies([PolicyFile("policies.yaml", text)])[1]

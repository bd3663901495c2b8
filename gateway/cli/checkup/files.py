"""The operator's files: what the loader warned of, and what is right but of little use."""

from __future__ import annotations

from gateway.cli.checkup.findings import Finding, Tell, of_problem
from gateway.cli.output import counted
from gateway.config import Config


def check_files(config: Config, tell: Tell) -> None:
    """The configuration has been read; what it says is looked at here."""
    counts = (
        counted(len(config.providers), "provider"),
        counted(len(config.servers), "tool server"),
        counted(len(config.keys), "key"),
        counted(len(config.policies.names), "policy"),
    )
    tell(Finding("ok", "configuration", str(config.path or "none"), f"right: {', '.join(counts)}"))
    for problem in config.warnings:
        tell(of_problem(problem, "warn"))
    for key in config.keys:
        if key.policies or key.tools == "off":
            allowed = ", ".join(key.policies) or "no tools"
            tell(Finding("ok", "keys", key.name, f"policies: {allowed}; models: {', '.join(key.models)}"))
        else:
            hint = f"write `policies: [...]` under keys.{key.name}, or `tools: off`"
            tell(Finding("warn", "keys", key.name, "has no policy, so it can use no tool", hint))

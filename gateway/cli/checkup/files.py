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
    tell(_of_lock(config))
    for key in config.keys:
        if key.policies or key.tools == "off":
            allowed = ", ".join(key.policies) or "no tools"
            tell(Finding("ok", "keys", key.name, f"policies: {allowed}; models: {', '.join(key.models)}"))
        else:
            hint = f"write `policies: [...]` under keys.{key.name}, or `tools: off`"
            tell(Finding("warn", "keys", key.name, "has no policy, so it can use no tool", hint))


def _of_lock(config: Config) -> Finding:
    lock = config.lock
    if lock.lockfile is not None:
        counts = f"{counted(len(lock.lockfile.servers), 'server')}, {counted(lock.lockfile.tools, 'tool')}"
        return Finding("ok", "configuration", str(lock.path), f"locked: {counts}")
    hint = "`toolgate lock` writes down what your servers offer, for you to review"
    if lock.required:
        return Finding("fail", "configuration", "tools.lock", "required, and not there", hint)
    return Finding("ok", "configuration", "tools.lock", "none: each tool is held to how it is first seen", hint)

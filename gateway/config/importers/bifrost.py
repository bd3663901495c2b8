"""Bifrost's `mcp.client_configs`, of its config.json (docs.getbifrost.ai, "Connecting to MCP Servers")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from gateway.config.config import Steps
from gateway.config.importers.imported import Gathering, mapping_at, texts_in, variable_in
from gateway.errors import ConfigError

_ENVIRONMENT = "env."
_TAKEN = frozenset(("name", "connection_type", "connection_string", "stdio_config", "headers", "disabled"))
_MEANINGLESS = frozenset(
    ("id", "client_id", "is_ping_available", "tool_sync_interval", "auth_type", "tool_pricing")
)
_OF_THE_BOX = frozenset(("PATH", "HOME", "USER", "TMPDIR", "SHELL", "LANG"))
"""Variables that a sandbox has of its own, or has no use for."""


def read_bifrost(tree: Mapping[str, Any], gathering: Gathering) -> None:
    """The servers of `mcp.client_configs`."""
    path = ("mcp", "client_configs")
    clients = mapping_at(tree, ("mcp",), gathering).get("client_configs")
    if not isinstance(clients, list):
        raise ConfigError([gathering.source.problem(path, "must be a list")])
    for index, client in enumerate(cast("list[Any]", clients)):
        here = (*path, index)
        if isinstance(client, dict):
            _read(cast("dict[str, Any]", client), here, gathering)
        else:
            gathering.leave_out(f"number {index + 1}", here, "it must be a mapping")


def _read(client: Mapping[str, Any], path: Steps, gathering: Gathering) -> None:
    name = str(client.get("name") or f"server-{path[-1]}")
    kind = client.get("connection_type")
    if kind not in ("stdio", "http", "sse"):
        gathering.leave_out(name, path, "its connection_type must be stdio, http or sse")
        return
    entry = _command(name, client, path, gathering) if kind == "stdio" else _remote(client)
    if kind == "sse":
        entry = {"type": "sse", **entry}
    if client.get("disabled") is True:
        entry["disabled"] = True
    _tell(name, client, path, gathering)
    gathering.take(name, entry, path)


def _command(name: str, client: Mapping[str, Any], path: Steps, gathering: Gathering) -> dict[str, Any]:
    written = client.get("stdio_config")
    config = cast("dict[str, Any]", written) if isinstance(written, dict) else {}
    entry = {field: _with_variables(config[field]) for field in ("command", "args") if config.get(field)}
    env: dict[str, str] = {}
    for index, one in enumerate(texts_in(config.get("envs"))):
        variable, is_set, value = one.partition("=")
        if is_set:
            env[variable] = str(_with_variables(value))
        elif variable in _OF_THE_BOX:
            where = (*path, "stdio_config", "envs", index)
            gathering.note(name, where, "not handed over: a sandbox has its own")
        else:
            env[variable] = gathering.ask(variable, f"{name} reads it from its environment")
    return {**entry, "env": env} if env else entry


def _remote(client: Mapping[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {"url": _with_variables(client.get("connection_string"))}
    if headers := client.get("headers"):
        entry["headers"] = _with_variables(headers)
    return entry


def _tell(name: str, client: Mapping[str, Any], path: Steps, gathering: Gathering) -> None:
    for field, value in client.items():
        here = (*path, field)
        if field in _TAKEN or field in _MEANINGLESS or value in (None, False):
            continue
        if field == "tools_to_execute":
            allowed = ", ".join(f'"{name}/{tool}"' for tool in texts_in(value)[:50])
            gathering.note(name, here, f"choose tools in a policy: allow: [{allowed}]")
        elif field == "tools_to_auto_execute":
            gathering.note(name, here, "what a policy allows is run: there is no further list")
        elif field == "allowed_extra_headers":
            gathering.note(name, here, "headers of clients are not passed on to servers")
        elif field in ("oauth_config", "oauth_config_id"):
            gathering.note(name, here, "signing in is not taken over: it has to be set up anew")
        elif field == "is_code_mode_client":
            gathering.note(name, here, "there is no code mode here")
        else:
            gathering.note(name, here, "there is no such setting here")


def _with_variables(value: Any) -> Any:
    """`env.NAME` in our form, alone or as `{value, env_var, from_env}`; what looks like a variable stays text."""
    if isinstance(value, str):
        return variable_in(value, _ENVIRONMENT)
    if isinstance(value, list):
        return [_with_variables(inner) for inner in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    fields = cast("dict[str, Any]", value)
    if "env_var" in fields or "from_env" in fields:
        return _with_variables(fields.get("env_var") or fields.get("value") or "")
    return {name: _with_variables(inner) for name, inner in fields.items()}

"""LiteLLM's `mcp_servers`, of the proxy's config.yaml (docs.litellm.ai, "MCP Configuration Reference").

Its permissions name tools where ours are policies, and its sign-ins have another form: both are told, not guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from gateway.config.config import Steps
from gateway.config.importers.imported import Gathering, each_server, mapping_at, texts_in, variable_in

_ENVIRONMENT = "os.environ/"
_TAKEN = frozenset(
    {
        "alias",
        "args",
        "auth_type",
        "auth_value",
        "authentication_token",
        "command",
        "env",
        "headers",
        "spec_path",
        "static_headers",
        "timeout",
        "transport",
        "url",
    }
)
_MEANINGLESS = frozenset(
    {
        "allow_all_keys",
        "available_on_public_internet",
        "description",
        "instructions",
        "mcp_info",
        "pinned_tools",
        "protocol_version",
        "server_id",
        "server_name",
        "spec_version",
    }
)
_GRANTS = frozenset(("allowed_tools", "disallowed_tools", "allowed_params", "access_groups"))
_HEADERS: Mapping[str, tuple[str, str]] = {
    "api_key": ("X-API-Key", ""),
    "bearer_token": ("Authorization", "Bearer "),
    "basic": ("Authorization", "Basic "),
    "token": ("Authorization", "token "),
    "authorization": ("Authorization", ""),
}
"""By `auth_type`: the header, and what stands before the value."""


def read_litellm(tree: Mapping[str, Any], gathering: Gathering) -> None:
    """The servers of `mcp_servers`."""
    aliases = _aliases(tree)

    def read(name: str, server: dict[str, Any], path: Steps) -> None:
        if server.get("spec_path"):
            gathering.leave_out(
                name, path, "its tools are made from an OpenAPI document: write openapi: FILE yourself"
            )
            return
        alias = server.get("alias") or aliases.get(name)
        own_name = alias if isinstance(alias, str) and alias else name
        entry = _command(server) if server.get("command") else _remote(own_name, server, path, gathering)
        if isinstance(timeout := server.get("timeout"), int | float) and not isinstance(timeout, bool):
            entry["timeout"] = int(timeout * 1000)  # theirs is in seconds
        _tell(own_name, server, path, gathering)
        gathering.take(own_name, entry, path)

    each_server(mapping_at(tree, ("mcp_servers",), gathering), ("mcp_servers",), gathering, read)


def _aliases(tree: Mapping[str, Any]) -> dict[str, str]:
    settings = tree.get("litellm_settings")
    written = cast("dict[str, Any]", settings).get("mcp_aliases") if isinstance(settings, dict) else None
    pairs = cast("dict[str, Any]", written).items() if isinstance(written, dict) else ()
    return {server: alias for alias, server in pairs if isinstance(server, str)}


def _command(server: Mapping[str, Any]) -> dict[str, Any]:
    entry = {name: server[name] for name in ("command", "args", "env") if server.get(name)}
    return cast("dict[str, Any]", _with_variables(entry))


def _remote(name: str, server: Mapping[str, Any], path: Steps, gathering: Gathering) -> dict[str, Any]:
    entry: dict[str, Any] = {"url": server.get("url")}
    if server.get("transport") == "sse":
        entry = {"type": "sse", **entry}
    headers: dict[str, Any] = {}
    for field in ("headers", "static_headers"):
        written = server.get(field)
        headers |= cast("dict[str, Any]", written) if isinstance(written, dict) else {}
    headers = cast("dict[str, Any]", _with_variables(headers)) | _credential(name, server, path, gathering)
    entry = cast("dict[str, Any]", _with_variables(entry))
    return {**entry, "headers": headers} if headers else entry


def _credential(name: str, server: Mapping[str, Any], path: Steps, gathering: Gathering) -> dict[str, str]:
    kind = str(server.get("auth_type") or "none")
    value = server.get("authentication_token") or server.get("auth_value")
    if kind not in _HEADERS:
        if kind != "none":
            gathering.note(name, (*path, "auth_type"), f"{kind[:40]} is not taken over: it has to be set up anew")
        return {}
    header, before = _HEADERS[kind]
    if kind == "basic":
        gathering.note(name, (*path, "auth_value"), "the variable must hold the base64 of user:password here")
    if not isinstance(value, str) or not value:
        return {header: before + gathering.ask(_variable(name), f"the credential of {name}")}
    return {header: before + cast("str", _with_variables(value))}


def _variable(name: str) -> str:
    return "MCP_" + "".join(one if one.isalnum() and one.isascii() else "_" for one in name).upper() + "_TOKEN"


def _tell(name: str, server: Mapping[str, Any], path: Steps, gathering: Gathering) -> None:
    for field, value in server.items():
        here = (*path, field)
        if field in _TAKEN or field in _MEANINGLESS or value in (None, False, [], {}):
            continue
        if field in ("allowed_tools", "disallowed_tools") and isinstance(value, list):
            word = "allow" if field == "allowed_tools" else "deny"
            tools = ", ".join(f"{name}/{tool}" for tool in texts_in(value)[:50])
            gathering.note(name, here, f"choose tools in a policy: {word}: [{tools}]")
        elif field in _GRANTS:
            gathering.note(name, here, "who may use what is said in policies")
        elif field == "extra_headers":
            gathering.note(name, here, "headers of clients are not passed on to servers")
        else:
            gathering.note(name, here, "there is no such setting here")


def _with_variables(value: Any) -> Any:
    """`os.environ/NAME` in our form; what would be a variable here, but is none there, stays text."""
    if isinstance(value, str):
        return variable_in(value, _ENVIRONMENT)
    if isinstance(value, dict):
        return {name: _with_variables(inner) for name, inner in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_with_variables(inner) for inner in cast("list[Any]", value)]
    return value

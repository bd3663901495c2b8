"""MCP servers in a request: `mcp_servers` says where they are, an `mcp_toolset` what to take of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.dialects.json_values import list_or_empty, object_or_none, text_or_empty
from gateway.dialects.mcp_references import McpReference, Narrowing, ToolFilter, read_names
from gateway.errors import InvalidRequest

_NOTHING = ToolFilter(names=frozenset())


def mcp_references(body: Mapping[str, Any]) -> Iterator[McpReference]:
    """One for each name: a server with its toolsets, or toolsets alone; on a request that need not be valid."""
    servers = {
        f"mcp_servers[{index}]": object_or_none(value) or {}
        for index, value in enumerate(list_or_empty(body.get("mcp_servers")))
    }
    toolsets = {
        f"tools[{index}]": tool
        for index, value in enumerate(list_or_empty(body.get("tools")))
        if (tool := object_or_none(value) or {}).get("type") == "mcp_toolset"
    }
    names = [text_or_empty(server.get("name")) for server in servers.values()]
    names += [text_or_empty(toolset.get("mcp_server_name")) for toolset in toolsets.values()]
    for name in dict.fromkeys(names):
        named = {param: server for param, server in servers.items() if text_or_empty(server.get("name")) == name}
        taken = {
            param: toolset
            for param, toolset in toolsets.items()
            if text_or_empty(toolset.get("mcp_server_name")) == name
        }
        urls = [text_or_empty(server.get("url")) for server in named.values()]
        url = urls[0] if len(set(urls)) == 1 else ""  # of two servers of one name, nobody knows which is meant
        yield McpReference((*named, *taken), name, url, _Narrowing(named, taken))


@dataclass(frozen=True, slots=True)
class _Narrowing:
    servers: Mapping[str, Mapping[str, Any]] = field(repr=False)
    toolsets: Mapping[str, Mapping[str, Any]] = field(repr=False)

    def __call__(self) -> Narrowing:
        filters: list[ToolFilter] = []
        for param, server in self.servers.items():
            filters += _of_server(server.get("tool_configuration"), f"{param}.tool_configuration")
        for param, toolset in self.toolsets.items():
            filters += _of_toolset(toolset, param)
        return Narrowing(tuple(filters))


def _of_server(value: Any, where: str) -> Iterator[ToolFilter]:
    """Where tools were chosen before there were toolsets."""
    given = _object(value, where)
    if not _flag(given.get("enabled"), f"{where}.enabled", default=True):
        yield _NOTHING
    if given.get("allowed_tools") is not None:
        yield ToolFilter(read_names(given["allowed_tools"], f"{where}.allowed_tools"))


def _of_toolset(toolset: Mapping[str, Any], where: str) -> Iterator[ToolFilter]:
    configs = _object(toolset.get("configs"), f"{where}.configs")
    default = _object(toolset.get("default_config"), f"{where}.default_config")
    by_default = _flag(default.get("enabled"), f"{where}.default_config.enabled", default=True)
    chosen = {
        name: _flag(_object(config, f"{where}.configs").get("enabled"), f"{where}.configs", default=by_default)
        for name, config in configs.items()
    }
    if by_default:
        yield ToolFilter(left_out=frozenset(name for name, enabled in chosen.items() if not enabled))
    else:
        yield ToolFilter(frozenset(name for name, enabled in chosen.items() if enabled))
    if toolset.get("tools") is not None:  # a listing that the client knows, and wants no more than
        pinned = [(object_or_none(tool) or {}).get("name") for tool in list_or_empty(toolset["tools"])]
        yield ToolFilter(read_names(pinned, f"{where}.tools"))


def _object(value: Any, where: str) -> Mapping[str, Any]:
    given = {} if value is None else object_or_none(value)
    if given is None:
        raise InvalidRequest(f"{where} must be an object", param=where)
    return given


def _flag(value: Any, where: str, *, default: bool) -> bool:
    if value is not None and not isinstance(value, bool):
        raise InvalidRequest(f"{where} must be true or false", param=where)
    return default if value is None else value

"""Tools that a request brings along, and that this gateway runs in the place of the model's provider.

There are two kinds. A server of ours that the request names (`mcp`): its tools are attached, and the client is
shown the calls to them. And a tool that the provider would run, for which the config has one of ours
(`provider_tools`). Both are taken out of the request. What the key's policy does not allow is not attached: a
server that the key may not see is answered like one that is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from gateway.api.field_removal import without
from gateway.api.ids import new_run_id
from gateway.api.own_servers import OwnServers
from gateway.api.requests import Request
from gateway.api.services import Services
from gateway.auth import Principal
from gateway.conversation import ToolChoice, ToolListing
from gateway.dialects import ProviderTool
from gateway.dialects.json_values import object_or_none, text_or_empty
from gateway.dialects.mcp_references import McpReference
from gateway.dialects.tool_types import OPENAI
from gateway.errors import InvalidRequest, PermissionDenied, ToolsUnavailable
from gateway.hub import CatalogueTool, wire_name
from gateway.tool_loop import ShownTool, ShownTools
from tool_policies import InvalidPattern, parse_pattern

References = Callable[[Mapping[str, Any]], Iterable[McpReference]]
"""How a dialect's requests name MCP servers."""


_NOTHING_SHOWN = ShownTools()
_NO_CHOICES: Mapping[str, str] = MappingProxyType({})


def _no_choices() -> Mapping[str, str]:
    return _NO_CHOICES


@dataclass(slots=True)  # not frozen, and without dicts of its own: one is made for every request
class BroughtTools:
    """What is left of a request, and what is to be attached because of it.

    `patterns` name tools that are attached whenever the policy allows; of `narrowed` servers, no others are.
    `params` are the fields that were taken out. `choices` are wire names, by what a `tool_choice` says.
    """

    fields: Mapping[str, Any] = field(repr=False)
    patterns: tuple[str, ...] = ()
    narrowed: frozenset[str] = frozenset()
    params: frozenset[str] = frozenset()
    shown: ShownTools = _NOTHING_SHOWN
    choices: Mapping[str, str] = field(default_factory=_no_choices)

    def name_of(self, server: str, tool: str) -> str:
        """The wire name of a tool that the client was shown; of one that it does not name now, a likely one."""
        for name, shown in self.shown.tools.items():
            if (shown.server, shown.name) == (server, tool):
                return name
        return wire_name(server, tool)

    def redirected(self, choice: ToolChoice | None) -> ToolChoice | None:
        """The client's choice, where it means a tool that is one of ours now."""
        if choice is None or not self.choices:
            return choice
        name = self.choices.get(choice.name or "") or self.choices.get(_said_by(choice))
        return choice if name is None else ToolChoice("named", name, afterwards=choice.afterwards)


def _said_by(choice: ToolChoice) -> str:
    """What a choice of another kind than by name says: a type, or a server and a tool."""
    said = object_or_none(None if choice.source is None else choice.source.raw.get("tool_choice")) or {}
    kind = text_or_empty(said.get("type"))
    return f"{said.get('server_label')}/{said.get('name')}" if kind == "mcp" else OPENAI.name_of(kind)


@dataclass(slots=True)
class _Taking:
    """What has been found so far."""

    patterns: list[str] = field(default_factory=list[str])
    narrowed: set[str] = field(default_factory=set[str])
    params: set[str] = field(default_factory=set[str])
    tools: dict[str, ShownTool] = field(default_factory=dict[str, ShownTool])
    listings: list[ToolListing] = field(default_factory=list[ToolListing])
    choices: dict[str, str] = field(default_factory=dict[str, str])


def take_brought_tools(
    request: Request,
    services: Services,
    principal: Principal,
    fields: Mapping[str, Any],
    found: Sequence[ProviderTool],
    references: References | None,
) -> BroughtTools:
    """Take out of `fields` what is ours to run; `found` are the tools in them that the client does not run itself.

    Raises InvalidRequest, PermissionDenied, ToolsUnavailable.
    """
    if not found or principal.tools == "off":
        return BroughtTools(fields)
    taking = _Taking()
    own = OwnServers(services, services.policies[principal.key_id], request.headers.get("host", ""))
    for reference in references(fields) if references is not None else ():
        _take_reference(reference, own, taking)
    for tool in found:
        ours = services.provider_tools.get(tool.name)
        if ours is not None and tool.param not in taking.params:
            _take_substitute(tool, own.tool(ours), ours, own, taking)
    if not taking.params:
        return BroughtTools(fields)
    return BroughtTools(
        without(fields, taking.params),
        tuple(taking.patterns),
        frozenset(taking.narrowed),
        frozenset(taking.params),
        ShownTools(taking.tools, tuple(taking.listings)),
        taking.choices,
    )


def _take_reference(reference: McpReference, own: OwnServers, taking: _Taking) -> None:
    meant = own.meant_by(reference)
    if meant is None:
        return
    narrowing = reference.read_narrowing()
    wanted = [
        tool
        for server in meant.names
        for tool in own.tools_of(server)
        if narrowing.wants(tool.name, read_only=tool.annotations.read_only is True)
    ]
    for tool in wanted:
        if narrowing.needs_approval(tool.name, read_only=tool.annotations.read_only is True):
            raise _no_approvals(reference, tool)
        shown = ShownTool(reference.label, tool.wire_name if meant.is_everything else tool.name)
        taking.tools.setdefault(tool.wire_name, shown)
        taking.choices[f"{shown.server}/{shown.name}"] = tool.wire_name
    taking.patterns += _patterns(tool.qualified for tool in wanted)
    taking.patterns += [f"{server}/*" for server in meant.names if own.is_unlisted(server)]
    taking.listings.append(_listing(reference.label, wanted, taking.tools))
    taking.params |= set(reference.params)
    taking.narrowed |= set(meant.names)


def _patterns(names: Iterable[str]) -> Iterator[str]:
    """Those names that can be patterns which mean them alone."""
    for name in names:
        try:
            if "*" not in name:
                yield str(parse_pattern(name))
        except InvalidPattern:
            continue


def _listing(label: str, tools: Iterable[CatalogueTool], shown: Mapping[str, ShownTool]) -> ToolListing:
    return ToolListing(
        new_run_id()[4:],
        label,
        tuple(
            {
                "name": shown[tool.wire_name].name,
                "description": tool.description,
                "input_schema": tool.input_schema,
                "annotations": {"read_only": tool.annotations.read_only is True},
            }
            for tool in tools
        ),
    )


def _no_approvals(reference: McpReference, tool: CatalogueTool) -> InvalidRequest:
    where = f"{reference.params[0]}.require_approval"
    message = f"{where}: {tool.name!r} would need your approval for each call, which cannot be given here"
    hint = "leave it out of allowed_tools, or leave the decision to this gateway's policies with `never`"
    return InvalidRequest(f"{message}; {hint}", code="not_supported", param=where)


def _take_substitute(
    tool: ProviderTool, ours: CatalogueTool | None, qualified: str, own: OwnServers, taking: _Taking
) -> None:
    """Raises PermissionDenied in words that do not tell what the config has, and ToolsUnavailable."""
    if not own.policy.visible(qualified):
        message = f"{tool.param}: this key may not use {tool.name!r}"
        raise PermissionDenied(message, code="tool_denied", param=tool.param)
    if ours is None:
        message = f"{tool.param}: what stands in for {tool.name!r} here is not available at the moment"
        raise ToolsUnavailable(message, param=tool.param)
    taking.patterns.append(qualified)
    taking.params.add(tool.param)
    taking.choices[tool.name] = ours.wire_name

"""What one key sees at `/mcp`, or at `/mcp/{server}`: tools, resources and prompts as clients call them there.

Above: the methods read it. Below: the catalogue and the key's policy. Each is worked out once and remembered for
as long as both stay what they are: the bytes of a list are the same for every client of a key.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import orjson

from gateway.api.mcp.resources_seen import ResourcesSeen, with_uri
from gateway.hub import Catalogue, CataloguePrompt, CatalogueTool, client_name, header_map, own_name
from gateway.tool_calls import OfferKind, offer_name
from tool_policies import Policy

_REMEMBERED = 256
_NOT_SHOWN = frozenset({"execution"})
"""What we cannot keep for a server: that a tool runs as a task, which is not offered here."""


@dataclass(frozen=True, slots=True)
class ExposedTool:
    """A tool under its name for clients. With `mirrors`, it wants arguments repeated in headers."""

    name: str
    tool: CatalogueTool
    mirrors: bool = False


class Surface:
    """See the module. `server` is None where all servers stand side by side."""

    def __init__(
        self, server: str | None, policy: Policy, catalogue: Catalogue, tools: Iterable[CatalogueTool]
    ) -> None:
        self.server = server
        self.policy = policy
        self.catalogue = catalogue
        seen = [tool for tool in tools if server in (None, tool.server)]
        self.tools: Mapping[str, ExposedTool] = {
            name: ExposedTool(name, tool, bool(header_map(tool.definition["inputSchema"])))
            for name, tool in sorted(
                ((self.name_of(tool.server, tool.name), tool) for tool in seen), key=lambda pair: pair[0]
            )
        }

    def name_of(self, server: str, name: str) -> str:
        """The name of a tool or prompt here."""
        return client_name(server, name) if self.server is None else own_name(server, name)

    def offering(self, kind: OfferKind) -> tuple[str, ...]:
        """The servers that have something of a kind, as far as the key may ask for it."""
        return tuple(
            name
            for name, about in self.catalogue.servers.items()
            if self.server in (None, name)
            and kind in about.capabilities
            and self.policy.visible(offer_name(name, kind))
        )

    @cached_property
    def prompts(self) -> Mapping[str, CataloguePrompt]:
        """The prompts by their names here, sorted."""
        servers = self.offering("prompts")
        seen = [prompt for prompt in self.catalogue.prompts if prompt.server in servers]
        return dict(sorted(((self.name_of(one.server, one.name), one) for one in seen), key=lambda pair: pair[0]))

    @cached_property
    def resources(self) -> ResourcesSeen:
        """The resources and their templates."""
        return ResourcesSeen(self.offering("resources"), self.catalogue.resources, self.catalogue.templates)

    @cached_property
    def listed_tools(self) -> bytes:
        """The JSON array of `tools/list`, in the order of names."""
        return _written(_shown(exposed) for exposed in self.tools.values())

    @cached_property
    def listed_tools_for_handshakes(self) -> bytes:
        """The same for versions before 2026-07-28, in which structured results are objects."""
        return _written(_without_other_outputs(_shown(exposed)) for exposed in self.tools.values())

    @cached_property
    def listed_prompts(self) -> bytes:
        """The JSON array of `prompts/list`."""
        return _written({**prompt.definition, "name": name} for name, prompt in self.prompts.items())

    @cached_property
    def listed_resources(self) -> bytes:
        """The JSON array of `resources/list`."""
        seen = self.resources
        return _written(with_uri(one.definition, "uri", seen.uri_of(one)) for one in seen.resources)

    @cached_property
    def listed_templates(self) -> bytes:
        """The JSON array of `resources/templates/list`."""
        seen = self.resources
        return _written(with_uri(one.definition, "uriTemplate", seen.template_of(one)) for one in seen.templates)

    def differences(self, other: Surface) -> frozenset[str]:
        """What is listed here differently than there, by the names of changes that clients listen to."""
        if self is other:
            return frozenset()
        same = {
            "toolsListChanged": self.listed_tools == other.listed_tools,
            "promptsListChanged": self.listed_prompts == other.listed_prompts,
            "resourcesListChanged": (self.listed_resources, self.listed_templates)
            == (other.listed_resources, other.listed_templates),
        }
        return frozenset(kind for kind, is_same in same.items() if not is_same)


def _shown(exposed: ExposedTool) -> dict[str, Any]:
    """The definition as the server sent it, under our name."""
    kept = {key: value for key, value in exposed.tool.definition.items() if key not in _NOT_SHOWN}
    return {**kept, "name": exposed.name}


def _without_other_outputs(definition: dict[str, Any]) -> dict[str, Any]:
    output: Any = definition.get("outputSchema")
    is_of_object = isinstance(output, dict) and cast("dict[str, Any]", output).get("type") == "object"
    if is_of_object or output is None:
        return definition
    return {key: value for key, value in definition.items() if key != "outputSchema"}


def _written(values: Iterable[Any]) -> bytes:
    return orjson.dumps(list(values))


@dataclass(slots=True)
class Surfaces:
    """The surfaces of all configurations, the last few hundred of them remembered."""

    _known: OrderedDict[tuple[int, int, str | None], Surface] = field(
        default_factory=OrderedDict[tuple[int, int, str | None], Surface]
    )

    def find(
        self, server: str | None, policy: Policy, catalogue: Catalogue, tools: Iterable[CatalogueTool]
    ) -> Surface:
        """The surface for a key's narrowed policy and the tools of the catalogue that it shows."""
        # Ids name the two for as long as the surface, which holds them, is remembered.
        key = (id(policy), id(catalogue), server)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = Surface(server, policy, catalogue, tools)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(key)
        return known

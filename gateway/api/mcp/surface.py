"""What one key sees at `/mcp`, or at `/mcp/{server}`: its tools, under the names that clients call them by.

Above: the methods read it. Below: the catalogue and the key's policy. Each is worked out once and remembered for
as long as both stay what they are: the bytes of a list are the same for every client of a key.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from gateway.hub import Catalogue, CatalogueTool, client_name, header_map, own_name
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
            for name, tool in sorted((self.name_of(tool.server, tool.name), tool) for tool in seen)
        }

    def name_of(self, server: str, name: str) -> str:
        """The name of a tool or prompt here."""
        return client_name(server, name) if self.server is None else own_name(server, name)

    @cached_property
    def listed_tools(self) -> bytes:
        """The JSON array of `tools/list`, in the order of names."""
        return _written(_shown(exposed) for exposed in self.tools.values())

    @cached_property
    def listed_tools_for_handshakes(self) -> bytes:
        """The same for versions before 2026-07-28, in which structured results are objects."""
        return _written(_without_other_outputs(_shown(exposed)) for exposed in self.tools.values())

    def differences(self, other: Surface) -> frozenset[str]:
        """What is listed here differently than there."""
        if self is other or self.listed_tools == other.listed_tools:
            return frozenset()
        return frozenset({"toolsListChanged"})


def _shown(exposed: ExposedTool) -> dict[str, Any]:
    """The definition as the server sent it, under our name."""
    kept = {key: value for key, value in exposed.tool.definition.items() if key not in _NOT_SHOWN}
    return {**kept, "name": exposed.name}


def _without_other_outputs(definition: dict[str, Any]) -> dict[str, Any]:
    output: Any = definition.get("outputSchema")
    if output is not None and not (isinstance(output, dict) and output.get("type") == "object"):  # pyright: ignore[reportUnknownMemberType] - any JSON
        del definition["outputSchema"]
    return definition


def _written(values: Iterable[Any]) -> bytes:
    return orjson.dumps(list(values))


@dataclass(slots=True)
class Surfaces:
    """The surfaces of one configuration, the last few hundred of them remembered."""

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

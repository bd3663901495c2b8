"""The tools of one request: what its key may see, narrowed by what the request asks for.

In the catalogue's order, so that equal requests carry equal bytes and a provider's prompt cache keeps hitting.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

from gateway.conversation import ToolDefinition
from gateway.exposure.definitions import define
from gateway.exposure.selection import MOST_FOUND, LazyIndex, SearchTool, Selection
from gateway.hub import Catalogue, CatalogueTool, ServerState

Narrowings = tuple[tuple[str, ...], ...]
"""Lists of patterns (`server/tool`): a tool must match each list. An empty list leaves nothing."""

_REMEMBERED = 256

_Key = tuple[int, int, Narrowings, "tuple[str, ...] | None"]


class VisibilityPolicy(Protocol):
    """What a compiled policy says about which tools there are; `tool_policies.Policy` satisfies it."""

    def visible(self, tool: str) -> bool:
        """Whether `server/tool` exists for this key."""
        ...

    def reaches(self, server: str) -> bool:
        """Whether any tool that this server might have could be visible: for servers not listed yet."""
        ...

    def narrowed(self, patterns: Sequence[str]) -> Self:
        """The same policy with less in sight."""
        ...


PolicyT = TypeVar("PolicyT", bound=VisibilityPolicy)


@dataclass(frozen=True, slots=True)
class Exposure(Generic[PolicyT]):
    """What one request may use. `policy` is the narrowed one: calls must be judged by it.

    `unavailable` names the servers that the policy reaches and that are not ready. Their last known tools stay
    in `tools`: a server may be back by the time it is called, and prompts stay stable. `definitions` are what the
    model is shown at first: all of the tools, or, where there is a `selection`, some of them and a search.
    """

    policy: PolicyT
    tools: tuple[CatalogueTool, ...]
    definitions: tuple[ToolDefinition, ...]
    unavailable: tuple[str, ...] = ()
    selection: Selection | None = None

    @property
    def names(self) -> frozenset[str]:
        """The names of all tools that the model may be shown, now or later."""
        return frozenset((*(tool.wire_name for tool in self.tools), *(one.name for one in self.definitions)))


@dataclass(frozen=True, slots=True)
class _Remembered(Generic[PolicyT]):
    """`original` is kept alive, so that its id stays its own for as long as this is remembered."""

    original: PolicyT
    policy: PolicyT
    tools: tuple[CatalogueTool, ...]
    definitions: tuple[ToolDefinition, ...]
    servers: frozenset[str]
    visible: frozenset[str]
    """Servers with tools that are shown; all that have any are in `servers`."""
    selection: Selection | None


class Exposer(Generic[PolicyT]):
    """Works out exposures for the catalogues of one hub, and remembers the last few hundred."""

    def __init__(self, remembered: int = _REMEMBERED) -> None:
        self._limit = remembered
        self._known: OrderedDict[_Key, _Remembered[PolicyT]] = OrderedDict()
        self._defined: dict[str, tuple[CatalogueTool, ToolDefinition]] = {}
        self._generation: int = -1
        self._index = LazyIndex(())

    def expose(
        self,
        catalogue: Catalogue,
        policy: PolicyT,
        states: Mapping[str, ServerState],
        narrowings: Narrowings = (),
        pins: tuple[str, ...] | None = None,
    ) -> Exposure[PolicyT]:
        """The tools of `catalogue` that `policy` shows and every one of `narrowings` leaves.

        With `pins`, which are patterns, the model is shown those tools at first, and can search for the others.
        """
        key = (catalogue.generation, id(policy), narrowings, pins)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._work_out(catalogue, policy, narrowings, pins)
            if len(self._known) > self._limit:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(key)
        return Exposure(found.policy, found.tools, found.definitions, _unavailable(found, states), found.selection)

    def _work_out(
        self, catalogue: Catalogue, policy: PolicyT, narrowings: Narrowings, pins: tuple[str, ...] | None
    ) -> _Remembered[PolicyT]:
        self._begin_generation(catalogue)
        narrowed = policy
        for patterns in narrowings:
            narrowed = narrowed.narrowed(patterns)
        tools = tuple(tool for tool in catalogue.tools if narrowed.visible(tool.qualified))
        listed = frozenset(tool.server for tool in catalogue.tools)
        definitions, selection = self._select(tools, None if pins is None else narrowed.narrowed(pins))
        visible = frozenset(tool.server for tool in tools)
        return _Remembered(policy, narrowed, tools, definitions, listed, visible, selection)

    def _select(
        self, tools: tuple[CatalogueTool, ...], pinned: PolicyT | None
    ) -> tuple[tuple[ToolDefinition, ...], Selection | None]:
        """What is shown at first; all, where one search could find all that is not pinned."""
        others = () if pinned is None else tuple(tool for tool in tools if not pinned.visible(tool.qualified))
        if len(others) <= MOST_FOUND:
            return tuple(self._define(tool) for tool in tools), None
        search = SearchTool(self._index, tools)
        hidden = {tool.wire_name: self._define(tool) for tool in others}
        shown = (self._define(tool) for tool in tools if tool.wire_name not in hidden)
        return (define(search.tool), *shown), Selection(search, hidden)

    def _begin_generation(self, catalogue: Catalogue) -> None:
        """A server may rename its tools for ever; what is not in the catalogue any more is not kept."""
        if catalogue.generation != self._generation:
            self._generation = catalogue.generation
            self._index = LazyIndex(catalogue.tools)
            self._defined = {name: known for name, known in self._defined.items() if name in catalogue.by_name}

    def _define(self, tool: CatalogueTool) -> ToolDefinition:
        """The definition of a tool, made once for all keys: schemas are large."""
        known = self._defined.get(tool.qualified)
        if known is None or known[0] is not tool:
            known = self._defined[tool.qualified] = (tool, define(tool))
        return known[1]


def _unavailable(found: _Remembered[PolicyT], states: Mapping[str, ServerState]) -> tuple[str, ...]:
    return tuple(
        name
        for name, state in states.items()
        if state in ("starting", "down")
        and (name in found.visible or (name not in found.servers and found.policy.reaches(name)))
    )

"""MCP servers that a request names for its provider to call, in whatever form its dialect has for that.

Above: dialects read them, and the API decides which of them are this gateway's own servers. Refuses to know: which
servers there are. Credentials that stand beside such a name are never read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.dialects.json_values import list_or_empty, object_or_none, text_or_empty
from gateway.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class ToolFilter:
    """Some of a server's tools.

    Those among `names`, unless it is None, and not among `left_out`; where `read_only` is set, those that only
    read, or only the others.
    """

    names: frozenset[str] | None = None
    read_only: bool | None = None
    left_out: frozenset[str] = frozenset()

    def matches(self, name: str, *, read_only: bool) -> bool:
        """Whether a tool is one of them; `read_only` is what its server says of it."""
        if self.read_only is not None and self.read_only != read_only:
            return False
        return name not in self.left_out and (self.names is None or name in self.names)


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What a request says about a server's tools.

    A tool is wanted when all `filters` match it; when one of `approvals` does, the client is to be asked before
    each call. Where `unasked` is set, it is to be asked about every tool that this does not match, too.
    """

    filters: tuple[ToolFilter, ...] = ()
    approvals: tuple[ToolFilter, ...] = ()
    unasked: ToolFilter | None = None

    def wants(self, name: str, *, read_only: bool) -> bool:
        """Whether the tool is to be attached."""
        return all(one.matches(name, read_only=read_only) for one in self.filters)

    def needs_approval(self, name: str, *, read_only: bool) -> bool:
        """Whether the client is to be asked before the tool is called."""
        if self.unasked is not None and not self.unasked.matches(name, read_only=read_only):
            return True
        return any(one.matches(name, read_only=read_only) for one in self.approvals)


@dataclass(frozen=True, slots=True)
class McpReference:
    """One server. `params` are the fields that say so, `label` is the client's name for it.

    `read_narrowing` raises InvalidRequest; it is for whoever serves the reference.
    """

    params: tuple[str, ...]
    label: str
    url: str = field(repr=False)
    read_narrowing: Callable[[], Narrowing] = field(repr=False, compare=False, default=Narrowing)


def openai_references(body: Mapping[str, Any]) -> Iterator[McpReference]:
    """The tools of type `mcp` in a request in one of OpenAI's formats; also those that stand in its `input`."""
    yield from _in_list(body.get("tools"), "tools")
    for index, item in enumerate(list_or_empty(body.get("input"))):
        held = object_or_none(item) or {}
        if held.get("type") == "additional_tools":
            yield from _in_list(held.get("tools"), f"input[{index}].tools")


def _in_list(tools: Any, where: str) -> Iterator[McpReference]:
    for index, value in enumerate(list_or_empty(tools)):
        tool, param = object_or_none(value) or {}, f"{where}[{index}]"
        if tool.get("type") == "mcp":
            label, url = text_or_empty(tool.get("server_label")), text_or_empty(tool.get("server_url"))
            yield McpReference((param,), label, url, _OpenAINarrowing(tool, param))


@dataclass(frozen=True, slots=True)
class _OpenAINarrowing:
    tool: Mapping[str, Any] = field(repr=False)
    param: str

    def __call__(self) -> Narrowing:
        allowed = self.tool.get("allowed_tools")
        filters = () if allowed is None else (_read_filter(allowed, f"{self.param}.allowed_tools"),)
        return Narrowing(filters, *self._approvals())

    def _approvals(self) -> tuple[tuple[ToolFilter, ...], ToolFilter | None]:
        """The tools that always need approval; and those that never do, if all others are to."""
        value, where = self.tool.get("require_approval"), f"{self.param}.require_approval"
        if value in (None, "never"):
            return (), None
        if value == "always":
            return (ToolFilter(),), None
        by_word = object_or_none(value)
        if by_word is None or not by_word.keys() <= {"always", "never"}:
            raise InvalidRequest(f"{where} must be always, never, or lists of tools for these words", param=where)
        always, never = by_word.get("always"), by_word.get("never")
        return (
            () if always is None else (_read_filter(always, f"{where}.always"),),
            None if never is None else _read_filter(never, f"{where}.never"),
        )


def _read_filter(value: Any, where: str) -> ToolFilter:
    """A list of names, or an object with `tool_names` and `read_only`. Raises InvalidRequest."""
    if isinstance(value, list):
        return ToolFilter(read_names(value, where))
    given = object_or_none(value)
    if given is None or not given.keys() <= {"tool_names", "read_only"}:
        raise InvalidRequest(f"{where} must be a list of names, or have tool_names or read_only", param=where)
    names, read_only = given.get("tool_names"), given.get("read_only")
    if read_only is not None and not isinstance(read_only, bool):
        raise InvalidRequest(f"{where}.read_only must be true or false", param=f"{where}.read_only")
    return ToolFilter(None if names is None else read_names(names, f"{where}.tool_names"), read_only)


def read_names(value: Any, where: str) -> frozenset[str]:
    """A list of tools' names. Raises InvalidRequest."""
    names = list_or_empty(value)
    if not isinstance(value, list) or not all(isinstance(name, str) for name in names):
        raise InvalidRequest(f"{where} must be a list of names of tools", param=where)
    return frozenset(names)

"""Arguments that a tool wants mirrored in HTTP headers (2026-07-28, "Custom headers").

The SDK's own code does it. It is imported for the first schema that speaks of such headers, which hardly any does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from gateway.hub.protocol import ARGUMENT_HEADER_KEY

HeaderMap = Mapping[tuple[str, ...], str]
"""From the path of an argument to the name of its header."""

_DEEPEST = 64


def find_invalid_header(schema: Any) -> str | None:
    """What is wrong with the headers that a schema asks for; None when nothing is."""
    if not _speaks_of_headers(schema, _DEEPEST):
        return None
    from mcp.shared.inbound import find_invalid_x_mcp_header  # noqa: PLC0415 - see the module

    return find_invalid_x_mcp_header(schema)


def header_map(schema: Mapping[str, Any]) -> HeaderMap:
    """Which arguments go into which headers."""
    if not _speaks_of_headers(schema, _DEEPEST):
        return {}
    from mcp.shared.inbound import x_mcp_header_map  # noqa: PLC0415 - see the module

    return x_mcp_header_map(schema)


def argument_headers(headers: HeaderMap, arguments: Mapping[str, Any]) -> dict[str, str]:
    """The headers for a call with these arguments."""
    from mcp.shared.inbound import mcp_param_headers  # noqa: PLC0415 - see the module

    return dict(mcp_param_headers(headers, arguments))


def _speaks_of_headers(value: Any, levels: int) -> bool:
    """Whether the keyword is in there; a schema that is too deep to say is the SDK's to judge."""
    if levels == 0:
        return True
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return ARGUMENT_HEADER_KEY in members or _any_speaks(members.values(), levels)
    return isinstance(value, list) and _any_speaks(cast("list[Any]", value), levels)


def _any_speaks(values: Iterable[Any], levels: int) -> bool:
    return any(_speaks_of_headers(value, levels - 1) for value in values)

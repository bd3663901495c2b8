"""What a request of 2026-07-28 says of itself: its envelope, and the headers that mirror it. No I/O.

Whatever stands in front of a server may route and decide by the headers alone, so they are worth nothing unless
they agree with the message ("Standard headers"): a request whose two halves differ is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from gateway.api.mcp.wire import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    UNSUPPORTED_VERSION,
    Message,
    Refusal,
)
from gateway.hub import protocol

MODERN_VERSIONS = [protocol.MODERN_VERSION]

_NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""The param of a method that `Mcp-Name` mirrors."""
_ROUTING_HEADERS = frozenset({protocol.VERSION_HEADER, protocol.METHOD_HEADER, protocol.NAME_HEADER})
_ENCODED = "=?base64?"


@dataclass(frozen=True, slots=True)
class Client:
    """What a client says of itself: with every request, or once for a session. All of it is only its word."""

    capabilities: Mapping[str, Any] = field(default_factory=dict[str, Any])
    info: Mapping[str, Any] | None = None


def is_modern(headers: Mapping[str, str], message: Message) -> bool:
    """Whether a request is for the era without sessions.

    The header decides. Without it, only a message that says so itself is: it is then told what it lacks.
    """
    version = headers.get(protocol.VERSION_HEADER)
    if version is None:
        return protocol.VERSION_META_KEY in message.meta
    return version not in protocol.HANDSHAKE_VERSIONS


def check_version(version: Any) -> None:
    """See that a version is ours. Raises Refusal."""
    if version not in MODERN_VERSIONS:
        data = {"supported": MODERN_VERSIONS, "requested": version}
        raise Refusal(UNSUPPORTED_VERSION, "Unsupported protocol version", data)


def read_envelope(message: Message, headers: Mapping[str, str]) -> Client:
    """Who asks, once message and headers agree and the version is ours. Raises Refusal."""
    meta = message.meta
    version = meta.get(protocol.VERSION_META_KEY)
    capabilities = meta.get(protocol.CLIENT_CAPABILITIES_META_KEY)
    if not isinstance(version, str) or not isinstance(capabilities, dict):
        raise _incomplete(
            protocol.VERSION_META_KEY if not isinstance(version, str) else protocol.CLIENT_CAPABILITIES_META_KEY
        )
    _check_headers(message, version, headers)
    check_version(version)
    info = meta.get(protocol.CLIENT_INFO_META_KEY)
    return Client(
        cast("Mapping[str, Any]", capabilities),
        cast("Mapping[str, Any]", info) if isinstance(info, dict) else None,
    )


def _incomplete(key: str) -> Refusal:
    return Refusal(INVALID_PARAMS, f"Invalid params: params._meta lacks {key}")


def _check_headers(message: Message, version: str, headers: Mapping[str, str]) -> None:
    if headers.get(protocol.VERSION_HEADER) != version:
        raise _mismatch("MCP-Protocol-Version", "version in the message's _meta")
    if headers.get(protocol.METHOD_HEADER, "").strip() != message.method:
        raise _mismatch("Mcp-Method", "message's method")
    named = _NAMED.get(message.method)
    if named is None or message.params.get(named) is None:
        return
    if decode_header(headers.get(protocol.NAME_HEADER, "")) != message.params[named]:
        raise _mismatch("Mcp-Name", f"message's {named}")


def _mismatch(header: str, other: str) -> Refusal:
    return Refusal(HEADER_MISMATCH, f"The header {header} does not agree with the {other}")


def check_repeated(raw_headers: Iterable[tuple[bytes, bytes]]) -> None:
    """See that no header which mirrors the message is there twice: readers would differ in which one counts."""
    seen: set[str] = set()
    for raw, _ in raw_headers:
        name = raw.decode("latin-1").lower()
        if name in seen and (name in _ROUTING_HEADERS or name.startswith("mcp-param-")):
            raise Refusal(HEADER_MISMATCH, f"The header {name} is given twice")
        seen.add(name)


def decode_header(value: str) -> str | None:
    """A header's value, which may be encoded where it holds what headers cannot; None when that is broken."""
    value = value.strip()
    if not value.startswith(_ENCODED):
        return value
    from mcp.shared.inbound import decode_header_value  # noqa: PLC0415 - takes long, and hardly any value needs it

    return decode_header_value(value)


def check_argument_headers(schema: Any, arguments: Mapping[str, Any], headers: Mapping[str, str]) -> None:
    """See that the headers which mirror arguments agree with them ("Custom headers"). Raises Refusal.

    Only for tools whose schema speaks of such headers; the SDK's own code does it.
    """
    from mcp.shared.inbound import validate_mcp_param_headers  # noqa: PLC0415 - see `decode_header`

    found = validate_mcp_param_headers(schema, arguments, headers)
    if found is not None:
        raise Refusal(found.code, found.message)

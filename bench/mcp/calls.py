"""What the hubs are asked: one call of the calculator, in the form of the protocol's era that a hub speaks."""

from __future__ import annotations

from typing import Any

import orjson

RESULT = b'"42"'
"""In every right answer. The whole of the content is the number, as JSON."""
_ARGUMENTS = {"expression": "6 * 7"}
_MODERN = "2026-07-28"
_HANDSHAKE = "2025-06-18"


def modern_call(path: str, tool: str, key: str) -> bytes:
    """A self-contained `tools/call` of MCP 2026-07-28, as one whole HTTP request for a connection that is kept."""
    meta: dict[str, Any] = {
        "io.modelcontextprotocol/protocolVersion": _MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params: dict[str, Any] = {"name": tool, "arguments": _ARGUMENTS, "_meta": meta}
    head = {"MCP-Protocol-Version": _MODERN, "Mcp-Method": "tools/call", "Mcp-Name": tool}
    return _request(path, key, "tools/call", params, head)


def sessionless_call(path: str, tool: str, key: str) -> bytes:
    """A `tools/call` of the handshake's era to a server that asks for no session."""
    params = {"name": tool, "arguments": _ARGUMENTS}
    return _request(path, key, "tools/call", params, {"MCP-Protocol-Version": _HANDSHAKE})


def _request(path: str, key: str, method: str, params: dict[str, Any], head: dict[str, str]) -> bytes:
    body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    fields = {
        "Host": "127.0.0.1",
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "Content-Length": str(len(body)),
        **head,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body

"""Messages to `/mcp` as they stand on the wire, of either era."""

from __future__ import annotations

import json
from typing import Any

import httpx2

from tests.support.gateways import SECRET, InProcess

MODERN = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
_NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}


def modern_headers(method: str, params: dict[str, Any]) -> dict[str, str]:
    headers = {"mcp-protocol-version": MODERN, "mcp-method": method}
    if method in _NAMED:
        headers["mcp-name"] = params[_NAMED[method]]
    return headers


def message(method: str, params: dict[str, Any] | None = None, *, id: Any = 1) -> dict[str, Any]:  # noqa: A002
    said: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    if id is not None:
        said["id"] = id
    return said if params is None else said | {"params": params}


class Wire:
    """Sends what it is told, and reads an answer that may be a stream."""

    def __init__(self, gateway: InProcess, http: httpx2.AsyncClient, path: str = "/mcp") -> None:
        self._url = f"{gateway.origin}{path}"
        self._http = http

    async def send(
        self,
        body: Any,
        headers: dict[str, str] | None = None,
        *,
        method: str = "POST",
        secret: str | None = SECRET,
    ) -> httpx2.Response:
        whole = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
        if secret is not None:
            whole["authorization"] = f"Bearer {secret}"
        whole |= headers or {}
        whole = {name: value for name, value in whole.items() if value}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        return await self._http.request(method, self._url, content=data, headers=whole)

    async def ask(self, method: str, params: dict[str, Any] | None = None, **headers: str) -> httpx2.Response:
        """One request of the modern era; `headers` (with underscores) are put over those that belong to it."""
        whole = {"_meta": META, **(params or {})}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.send(message(method, whole), {**modern_headers(method, whole), **given})

    async def begin(self, version: str = "2025-11-25") -> str:
        """Begin a session; its id."""
        params = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        answer = await self.send(message("initialize", params))
        assert answer.status_code == 200, answer.text
        assert answer.json()["result"]["protocolVersion"] == version
        session = answer.headers["mcp-session-id"]
        noted = await self.send(message("notifications/initialized", id=None), {"mcp-session-id": session})
        assert (noted.status_code, noted.content) == (202, b"")
        return session


def error_of(answer: httpx2.Response) -> tuple[int, int, Any]:
    """Status, code and id of an answer that is an error."""
    said = answer.json()
    assert set(said) == {"jsonrpc", "id", "error"}, said
    assert "Traceback" not in answer.text
    return answer.status_code, said["error"]["code"], said["id"]

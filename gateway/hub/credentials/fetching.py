"""What is fetched of documents that others name, and of forms that they are sent.

Above: discovery, registration and token requests. Below: `exchanges`, which is loaded with the first of them, for
it takes memory that most gateways have no use for. Refuses to know: HTTP, what is fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlencode

import orjson

from gateway.hub.credentials.addresses import endpoint_fault
from gateway.hub.credentials.challenges import Challenge
from gateway.hub.credentials.faults import OAuthFault

_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "toolgate"}
_PING = orjson.dumps({"jsonrpc": "2.0", "id": 0, "method": "ping"})


@dataclass(frozen=True, slots=True)
class Answer:
    """The status of an answer, and the JSON object in it; empty when there is none."""

    status: int
    document: Mapping[str, Any] = field(repr=False)


class Fetcher:
    """Fetches on behalf of the server at `server_url`, which the operator has named."""

    def __init__(
        self, server_url: str, headers: Mapping[str, str] | None = None, *, speaks_mcp: bool = True
    ) -> None:
        """`headers` are what the operator sends to the server itself, and nobody else."""
        self._server_url = server_url
        self._headers = headers or {}
        self._speaks_mcp = speaks_mcp

    async def get(self, url: str) -> Answer:
        """GET a document. Raises OAuthFault."""
        return await self._fetch("GET", url, None, {})

    async def post_form(
        self, url: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> Answer:
        """POST a form. Raises OAuthFault."""
        body = urlencode(form).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self._fetch("POST", url, body, {**kind, **(headers or {})})

    async def post_json(self, url: str, document: Mapping[str, Any]) -> Answer:
        """POST a document. Raises OAuthFault."""
        return await self._fetch("POST", url, orjson.dumps(document), {"Content-Type": "application/json"})

    async def challenge(self) -> Challenge:
        """What the server itself says of credentials when it is asked without any. Raises OAuthFault."""
        from gateway.hub.credentials.exchanges import ask_for_challenge  # noqa: PLC0415 - see the module

        accepted = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
        headers = {**self._headers, **_HEADERS, **(accepted if self._speaks_mcp else {})}
        return await ask_for_challenge(self._server_url, _PING if self._speaks_mcp else None, headers)

    async def _fetch(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        from gateway.hub.credentials.exchanges import exchange  # noqa: PLC0415 - see the module

        if fault := endpoint_fault(url):
            raise OAuthFault(f"a URL that its metadata names {fault}")
        status, answer = await exchange(self._server_url, method, url, body, {**_HEADERS, **headers})
        return Answer(status, _object_in(answer))


def _object_in(body: bytes) -> Mapping[str, Any]:
    try:
        found: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}

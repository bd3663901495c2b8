"""An API as a `Peer`: what MCP asks of a server is answered here, and calls become HTTP requests.

Above: `gateway.hub.session`, which takes it for an MCP server of the latest version. Below: `api`, `requests`,
`answers` and aiohttp. Refuses to know: MCP's versions, reconnecting.

No redirect is followed and no cookie kept, so what the operator sends with every request goes to the API's own
address and nowhere else.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

import aiohttp
import anyio
import anyio.to_thread
from yarl import URL

from gateway.config.server_config import SchemeCredential
from gateway.hub.credentials.authorizer import Authorizer
from gateway.hub.entries import BadEntry
from gateway.hub.meanwhile import SILENCE, Meanwhile
from gateway.hub.openapi.answers import Answer, Secrets, read_answer
from gateway.hub.openapi.api import Api
from gateway.hub.openapi.operations import Operation
from gateway.hub.openapi.requests import ApiRequest, build_request
from gateway.hub.openapi.sent import secrets_of, sent_with
from gateway.hub.openapi.values import ArgumentFault
from gateway.hub.peer import JsonObject, PeerClosed, RpcError
from gateway.hub.protocol import METHOD_NOT_FOUND, MODERN_VERSION
from gateway.hub.transports.http_answers import faults_mapped
from gateway.hub.transports.http_sending import Sending, with_credentials
from gateway.hub.transports.under_way import UnderWay

_LARGEST_ANSWER = 8 * 1024 * 1024  # bytes of a body
_CONNECT_TIMEOUT = 10.0  # seconds for a TCP and TLS connection
_KEEP_ALIVE = 4.0  # seconds; less than common servers' 5, so that we never write to a socket they just closed
_ACCEPT = "application/json, text/*;q=0.9, */*;q=0.5"
_DEFAULTS = {"accept": _ACCEPT, "accept-encoding": "identity", "user-agent": "toolgate"}


@asynccontextmanager
async def open_api_peer(
    api: Api,
    headers: Mapping[str, str],
    credentials: Mapping[str, SchemeCredential],
    authorizer: Authorizer | None = None,
) -> AsyncGenerator[ApiPeer]:
    """A peer for an API. `headers` go with every request, `credentials` with those that want them.

    `authorizer` gives the tokens for what is sent on nobody else's behalf. Nothing is sent before the first call.
    """
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE)  # calls in flight are bounded above
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
    ) as client:
        peer = ApiPeer(api, headers, credentials, authorizer, client)
        try:
            yield peer
        finally:
            peer.close("the gateway closed the connection")
            peer.give_up()


class ApiPeer:
    """See `gateway.hub.peer.Peer`. Made by `open_api_peer`."""

    def __init__(
        self,
        api: Api,
        headers: Mapping[str, str],
        credentials: Mapping[str, SchemeCredential],
        authorizer: Authorizer | None,
        client: aiohttp.ClientSession,
    ) -> None:
        self._api = api
        self._headers = {name.lower(): value for name, value in headers.items()}
        self._credentials = credentials
        self._authorizer = authorizer
        self._client = client
        self._secrets = secrets_of(headers, api.base.parameters, credentials)
        self._closed = anyio.Event()
        self._reason = ""
        self._under_way = UnderWay()

    @property
    def is_closed(self) -> bool:
        """Whether a request made now would not be sent."""
        return self._closed.is_set()

    def speak(self, version: str) -> None:
        """See the protocol: nothing is said of it."""

    def hears_logs(self) -> bool:
        """See the protocol: there are none."""
        return False

    async def request(
        self,
        method: str,
        params: JsonObject,
        *,
        meanwhile: Meanwhile = SILENCE,
        headers: Mapping[str, str] | None = None,
        authorizer: Authorizer | None = None,
    ) -> JsonObject:
        """See the protocol. A call that is cancelled closes its connection."""
        if self.is_closed:
            raise PeerClosed(self._reason)
        match method:
            case "server/discover":
                return {"supportedVersions": [MODERN_VERSION], "capabilities": {"tools": {}}}
            case "tools/list":
                return {"tools": self._tools()}
            case "tools/call":
                return await self._call(params, authorizer or self._authorizer)
            case _:
                raise RpcError(METHOD_NOT_FOUND, "an OpenAPI document has operations only, which are tools")

    def _tools(self) -> list[Any]:
        operations = [operation.definition for operation in self._api.operations.values()]
        return [*operations, *(BadEntry(one.name, one.fault.reason()) for one in self._api.left_out)]

    async def _call(self, params: JsonObject, authorizer: Authorizer | None) -> JsonObject:
        operation = self._api.operations.get(params["name"])
        if operation is None:
            return _refusal(f"There is no tool {params['name']!r}.")
        given: Any = params.get("arguments")
        arguments: JsonObject = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
        try:
            sent = sent_with(operation.security, self._credentials)
            asked = build_request(operation, self._api.base, arguments, sent)
        except ArgumentFault as fault:
            return _refusal(str(fault))
        answer, secrets = await self._exchange(asked, authorizer if operation.security.with_token else None)
        return await self._read(operation, answer, secrets)

    async def _exchange(self, asked: ApiRequest, authorizer: Authorizer | None) -> tuple[Answer, Secrets]:
        """The answer, and what must not be shown of it."""
        headers = {**_DEFAULTS, **{name.lower(): value for name, value in asked.headers.items()}, **self._headers}
        if "cookie" in self._headers and "cookie" in asked.headers:
            headers["cookie"] = f"{self._headers['cookie']}; {asked.headers['cookie']}"
        secrets = self._secrets

        def send(tokens: Mapping[str, str]) -> Sending:
            nonlocal secrets
            secrets = secrets.and_in(tokens.items())
            return self._client.request(
                asked.method,
                URL(asked.url, encoded=True),
                headers={**headers, **{name.lower(): value for name, value in tokens.items()}},
                data=asked.body,
                allow_redirects=False,
            )

        with self._under_way.one(), faults_mapped():
            async with with_credentials(send, authorizer) as response:
                body = await _read_bounded(response)
                return Answer(response.status, _joined(response), body, _LARGEST_ANSWER), secrets

    async def _read(self, operation: Operation, answer: Answer, secrets: Secrets) -> JsonObject:
        read = partial(read_answer, answer, operation.definition.get("outputSchema"), secrets, name=operation.name)
        return await anyio.to_thread.run_sync(read)  # it takes a while where the answer is large

    async def notify(self, method: str, params: JsonObject | None = None) -> None:
        """See the protocol: nothing here needs to be told."""

    async def follow(self, on_open: Callable[[], None]) -> None:
        """See the protocol: there are no notifications."""

    async def wait_closed(self) -> str:
        """Wait until the peer is closed; why."""
        await self._closed.wait()
        return self._reason

    def close(self, reason: str) -> None:
        """See the protocol."""
        if not self.is_closed:
            self._reason = reason
            self._closed.set()

    def give_up(self) -> None:
        """Fail what is still under way: the client is about to go, and would leave it waiting for ever."""
        self._under_way.give_up(self._reason)

    def diagnostics(self) -> tuple[str, ...]:
        """See the protocol: an API says nothing beside its answers."""
        return ()


async def _read_bounded(response: aiohttp.ClientResponse) -> bytes | None:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _LARGEST_ANSWER:
            return None
    return bytes(body)


def _joined(response: aiohttp.ClientResponse) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in response.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers


def _refusal(message: str) -> dict[str, Any]:
    """An error that the model can mend: nothing was sent."""
    return {"content": [{"type": "text", "text": message}], "isError": True}

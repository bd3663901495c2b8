"""One model call on one provider: conversation in, conversation out; or bytes through, untouched.

Above: routing chooses the provider and the model, and decides what happens after a failure. Below: an
`HttpClient` and the dialects. Refuses to know: aliases, fallbacks, clients.

Everything raises `gateway.errors.UpstreamError`; the messages name the provider as the config does.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import MappingProxyType, TracebackType
from typing import Any

import orjson

from gateway.conversation import ModelRequest, ModelResponse, StreamEvent
from gateway.dialects import UpstreamStreamError, WireFormatError
from gateway.dialects.json_values import can_be_written, load_object
from gateway.dialects.openai_chat import OPENAI_CHAT
from gateway.dialects.openai_chat.quirks import adapted
from gateway.dialects.openai_responses import OPENAI_RESPONSES
from gateway.errors import InvalidRequest
from gateway.providers.answers import ProviderAnswer, read_events
from gateway.providers.clients import HttpClients
from gateway.providers.endpoints import ENDPOINTS, Endpoint
from gateway.providers.failures import (
    SENSELESS,
    named,
    no_credentials,
    protocol_error,
    refusal,
    refused_in_stream,
    unreadable,
)
from gateway.providers.families import family_of, readable_by, stream_by, written_by
from gateway.providers.http import HttpAnswer, HttpClient, HttpFault
from gateway.providers.provider import Authorizer, CredentialsUnavailable, Provider

_LARGEST_MODEL_LIST = 8 * 1024 * 1024  # bytes
_MOST_MODELS = 10_000
_MANY = 200  # objects and lists: with fewer, none is nested too deeply
_OURS: Mapping[str, str] = {
    "content-type": "application/json",
    "accept-encoding": "identity",  # bytes pass through as they come, and what is bounded is what is held
    "user-agent": "toolgate",
}
_NEVER_FORWARDED = frozenset(
    {
        *("host", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect"),
        *("content-length", "content-encoding", "cookie", "authorization", "proxy-authorization"),
        *("x-api-key", "api-key", "x-goog-api-key", "x-real-ip", "forwarded", "via"),
        *("x-access-token", "x-vault-token", "x-functions-key", "ocp-apim-subscription-key", "true-client-ip"),
        *("proxy-connection", "proxy-authenticate", "http2-settings"),
        # Who pays and whose data it is goes with the credentials: the operator's to say, in the config.
        *("openai-organization", "openai-project", "x-goog-user-project"),
    }
)
_NEVER_BEGIN = (
    *("x-amz-", "x-amzn-", "x-forwarded-", "x-auth-", "cf-", "x-envoy-", "x-original-"),
    *("x-goog-iap-", "x-goog-authenticated-", "x-ms-client-", "x-ms-token-"),
)
"""Signatures, and what proxies in front of the gateway say of its clients: who they are, and where."""
_JSON = "application/json"
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_OPENAIS = (OPENAI_CHAT.name, OPENAI_RESPONSES.name)


def openais_dialect(provider: Provider) -> str:
    """That of OpenAI's formats which a provider speaks; empty where it speaks none."""
    return next((dialect for dialect in _OPENAIS if dialect in provider.dialects), "")


class ProviderCaller:
    """Calls providers. Stateless but for the clients' connections."""

    def __init__(self, clients: HttpClients, endpoints: Mapping[str, Endpoint] = ENDPOINTS) -> None:
        self._clients = clients
        self._endpoints = endpoints

    async def complete(self, provider: Provider, request: ModelRequest, model: str) -> ModelResponse:
        """One whole answer of `model`, which is the provider's own name for it."""
        dialect = self._endpoint(provider, request).dialect
        async with self._ask(provider, request, model) as answer:
            whole = await answer.read()
            try:
                _check_depth(whole)
                response = dialect.read_response(whole)
                return written_by(self.family(provider, model, request.dialect), model, response)
            except WireFormatError as error:
                raise unreadable(provider, answer.status, answer.headers, error) from error
            except UpstreamStreamError as error:
                raise refused_in_stream(provider, dialect.name, error) from error
            except SENSELESS as error:  # the boundary at which nonsense becomes a fault of the provider's
                raise unreadable(provider, answer.status, answer.headers, error) from error

    @asynccontextmanager
    async def stream(
        self, provider: Provider, request: ModelRequest, model: str
    ) -> AsyncGenerator[AsyncIterator[StreamEvent]]:
        """One answer as it comes; leaving the context closes the connection, which stops the model."""
        async with self._ask(provider, request, model) as answer:
            family = self.family(provider, model, request.dialect)
            events = stream_by(family, model, read_events(self._endpoint(provider, request).dialect, answer))
            try:
                yield events
            finally:
                await events.aclose()

    def _ask(
        self, provider: Provider, request: ModelRequest, model: str
    ) -> AbstractAsyncContextManager[ProviderAnswer]:
        spoken = provider.dialect_for(request.dialect)
        endpoint = self._endpoints[spoken]
        readable = readable_by(self.family(provider, model, request.dialect), request)
        written = endpoint.dialect.write_request(readable, model=model)
        if provider.quirks and spoken == OPENAI_CHAT.name:
            written = adapted(written, provider.quirks)
        body = _encoded(written)
        meaningful = endpoint.dialect.traits.request_headers if request.dialect == endpoint.dialect.name else ()
        headers = {name: request.headers[name] for name in meaningful if name in request.headers}
        return self.forward(provider, spoken, endpoint.path_for(model, stream=request.stream), body, headers)

    def family(self, provider: Provider, model: str, dialect: str) -> str:
        """The family of a model for a client who speaks `dialect`; see `families`."""
        return family_of(provider, model, self._endpoints[provider.dialect_for(dialect)].dialect.name)

    def _endpoint(self, provider: Provider, request: ModelRequest) -> Endpoint:
        return self._endpoints[provider.dialect_for(request.dialect)]

    def forward(
        self,
        provider: Provider,
        dialect: str,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        content_type: str | None = None,
    ) -> AbstractAsyncContextManager[ProviderAnswer]:
        """Send bytes of `dialect`, which is one of the provider's, and get bytes. `headers` are the client's that
        may pass; credentials among them never do. With a `content_type` the body is of that, and the answer of
        any.

        Raises UpstreamError on entering: UpstreamRefused for every status from 400 on, with the answer exactly
        as it came.
        """
        kept = {
            name: value
            for name, value in headers.items()
            if name not in _NEVER_FORWARDED and not name.startswith(_NEVER_BEGIN)
        }
        return self._call("POST", provider, dialect, path, body, kept, content_type)

    def ask(
        self,
        provider: Provider,
        method: str,
        path: str,
        body: bytes = b"",
        content_type: str = _JSON,
        *,
        dialect: str = "",
        headers: Mapping[str, str] = _NO_HEADERS,
    ) -> AbstractAsyncContextManager[ProviderAnswer]:
        """The same for what is no model: bytes of any kind, at a provider that speaks OpenAI's formats, or this
        `dialect`.
        """
        spoken = dialect or openais_dialect(provider)
        return self._call(method, provider, spoken, path, body, headers, content_type)

    async def list_models(self, provider: Provider) -> list[str]:
        """The names of the provider's models, as it gives them, without repetitions."""
        dialect = provider.dialects[0]
        endpoint = self._endpoints[dialect]
        if endpoint.models_path is None:
            return []
        async with self._call("GET", provider, dialect, endpoint.models_path, b"", {}) as answer:
            body = await answer.read(_LARGEST_MODEL_LIST)
        try:
            listed: Any = orjson.loads(body)
            entries: list[dict[str, Any]] = listed[endpoint.models_field]
            field, prefix = endpoint.model_field, endpoint.model_prefix
            names = [entry[field] for entry in entries[:_MOST_MODELS]]
        except (ValueError, LookupError, TypeError) as error:
            raise protocol_error(provider, "its list of models is not one") from error
        own = (name.removeprefix(prefix) for name in names if isinstance(name, str))
        return list(dict.fromkeys(name for name in own if name))

    def _call(
        self,
        method: str,
        provider: Provider,
        dialect: str,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        content_type: str | None = None,
    ) -> _ProviderExchange:
        endpoint = self._endpoints[dialect]
        sent = {**endpoint.headers, **headers, **_OURS, "accept": endpoint.accept, **provider.headers}
        if content_type is not None:
            sent |= {"content-type": content_type, "accept": "*/*"}
        name = endpoint.errors_in or endpoint.dialect.name
        client = self._clients.of(provider.network)
        return _ProviderExchange(client, method, provider, name, provider.url(path), sent, body)


def _check_depth(whole: bytes) -> None:
    """What is nested very deeply can be read, and not be written again. Raises WireFormatError."""
    if whole.count(b"{") + whole.count(b"[") > _MANY and not can_be_written(load_object(whole)):
        raise WireFormatError("it is nested too deeply")


def _encoded(body: Mapping[str, Any]) -> bytes:
    """A request as JSON. What the client sent may be nested more deeply than can be written again."""
    try:
        return orjson.dumps(body)
    except TypeError as error:
        raise InvalidRequest("the request is nested too deeply", code="invalid_json") from error


class _ProviderExchange:
    """The context of one request to a provider: a class, for a generator's context costs more than all it does."""

    __slots__ = ("_body", "_client", "_dialect", "_exchange", "_headers", "_method", "_provider", "_url")

    def __init__(
        self,
        client: HttpClient,
        method: str,
        provider: Provider,
        dialect: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        self._client = client
        self._method = method
        self._provider = provider
        self._dialect = dialect
        self._url = url
        self._headers = headers
        self._body = body
        self._exchange: AbstractAsyncContextManager[HttpAnswer] | None = None

    async def __aenter__(self) -> ProviderAnswer:
        provider, headers = self._provider, self._headers
        if provider.authorizer is not None:
            headers = await self._authorized(provider.authorizer)
        self._exchange = self._client.request(self._method, self._url, headers, self._body, provider.timeouts)
        try:
            answer = await self._exchange.__aenter__()
        except HttpFault as fault:
            raise named(self._provider, fault) from fault
        if answer.status < 300 and answer.headers.get("content-encoding", "identity") == "identity":
            return ProviderAnswer(self._provider, answer)
        try:
            if answer.status >= 300:
                raise await refusal(self._provider, self._dialect, answer)
            raise protocol_error(self._provider, "it compresses its answers although it was asked not to")
        finally:
            await self._exchange.__aexit__(None, None, None)

    async def _authorized(self, authorizer: Authorizer) -> Mapping[str, str]:
        try:
            own = await authorizer.headers(self._method, self._url, self._headers, self._body)
        except CredentialsUnavailable as error:
            raise no_credentials(self._provider, error) from error
        return {**self._headers, **own}

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._exchange is not None:
            await self._exchange.__aexit__(None, None, None)

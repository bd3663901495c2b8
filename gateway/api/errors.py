"""The one table from exceptions to HTTP.

Total over `gateway.errors`: a test fails when a class there has no row here. Anything else is a fault of ours
and answered in constant words; its traceback goes to the log with the request's id, never to a client.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson

from gateway import errors
from gateway.api.responses import JSON, Response, json_response, passed_on
from gateway.dialects import Dialect
from gateway.dialects.openai_chat import OPENAI_CHAT
from gateway.providers.retry_after import retry_after

_WHEN_TO_RETRY = frozenset({"retry-after", "retry-after-ms", "x-should-retry"})

_SPENT = "insufficient_quota"
"""The code of what fails because the money is used up: OpenAI's own, at which Codex stops."""
_SPENT_STATUS = 402
_SPENT_KINDS = frozenset({_SPENT, "billing_error"})
_HOPELESS = frozenset({"invalid_api_key", "invalid_user_token", "upstream_unauthorized", "not_supported", _SPENT})
"""Codes of what stays as it is until a person does something; some agents would try again for minutes."""

SERVER_ERROR = "server_error"
"""The kind of what is ours to mend: clients learn little of it, and the log everything."""


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """An error as a client is told of it; for streams that have begun, all but `status` still applies.

    `kind` is what OpenAI's error object calls `type`. `retry_after` is in seconds. `upstream` is set when a
    provider's own answer is to be passed on instead.
    """

    status: int
    message: str
    kind: str
    code: str
    param: str | None = None
    retry_after: int | None = None
    upstream: errors.UpstreamAnswer | None = None

    @property
    def outcome(self) -> str:
        """The fault in the audit trail's words, which are ours alone."""
        return self.code if self.upstream is None else "upstream_refused"

    def body(self) -> dict[str, Any]:
        """OpenAI's error object, for endpoints of no dialect."""
        return OPENAI_CHAT.write_error(self, request_id="")


def describe_error(error: Exception, *, request_id: str) -> ErrorAnswer:
    """What a client is told of an exception; in constant words of one that nobody foresaw.

    A task group wraps what its only failing task raised; the wrapping says nothing to a client.
    """
    error = _only_cause(error)
    for cls in type(error).__mro__:
        row = ROWS.get(cls)
        if row is not None:
            return row(error)
    return _internal(request_id)


def _only_cause(error: Exception) -> Exception:
    if not isinstance(error, ExceptionGroup):
        return error
    causes = cast("ExceptionGroup[Exception]", error).exceptions
    return _only_cause(causes[0]) if len(causes) == 1 else RuntimeError("several failures at once")


def error_response(told: ErrorAnswer, dialect: Dialect = OPENAI_CHAT, *, request_id: str = "") -> Response:
    """The HTTP answer that tells a client of an error, in its dialect.

    A provider's own answer is passed on as it came where the client speaks the same; of another one its message is
    told, with the headers that say when to try again.
    """
    headers: dict[str, str] = {}
    if told.upstream is not None:
        if told.upstream.dialect in ("", dialect.name):
            return _pass_on(told.upstream, _error_type(told, dialect))
        headers = {name: value for name, value in told.upstream.headers.items() if name in _WHEN_TO_RETRY}
        if told.code == _SPENT:
            headers = {}  # the money does not come back by waiting
    if told.retry_after is not None:
        headers["retry-after"] = str(told.retry_after)
    if told.status == 401:
        headers["www-authenticate"] = "Bearer"
    if told.code in _HOPELESS:
        headers["x-should-retry"] = "false"
    headers |= _error_type(told, dialect)
    status = dialect.traits.spent_status if told.code == _SPENT else told.status
    body = dialect.write_error(told, request_id=request_id)
    return json_response(body, status=status, headers=headers)


def _error_type(told: ErrorAnswer, dialect: Dialect) -> dict[str, str]:
    """What kind of error it is, in a header, for clients who look there."""
    header = dialect.traits.error_type_header
    return {header: dialect.write_error(told, request_id="")["__type"]} if header else {}


def _pass_on(upstream: errors.UpstreamAnswer, kind: Mapping[str, str]) -> Response:
    headers = {**kind, **passed_on(upstream.headers)}
    return Response(upstream.status, upstream.body, headers.pop("content-type", JSON), headers)


def _internal(request_id: str) -> ErrorAnswer:
    message = f"the gateway failed; its log has the details under request id {request_id}"
    return ErrorAnswer(500, message, SERVER_ERROR, "internal_error")


def _request(error: errors.RequestError) -> ErrorAnswer:
    return ErrorAnswer(error.status, error.message, error.kind, error.code, error.param, error.retry_after)


def _refused(error: errors.UpstreamRefused) -> ErrorAnswer:
    """In a stream, the provider's own words are used where they can be found.

    A provider that does not know the operator's key is no matter of the client's, whose own key is good. That the
    money is used up is told to each client as it stops at it (`Traits.spent_status`).
    """
    if error.answer.status == 401:
        message = f"the provider {error.provider} refused this gateway's credentials"
        return ErrorAnswer(502, message, "upstream_error", "upstream_unauthorized")
    kind, code, message = _read_error_object(error.answer.body)
    wait = retry_after(error.answer.headers, error.answer.body)
    status = error.answer.status
    if status == _SPENT_STATUS or kind in _SPENT_KINDS or code in _SPENT_KINDS:
        status, kind, code, wait = _SPENT_STATUS, _SPENT, _SPENT, None
    return ErrorAnswer(
        status,
        message or error.message,
        kind or "upstream_error",
        code or "upstream_refused",
        retry_after=None if wait is None else math.ceil(wait),
        upstream=error.answer,
    )


def _read_error_object(body: bytes) -> tuple[str | None, str | None, str | None]:
    try:
        whole: Any = orjson.loads(body)
        if isinstance(whole, list):  # Google's, where a stream was asked for
            whole = cast("list[Any]", whole)[0]
        found: Any = whole.get("error", whole)
        if isinstance(found, str):  # Ollama's whole error
            return None, None, found
        values = (found.get("type"), found.get("code"), found.get("message") or found.get("Message"))
    except (orjson.JSONDecodeError, AttributeError, IndexError):
        return None, None, None
    kind, code, message = (value if isinstance(value, str) else None for value in values)
    return kind, code, message


def _upstream(status: int, code: str) -> Callable[[errors.UpstreamError], ErrorAnswer]:
    def describe(error: errors.UpstreamError) -> ErrorAnswer:
        return ErrorAnswer(status, error.message, "upstream_error", code)

    return describe


def _busy(error: errors.UpstreamBusy) -> ErrorAnswer:
    seconds = None if error.retry_after is None else max(1, math.ceil(error.retry_after))
    return ErrorAnswer(503, error.message, "upstream_error", "upstream_busy", retry_after=seconds)


def _tool_server(status: int, code: str) -> Callable[[errors.ToolServerError], ErrorAnswer]:
    def describe(error: errors.ToolServerError) -> ErrorAnswer:
        return ErrorAnswer(status, error.message, "tool_error", code)

    return describe


def _store(error: errors.StoreError) -> ErrorAnswer:
    """The message is for the operator, and goes to the log."""
    message = "the gateway cannot use its database at the moment; try again later"
    return ErrorAnswer(503, message, SERVER_ERROR, "store_error", retry_after=5)


def _operators(code: str) -> Callable[[Exception], ErrorAnswer]:
    """Never met while serving; the text is for the operator alone."""

    def describe(error: Exception) -> ErrorAnswer:
        return ErrorAnswer(500, "the gateway is not set up rightly", SERVER_ERROR, code)

    return describe


ROWS: Mapping[type[BaseException], Callable[[Any], ErrorAnswer]] = {
    errors.ConfigError: _operators("config_error"),
    errors.StoreError: _store,
    errors.InvalidRequest: _request,
    errors.AuthenticationFailed: _request,
    errors.PermissionDenied: _request,
    errors.InsufficientScope: _request,
    errors.ForeignOrigin: _request,
    errors.MisdirectedRequest: _request,
    errors.ModelNotFound: _request,
    errors.NotFound: _request,
    errors.ToolNotFound: _request,
    errors.PayloadTooLarge: _request,
    errors.IdempotencyMismatch: _request,
    errors.NotSupported: _request,
    errors.ToolsUnavailable: _request,
    errors.Overloaded: _request,
    errors.UpstreamRefused: _refused,
    errors.UpstreamUnreachable: _upstream(502, "upstream_unreachable"),
    errors.UpstreamBusy: _busy,
    errors.UpstreamTimeout: _upstream(504, "upstream_timeout"),
    errors.UpstreamProtocolError: _upstream(502, "upstream_protocol_error"),
    errors.ToolServerDown: _tool_server(503, "tool_server_down"),
    errors.ToolCallTimeout: _tool_server(504, "tool_timeout"),
    errors.ToolServerNotConnected: _tool_server(403, "tool_server_not_connected"),
    errors.ToolServerFault: _tool_server(502, "tool_server_fault"),
    errors.ToolServerRefusal: _tool_server(502, "tool_server_fault"),
}

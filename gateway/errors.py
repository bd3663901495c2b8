"""Every exception that toolgate raises on purpose.

    ToolgateError
    ├── ConfigError                 the operator's files are wrong: nothing starts, nothing changes
    ├── StoreError                  the database, or a file beside it, cannot be used
    ├── RequestError                the client can mend it; `status`, `code` and `param` say how
    │   ├── InvalidRequest          400  a field is missing, malformed or impossible
    │   ├── AuthenticationFailed    401  no key, or not one of ours
    │   ├── PermissionDenied        403  the key may not do this
    │   │   └── InsufficientScope        its token was not granted what it takes
    │   ├── ForeignOrigin           403  a page of another site sent it
    │   ├── ModelNotFound           404  no such model, or not for this key
    │   ├── NotFound                404  nothing is kept under this id, or not for this key
    │   ├── ToolNotFound            404  no such tool, or not for this key
    │   ├── PayloadTooLarge         413  the body is over the limit
    │   ├── MisdirectedRequest      421  it is for a host by a name that is not this gateway's
    │   ├── IdempotencyMismatch     422  this idempotency key was used for another request
    │   ├── NotSupported            501  what is asked for cannot be had from this model's provider
    │   ├── ToolsUnavailable        503  a server that the request insists on is down
    │   └── Overloaded              503  the gateway is draining or full
    ├── UpstreamError               a model provider failed us
    │   ├── UpstreamRefused         it answered with an HTTP error: its status and body are passed on
    │   ├── UpstreamUnreachable     no connection, or it was cut before an answer began
    │   ├── UpstreamTimeout         nothing came within the deadline
    │   ├── UpstreamBusy            it was not asked: it is at its limit, or has failed too often of late
    │   └── UpstreamProtocolError   what came was not its dialect, or ended too early
    └── ToolServerError             an MCP server failed us; becomes a tool result, never an HTTP error
        ├── ToolServerDown          it is not running, or died in mid-call
        ├── ToolCallTimeout         no answer within the call's deadline
        ├── ToolServerNotConnected  it wants credentials that its user, or the operator, has to give first
        └── ToolServerFault         it answered with nonsense
            └── ToolServerRefusal   it answered with a JSON-RPC error

`RequestError` and `UpstreamError` reach clients through one table, `gateway.api.errors`; a test fails when a
class here is missing there. Messages may be shown to clients: they name fields, never secrets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, cast


class ToolgateError(Exception):
    """The root of the tree above."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in one of the operator's files. `line` counts from 1; `field` is a dotted path."""

    file: str
    message: str
    line: int | None = None
    field: str | None = None
    hint: str | None = None

    def __str__(self) -> str:
        """`file:line: field: message` and, on a line of its own, the hint."""
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        what = f"{self.field}: {self.message}" if self.field else self.message
        hint = f"\n  hint: {self.hint}" if self.hint else ""
        return f"{where}: {what}{hint}"


class ConfigError(ToolgateError):
    """All the mistakes found in the operator's files, in order of file and line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class StoreError(ToolgateError):
    """The database, or a file beside it, cannot be used. Message and `hint`, what to do, are for the operator."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class RequestError(ToolgateError):
    """A request that cannot be served as it stands.

    `status` is the HTTP status, `code` a stable identifier for programs, `kind` the broad class that OpenAI
    calls `type`, `param` the field at fault.
    """

    status: ClassVar[int] = 400
    kind: ClassVar[str] = "invalid_request_error"
    default_code: ClassVar[str] = "invalid_request"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.param = param
        self.retry_after = retry_after


class InvalidRequest(RequestError):
    """A field is missing, malformed, or asks for what cannot be done."""


class AuthenticationFailed(RequestError):
    """No key, or not one of ours; deliberately without detail."""

    status = 401
    default_code = "invalid_api_key"


class PermissionDenied(RequestError):
    """The key is known but may not do this."""

    status = 403
    kind = "permission_error"
    default_code = "permission_denied"


class ForeignOrigin(RequestError):
    """A page of another site sent it, by somebody's browser."""

    status = 403
    kind = "permission_error"
    default_code = "foreign_origin"


class MisdirectedRequest(RequestError):
    """It is for a host by a name that is not this gateway's (RFC 9110, section 15.5.20)."""

    status = 421
    default_code = "misdirected_request"


class InsufficientScope(PermissionDenied):
    """A token is good, but was not granted `scopes`, all of which it takes."""

    default_code = "insufficient_scope"

    def __init__(self, message: str, *, scopes: frozenset[str] = frozenset()) -> None:
        super().__init__(message)
        self.scopes = scopes


class ModelNotFound(RequestError):
    """No such model, or not for this key: the two answer alike."""

    status = 404
    default_code = "model_not_found"


class NotFound(RequestError):
    """Nothing is kept under this id, or not for this key: the two answer alike."""

    status = 404
    default_code = "not_found"


class ToolNotFound(RequestError):
    """No such tool, or not for this key: the two answer alike."""

    status = 404
    default_code = "tool_not_found"


class PayloadTooLarge(RequestError):
    """The body is over the configured limit."""

    status = 413
    default_code = "payload_too_large"


class IdempotencyMismatch(RequestError):
    """The idempotency key was used before, for a request with another body."""

    status = 422
    default_code = "idempotency_mismatch"


class NotSupported(RequestError):
    """The gateway would, and the provider cannot."""

    status = 501
    default_code = "not_supported"


class ToolsUnavailable(RequestError):
    """A tool server on which the request insists is down."""

    status = 503
    kind = "api_error"
    default_code = "tools_unavailable"


class Overloaded(RequestError):
    """The gateway is draining or at one of its limits; try again."""

    status = 503
    kind = "api_error"
    default_code = "overloaded"


@dataclass(frozen=True, slots=True)
class UpstreamAnswer:
    """The HTTP answer of a provider that refused: passed on as it came, because clients match its text.

    `dialect` says in whose form the body is: a client of another one is told its message alone.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    dialect: str = ""


class UpstreamError(ToolgateError):
    """A provider failed. `provider` is its name in the config."""

    def __init__(self, message: str, *, provider: str) -> None:
        super().__init__(message)
        self.message = message
        self.provider = provider
        self.may_begin_anew = False
        """Whether an answer broke off in whose place another one could be had, if nobody has seen any of it."""


class UpstreamRefused(UpstreamError):
    """The provider answered with an HTTP error."""

    def __init__(self, message: str, *, provider: str, answer: UpstreamAnswer) -> None:
        super().__init__(message, provider=provider)
        self.answer = answer


class UpstreamUnreachable(UpstreamError):
    """No connection could be made, or it was cut before an answer began."""


class UpstreamTimeout(UpstreamError):
    """Nothing came within the deadline."""


class UpstreamBusy(UpstreamError):
    """The provider was not asked, to spare it; `retry_after` is in seconds, where it is known when it may be."""

    def __init__(self, message: str, *, provider: str, retry_after: float | None = None) -> None:
        super().__init__(message, provider=provider)
        self.retry_after = retry_after


class UpstreamProtocolError(UpstreamError):
    """What came was not the provider's dialect, or ended before the answer did."""


class ToolServerError(ToolgateError):
    """An MCP server failed. `server` is its name in the config; the message may be shown to the model."""

    def __init__(self, message: str, *, server: str) -> None:
        super().__init__(message)
        self.message = message
        self.server = server


class ToolServerDown(ToolServerError):
    """The server is not running, or died in mid-call."""


class ToolCallTimeout(ToolServerError):
    """No answer within the call's deadline."""


class ToolServerNotConnected(ToolServerError):
    """The server was not called: it wants credentials, and the message says how they are given."""


class ToolServerFault(ToolServerError):
    """The server answered with a JSON-RPC error, or with nonsense."""


class ToolServerRefusal(ToolServerFault):
    """The server answered with a JSON-RPC error: its `code`, `reason` (the server's own words) and `data`."""

    def __init__(self, message: str, *, server: str, code: int, reason: str, data: object = None) -> None:
        super().__init__(message, server=server)
        self.code = code
        self.reason = reason
        self.data = data


def leaves_of(error: BaseException) -> list[BaseException]:
    """The exceptions of a group, of groups within it too; of one that is no group, itself."""
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    group = cast("BaseExceptionGroup[BaseException]", error)
    return [leaf for inner in group.exceptions for leaf in leaves_of(inner)]

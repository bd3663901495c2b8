"""What a provider's failures are called: from HTTP and dialects to `gateway.errors`, with the provider's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.dialects import UpstreamStreamError, WireFormatError
from gateway.errors import (
    UpstreamAnswer,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gateway.providers.http import (
    LARGEST_ERROR_BODY,
    ConnectionLost,
    DeadlinePassed,
    HttpAnswer,
    HttpFault,
    NotConnected,
)
from gateway.providers.provider import CredentialsUnavailable, Provider


async def refusal(provider: Provider, dialect: str, answer: HttpAnswer) -> UpstreamError:
    """An answer with a status from 300 on; its body is kept as it came."""
    if answer.status < 400:
        return protocol_error(provider, f"it redirects (HTTP {answer.status}); set base_url to where it leads")
    body = bytearray()
    try:
        async for chunk in answer.chunks():
            body += chunk
            if len(body) > LARGEST_ERROR_BODY:
                break
    except HttpFault:
        pass  # the status alone says enough
    message = f"the provider {provider.name} answered HTTP {answer.status}"
    passed_on = UpstreamAnswer(answer.status, bytes(body[:LARGEST_ERROR_BODY]), answer.headers, dialect)
    return UpstreamRefused(message, provider=provider.name, answer=passed_on)


def refused_in_stream(provider: Provider, dialect: str, error: UpstreamStreamError) -> UpstreamRefused:
    """An error event: the status is what the dialect says, or taken from its code where that is one."""
    status = error.status or _status_in(error.body)
    message = f"the provider {provider.name} broke off its answer with an error"
    answer = UpstreamAnswer(status, error.body, {"content-type": "application/json"}, dialect)
    return UpstreamRefused(message, provider=provider.name, answer=answer)


def _status_in(body: bytes) -> int:
    try:
        code: Any = orjson.loads(body)["error"]["code"]
        status = int(code)
    except (ValueError, LookupError, TypeError, OverflowError):
        return 502
    return status if 400 <= status < 600 else 502


SENSELESS = (TypeError, LookupError, ValueError, AttributeError, RecursionError)
"""What reading an answer raises where a value of it is of another type than anybody would think of."""


def unreadable(
    provider: Provider, status: int, headers: Mapping[str, str], error: Exception
) -> UpstreamProtocolError:
    """A body that is not the provider's dialect."""
    kind = headers.get("content-type", "no content type").split(";")[0].strip()[:60]
    return protocol_error(provider, f"its answer (HTTP {status}, {kind}) cannot be read: {_told(error)}")


def _told(error: Exception) -> str:
    """What is wrong; Python's own words for it would tell nobody anything."""
    return str(error) if isinstance(error, WireFormatError) else "a value in it is of the wrong type"


def protocol_error(provider: Provider, message: str) -> UpstreamProtocolError:
    """What came is not what was to come; `message` says in which way."""
    return UpstreamProtocolError(f"the provider {provider.name} failed: {message}", provider=provider.name)


def no_credentials(provider: Provider, error: CredentialsUnavailable) -> UpstreamUnreachable:
    """Nothing could be sent, for want of the operator's own credentials."""
    message = f"the provider {provider.name} was not asked: {error}"
    return UpstreamUnreachable(message, provider=provider.name)


def named(provider: Provider, fault: HttpFault) -> UpstreamError:
    """A fault of HTTP, as what it means for the call."""
    message = f"the provider {provider.name} failed: {fault}"
    if isinstance(fault, NotConnected) or (isinstance(fault, DeadlinePassed) and fault.phase == "connect"):
        return UpstreamUnreachable(message, provider=provider.name)
    if isinstance(fault, DeadlinePassed):
        return UpstreamTimeout(message, provider=provider.name)
    if isinstance(fault, ConnectionLost) and not fault.answered:
        return UpstreamUnreachable(message, provider=provider.name)
    return UpstreamProtocolError(message, provider=provider.name)

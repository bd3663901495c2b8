"""Gemini's paths: the model and what is asked of it stand in the URL, `/v1beta/models/{model}:generateContent`.

Above: `app` puts this behind `/v1beta/models/` and `/v1/models/`. Below: the endpoint that all dialects share. A
model's name may hold slashes and colons; the last colon sets off the method.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from gateway.api.answer import Answer
from gateway.api.model_endpoint import model_endpoint
from gateway.api.requests import Request
from gateway.api.services import Services
from gateway.api.token_counts import token_counting
from gateway.dialects.gemini import GEMINI
from gateway.errors import InvalidRequest, NotSupported

PREFIXES = ("/v1beta/models/", "/v1/models/")
"""Both are Google's: its SDKs used the first, and newer ones use the second."""

_MOST_FIELDS = 32  # of a query
_WHOLE, _STREAM, _COUNT = "generateContent", "streamGenerateContent", "countTokens"


def addressed_in(request: Request) -> Mapping[str, Any]:
    """What the URL says: the model, and whether to stream. Raises InvalidRequest."""
    model, method = _model_and_method(request)
    if method == _STREAM and "sse" not in _query(request).get("alt", ()):
        message = "alt must be sse: a stream is answered as server-sent events alone; add ?alt=sse to the URL"
        raise InvalidRequest(message, param="alt")
    return {"model": model, "stream": True} if method == _STREAM else {"model": model}


def _model_and_method(request: Request) -> tuple[str, str]:
    path: str = request.scope["path"]
    prefix = next((prefix for prefix in PREFIXES if path.startswith(prefix)), "")
    model, _, method = path.removeprefix(prefix).rpartition(":")
    return model, method


def _query(request: Request) -> Mapping[str, list[str]]:
    try:
        return parse_qs(request.scope.get("query_string", b"").decode("latin-1"), max_num_fields=_MOST_FIELDS)
    except ValueError:
        return {}


_generate = model_endpoint(GEMINI, addressed_in)
_count = token_counting(GEMINI, addressed_in)


async def call_gemini(request: Request, services: Services, answer: Answer) -> None:
    """Answer what the method in the path asks for. Raises NotSupported for a method that is not served."""
    _, method = _model_and_method(request)
    match method:
        case "generateContent" | "streamGenerateContent":
            await _generate(request, services, answer)
        case "countTokens":
            await _count(request, services, answer)
        case _:
            await services.callers.identify(request.headers)
            served = f"{_WHOLE}, {_STREAM}, {_COUNT}"
            raise NotSupported(f"the method {method[:64]!r} is not served; there are {served}", param="method")

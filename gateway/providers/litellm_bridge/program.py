"""The child process: OpenAI's chat completions on a socket that it inherits, answered by LiteLLM.

`python -m gateway.providers.litellm_bridge.program FD`, with a secret as the first line of its standard input. It
ends when that is closed, and so with its parent. Whoever does not send the secret gets nothing.

A request's fields go to LiteLLM as arguments, some of which would send the operator's credentials elsewhere
(`api_base`, say): only those of OpenAI's API pass.
"""

from __future__ import annotations

import hmac
import os
import sys
import threading
from collections.abc import AsyncGenerator, Mapping
from typing import Any, cast

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

FIELDS = frozenset(
    {
        *("model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "n", "stop"),
        *("temperature", "top_p", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs"),
        *("top_logprobs", "seed", "user", "tools", "tool_choice", "parallel_tool_calls", "response_format"),
        *("reasoning_effort", "modalities", "audio", "prediction", "metadata", "store", "service_tier"),
        *("verbosity", "safety_identifier", "prompt_cache_key", "functions", "function_call"),
    }
)
"""The fields of OpenAI's API that pass."""


def main() -> None:
    """Serve until standard input ends."""
    secret = sys.stdin.buffer.readline().strip()
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it asks the network for a list of prices
    litellm = _litellm()
    app = Starlette(
        routes=[
            Route("/chat/completions", _completions(litellm, secret), methods=["POST"]),
            Route("/models", _models(secret)),
        ]
    )
    threading.Thread(target=_end_with_parent, daemon=True).start()
    uvicorn.run(app, fd=int(sys.argv[1]), log_level="error", access_log=False)


def _litellm() -> Any:
    import litellm  # type: ignore[import-untyped,import-not-found]  # noqa: PLC0415 - this process alone has it

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.REPEATED_STREAMING_CHUNK_LIMIT = 10**9  # it would take a model that repeats itself for a fault
    return litellm


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def _completions(litellm: Any, secret: bytes) -> Any:
    async def answer(request: Request) -> Response:
        if not _is_parent(request, secret):
            return _error(403, "this is not for you")
        fields: dict[str, Any] = orjson.loads(await request.body())
        unknown = sorted(fields.keys() - FIELDS)
        if unknown:
            name = unknown[0][:80]
            return _error(400, f"{name}: not a field that can be passed on through LiteLLM", name)
        if _names_address(fields.get("messages")):
            message = (
                "messages: what LiteLLM is to show must be in the request as data: it would fetch a URL itself"
            )
            return _error(400, message, "messages")
        try:
            given = await litellm.acompletion(**fields, num_retries=0)
        except Exception as error:  # noqa: BLE001 - whatever it raises becomes an answer
            return _refusal(error)
        if fields.get("stream") is True:
            return StreamingResponse(_events(given), media_type="text/event-stream")
        return Response(given.model_dump_json(exclude_none=True), media_type="application/json")

    return answer


async def _events(chunks: Any) -> AsyncGenerator[bytes]:
    try:
        async for chunk in chunks:
            yield b"data: " + chunk.model_dump_json(exclude_none=True).encode() + b"\n\n"
    except Exception as error:  # noqa: BLE001 - whatever it raises becomes an event
        yield b"data: " + _refusal(error).body + b"\n\n"
    else:
        yield b"data: [DONE]\n\n"


def _names_address(value: Any) -> bool:
    """Whether a part of a message is at an address: fetched from here, it could be one within this network."""
    if isinstance(value, list):
        return any(_names_address(entry) for entry in cast("list[Any]", value))
    if not isinstance(value, dict):
        return False
    fields = cast("dict[str, Any]", value)
    given = fields.get("url", fields.get("image_url"))
    if isinstance(given, str) and not given.lstrip().lower().startswith("data:"):
        return True
    return any(_names_address(entry) for name, entry in fields.items() if name != "arguments")


def _models(secret: bytes) -> Any:
    async def answer(request: Request) -> Response:
        """LiteLLM knows thousands, and not which of them these credentials are for."""
        if not _is_parent(request, secret):
            return _error(403, "this is not for you")
        return JSONResponse({"object": "list", "data": []})

    return answer


def _is_parent(request: Request, secret: bytes) -> bool:
    return hmac.compare_digest(request.headers.get("x-bridge-secret", "").encode(), secret)


def _refusal(error: Exception) -> JSONResponse:
    status = getattr(error, "status_code", None)
    status = status if isinstance(status, int) and 400 <= status < 600 else 502
    response = getattr(error, "response", None)
    given = cast("Mapping[str, str]", getattr(response, "headers", None) or {})
    headers = {name: given[name] for name in ("retry-after", "retry-after-ms") if name in given}
    message = getattr(error, "message", None)
    return _error(status, message if isinstance(message, str) else type(error).__name__, headers=headers)


def _error(
    status: int, message: str, param: str | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    kind = "invalid_request_error" if status < 500 else "server_error"
    fault = {"message": message, "type": kind, "param": param, "code": None}
    return JSONResponse({"error": fault}, status_code=status, headers=dict(headers or {}))


if __name__ == "__main__":
    main()

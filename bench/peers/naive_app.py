"""The proxy that most people would write: FastAPI, a pydantic-free body, httpx2, and a key checked by its digest.

It does what the others do, in the way of the frameworks' own guides: nothing here is slow on purpose.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse


def make_app(upstream: str, key: str) -> FastAPI:
    """A proxy to the chat completions of `upstream`, for one key."""
    digest = hashlib.sha256(key.encode()).digest()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        limits = httpx2.Limits(max_connections=1024, max_keepalive_connections=1024)
        async with httpx2.AsyncClient(base_url=upstream, timeout=600, limits=limits) as client:
            app.state.client = client
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/v1/chat/completions")
    async def chat_completions(request: Request, body: dict[str, Any]) -> Response:
        sent = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(hashlib.sha256(sent.encode()).digest(), digest):
            raise HTTPException(401, "wrong key")
        client: httpx2.AsyncClient = request.app.state.client
        if not body.get("stream"):
            answer = await client.post("/chat/completions", json=body)
            return JSONResponse(answer.json(), status_code=answer.status_code)
        return StreamingResponse(_stream(client, body), media_type="text/event-stream")

    return app


async def _stream(client: httpx2.AsyncClient, body: dict[str, Any]) -> AsyncGenerator[bytes]:
    async with client.stream("POST", "/chat/completions", json=body) as answer:
        async for piece in answer.aiter_bytes():
            yield piece


def from_environment() -> FastAPI:
    """For uvicorn's --factory."""
    return make_app(os.environ["BENCH_UPSTREAM"], os.environ["BENCH_KEY"])

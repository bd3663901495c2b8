"""What this key may call: `GET /v1/models` in OpenAI's form, or Anthropic's for whoever speaks its dialect; and
`GET /api/tags` in Ollama's, and `GET /v1beta/models` in Google's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from gateway.api.requests import Request
from gateway.api.responses import Response, json_response
from gateway.api.services import Services
from gateway.routing import ModelInfo

_ANTHROPICS = "anthropic-version"
_GOOGLES = frozenset({"x-goog-api-key", "x-goog-api-client"})


async def list_models(request: Request, services: Services) -> Response:
    """The models of this key. A provider that cannot be asked is left out; it never delays the answer for long."""
    principal = await services.callers.identify(request.headers)
    models = await services.router.list_models(principal.models)
    if _ANTHROPICS in request.headers:
        return json_response(_as_anthropic(models))
    if request.headers.keys() & _GOOGLES:
        return json_response(_as_google(models))
    return json_response({"object": "list", "data": [_openais(model) for model in models]})


async def show_model(request: Request, services: Services) -> Response:
    """`GET /v1/models/{model}`, in the form that the client reads. Raises ModelNotFound."""
    model = await _asked_for(request, services, "/v1/models/")
    if _ANTHROPICS in request.headers:
        return json_response(_anthropics(model))
    return json_response(_googles(model) if request.headers.keys() & _GOOGLES else _openais(model))


async def show_googles(request: Request, services: Services) -> Response:
    """`GET /v1beta/models/{model}`. Raises ModelNotFound."""
    return json_response(_googles(await _asked_for(request, services, "/v1beta/models/")))


async def _asked_for(request: Request, services: Services, prefix: str) -> ModelInfo:
    principal = await services.callers.identify(request.headers)
    route = services.router.resolve(request.path_after(prefix), principal.models)
    return services.router.describe(route)


async def list_googles(request: Request, services: Services) -> Response:
    """The models of this key, as Google lists its own."""
    principal = await services.callers.identify(request.headers)
    return json_response(_as_google(await services.router.list_models(principal.models)))


async def list_tags(request: Request, services: Services) -> Response:
    """The models of this key, as Ollama lists those on its disk."""
    principal = await services.callers.identify(request.headers)
    models = await services.router.list_models(principal.models)
    listed = [
        {
            "name": model.id,
            "model": model.id,
            "modified_at": _iso(model.created),
            "size": 0,
            "digest": "",
            "details": {"family": model.owned_by},
        }
        for model in models
    ]
    return json_response({"models": listed})


def _as_anthropic(models: Sequence[ModelInfo]) -> dict[str, Any]:
    """All on one page, whatever `limit` says."""
    ends = {"first_id": models[0].id, "last_id": models[-1].id} if models else {"first_id": None, "last_id": None}
    return {"data": [_anthropics(model) for model in models], "has_more": False, **ends}


def _openais(model: ModelInfo) -> dict[str, Any]:
    return {"id": model.id, "object": "model", "created": model.created, "owned_by": model.owned_by}


def _anthropics(model: ModelInfo) -> dict[str, Any]:
    """Claude Code's discovery of models reads `display_name`."""
    named = {"type": "model", "id": model.id, "display_name": model.id}
    return {**named, "created_at": _iso(model.created), "lifecycle": "active"}


def _as_google(models: Sequence[ModelInfo]) -> dict[str, Any]:
    """All on one page, whatever `pageSize` says."""
    return {"models": [_googles(model) for model in models]}


def _googles(model: ModelInfo) -> dict[str, Any]:
    methods = ["generateContent", "streamGenerateContent", "countTokens"]
    return {"name": f"models/{model.id}", "displayName": model.id, "supportedGenerationMethods": methods}


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()

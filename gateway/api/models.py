"""`GET /v1/models`: what this key may call, in OpenAI's form."""

from __future__ import annotations

from gateway.api.requests import Request
from gateway.api.responses import Response, json_response
from gateway.api.services import Services


async def list_models(request: Request, services: Services) -> Response:
    """The models of this key. A provider that cannot be asked is left out; it never delays the answer for long."""
    principal = services.keyring.authenticate(request.headers)
    models = await services.router.list_models(principal.models)
    listed = [
        {"id": model.id, "object": "model", "created": model.created, "owned_by": model.owned_by}
        for model in models
    ]
    return json_response({"object": "list", "data": listed})

"""Models that are called without a conversation: `POST /v1/embeddings`, `POST /v1/completions`.

Their bytes pass through to providers that speak OpenAI's formats; others have no such thing. No tools are
attached.
"""

from __future__ import annotations

from gateway.api.answer import Answer
from gateway.api.brought_tools import BroughtTools
from gateway.api.endpoint import Handler
from gateway.api.model_endpoint import model_in
from gateway.api.model_inquiry import Inquiry
from gateway.api.pass_through import pass_through
from gateway.api.provider_tools import check_provider_tools
from gateway.api.requests import Request, parse_json_object
from gateway.api.route_choice import narrow_route
from gateway.api.services import Services
from gateway.api.tool_access import NO_TOOLS
from gateway.api.toolgate_field import RequestOptions
from gateway.dialects.openai_chat import OPENAI_CHAT
from gateway.dialects.splice import one_reading
from gateway.errors import InvalidRequest


def plain_call(path: str) -> Handler:
    """The endpoint for what providers have at `path`, which is below their base URL."""

    async def call(request: Request, services: Services, answer: Answer) -> None:
        """Pass one request through, whole or as a stream, and record it."""
        principal = await services.callers.identify(request.headers)
        body = await request.body()
        fields = parse_json_object(body)
        model = model_in(fields)
        route = services.router.resolve(model, principal.models)
        if not route.speaks_only(OPENAI_CHAT.name):
            message = (
                f"model: not every provider of {model[:80]!r} has something at {path}; use a model of one that has"
            )
            raise InvalidRequest(message, code="not_supported", param="model")
        check_provider_tools(OPENAI_CHAT.provider_tools(fields), principal, services.policies[principal.key_id])
        route = narrow_route(route, principal, OPENAI_CHAT, fields, len(body), adds_tools=False)
        brought, options = BroughtTools(fields), RequestOptions()
        inquiry = Inquiry(
            principal, one_reading(body, fields), fields, options, route, NO_TOOLS, OPENAI_CHAT, brought, path=path
        )
        await pass_through(request, services, answer, inquiry)

    return call

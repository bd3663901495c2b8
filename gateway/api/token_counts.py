"""`POST /v1/messages/count_tokens`: the provider's own count, or none."""

from __future__ import annotations

from gateway.api.answer import Answer
from gateway.api.model_endpoint import model_in
from gateway.api.pass_through import passed_in
from gateway.api.presence import CancelledWhenClientLeaves
from gateway.api.requests import Request, parse_json_object
from gateway.api.responses import Response, passed_on
from gateway.api.route_choice import narrow_route
from gateway.api.services import Services
from gateway.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from gateway.errors import NotSupported


async def count_tokens(request: Request, services: Services, answer: Answer) -> None:
    """Pass one request through. Tools of this gateway's, which it would add, are not counted."""
    principal = services.keyring.authenticate(request.headers)
    body = await request.body()
    fields = parse_json_object(body)
    model = model_in(fields)
    route = services.router.resolve(model, principal.models)
    route = narrow_route(route, principal, ANTHROPIC_MESSAGES, fields, len(body), adds_tools=False)
    counting = services.router.count_tokens(
        route, ANTHROPIC_MESSAGES.name, body, fields, passed_in(request.headers)
    )
    if counting is None:
        answer.headers["x-should-retry"] = "false"
        raise NotSupported(
            f"the provider of the model {model[:80]!r} cannot count tokens beforehand", param="model"
        )
    with CancelledWhenClientLeaves(request, answer):
        async with counting as given:
            counted = await given.read()
            headers = passed_on(given.headers)
            content_type = headers.pop("content-type", "application/json")
            await answer.whole(Response(given.status, counted, content_type, headers))

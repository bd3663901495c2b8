"""`POST /v1/messages/count_tokens`, and Gemini's `:countTokens`: the provider's own count, or none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.api.answer import Answer
from gateway.api.client_leaving import CancelledWhenClientLeaves
from gateway.api.endpoint import Handler
from gateway.api.file_checks import check_files
from gateway.api.model_endpoint import Addressing, addressed, model_in
from gateway.api.pass_through import passed_in
from gateway.api.provider_tools import check_provider_tools
from gateway.api.requests import Request, parse_json_object
from gateway.api.responses import Response, passed_on
from gateway.api.route_choice import narrow_route
from gateway.api.services import Services
from gateway.dialects import Dialect, ProviderTool
from gateway.dialects.splice import one_reading
from gateway.errors import NotSupported


def token_counting(dialect: Dialect, addressing: Addressing | None = None) -> Handler:
    """The endpoint of one dialect; `addressing` as for `model_endpoint`."""

    async def count_tokens(request: Request, services: Services, answer: Answer) -> None:
        """Pass one request through. Tools of this gateway's, which it would add, are not counted."""
        principal = await services.callers.identify(request.headers)
        body = await request.body()
        said = parse_json_object(body)
        fields = addressed(said, request, addressing)
        model = model_in(fields)
        route = services.router.resolve(model, principal.models)
        route = narrow_route(route, principal, dialect, fields, len(body), adds_tools=False)
        check_provider_tools(_not_ours(dialect, fields, services), principal, services.policies[principal.key_id])
        await check_files(services, principal, said, body)
        body = one_reading(body, said)
        counting = services.router.count_tokens(route, dialect.name, body, fields, passed_in(request.headers))
        if counting is None:
            raise NotSupported(
                f"the provider of the model {model[:80]!r} cannot count tokens beforehand", param="model"
            )
        with CancelledWhenClientLeaves(request, answer):
            async with counting as given:
                counted = await given.read()
                headers = passed_on(given.headers)
                content_type = headers.pop("content-type", "application/json")
                await answer.whole(Response(given.status, counted, content_type, headers))

    return count_tokens


def _not_ours(dialect: Dialect, fields: Mapping[str, Any], services: Services) -> Iterator[ProviderTool]:
    """The tools that a provider would run if this were no counting; those for which we have one count like it."""
    return (tool for tool in dialect.provider_tools(fields) if tool.name not in services.provider_tools)

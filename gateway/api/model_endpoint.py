"""Where models are called: `POST /v1/chat/completions` and its like, with the tools of the key attached.

The dialect is a parameter; all endpoints are one otherwise. Two ways lead from here. A request to which the
gateway has nothing to add is passed through as bytes; any other one is a run of the tool loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.api.answer import Answer
from gateway.api.answer_recording import can_pass, passing_body, record
from gateway.api.brought_tools import References, take_brought_tools
from gateway.api.endpoint import Handler
from gateway.api.file_checks import check_files
from gateway.api.loop_run import run_loop
from gateway.api.model_inquiry import Inquiry
from gateway.api.pass_through import pass_through
from gateway.api.provider_tools import check_provider_tools
from gateway.api.remembering import recall_if_kept
from gateway.api.requests import Request, parse_json_object
from gateway.api.route_choice import narrow_route
from gateway.api.services import Services
from gateway.api.tool_access import expose_tools
from gateway.api.toolgate_field import FIELD, read_options
from gateway.dialects import Dialect
from gateway.dialects.splice import one_reading
from gateway.errors import InvalidRequest
from gateway.routing.families import is_of_one_family

Addressing = Callable[[Request], Mapping[str, Any]]
"""What a request's URL says of it: fields that its body lacks."""


def model_endpoint(
    dialect: Dialect, addressing: Addressing | None = None, *, references: References | None = None
) -> Handler:
    """The endpoint of one dialect. Where its bodies do not name the model, `addressing` gives `model` and `stream`
    as the URL has them. `references` finds MCP servers in its requests, where the dialect can name some.
    """

    async def call_model(request: Request, services: Services, answer: Answer) -> None:
        """Answer one request, whole or as a stream."""
        principal = await services.callers.identify(request.headers)
        body = await request.body()
        said = parse_json_object(body)
        fields = addressed(said, request, addressing)
        options = read_options(request.headers, fields)
        route = services.router.resolve(model_in(fields), principal.models)
        referring = await services.stored.resolve(principal, fields) if dialect.traits.stores_answers else None
        if referring is not None and referring.is_complete:
            fields = referring.in_full()
        found = list(dialect.provider_tools(fields))
        brought = take_brought_tools(request, services, principal, fields, found, references)
        if found:
            others = [tool for tool in found if tool.param not in brought.params]
            check_provider_tools(others, principal, services.policies[principal.key_id])
        await check_files(services, principal, said, body)
        fields = brought.fields
        exposure = expose_tools(services, principal, options, brought)
        adds_tools = bool(exposure.tools)
        route = narrow_route(route, principal, dialect, fields, len(body), adds_tools=adds_tools)
        inquiry = Inquiry(principal, body, fields, options, route, exposure, dialect, brought)
        passes = _adds_nothing(inquiry) and (referring is None or can_pass(referring, route))
        if passes:
            inquiry.body = one_reading(body, said)
        if referring is not None:
            inquiry.repeated = record(answer, services, principal, referring, passes=passes)
            if passes:
                inquiry.body = passing_body(referring, inquiry.body)
        if not passes:
            await run_loop(request, services, answer, inquiry)
        elif recalled := await recall_if_kept(request.headers, services, inquiry):
            await run_loop(request, services, answer, inquiry, recalled)
        else:
            await pass_through(request, services, answer, inquiry)

    return call_model


def addressed(fields: Mapping[str, Any], request: Request, addressing: Addressing | None) -> Mapping[str, Any]:
    """A body's fields with what the URL says. Raises InvalidRequest for a body that says the same again."""
    if addressing is None:
        return fields
    for name in ("model", "stream"):
        if name in fields:
            raise InvalidRequest(f"{name}: the URL says this; leave it out of the body", param=name)
    return {**fields, **addressing(request)}


def model_in(fields: Mapping[str, Any]) -> str:
    """The name of the model that a request asks for. Raises InvalidRequest."""
    model = fields.get("model")
    if not isinstance(model, str) or not model:
        raise InvalidRequest("model must be a string that names a model; see GET /v1/models", param="model")
    return model


def _adds_nothing(inquiry: Inquiry) -> bool:
    """Whether the bytes can pass as they are, if nothing is remembered of their history.

    A history may hold what this gateway wrote for the client's eyes alone, or proofs that not all models of the
    route can read.
    """
    traits = inquiry.dialect.traits
    return (
        not inquiry.exposure.tools
        and not inquiry.exposure.unavailable
        and not inquiry.brought.params
        and FIELD not in inquiry.fields
        and inquiry.route.speaks_only(inquiry.dialect.name)
        and not (traits.own_marks and any(mark in inquiry.body for mark in traits.own_marks))
        and (
            len(inquiry.route.deployments) == 1  # then whoever wrote it reads it
            or not traits.proof_mark
            or traits.proof_mark not in inquiry.body
            or is_of_one_family(inquiry.route, inquiry.dialect.name)
        )
    )

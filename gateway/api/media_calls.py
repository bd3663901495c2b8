"""Images and sound: `POST /v1/images/...` and `POST /v1/audio/...`, for keys with `passthrough`.

They call a model, found by its name as everywhere, of a provider that speaks OpenAI's formats; requests and
answers pass through, but for the model's name. What they cost cannot be read off an answer, so that no usage is
told. For other keys there is nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway.api.answer import Answer
from gateway.api.brought_tools import BroughtTools
from gateway.api.endpoint import Handler
from gateway.api.model_endpoint import model_in
from gateway.api.model_inquiry import Inquiry
from gateway.api.multipart import content_type_of, new_boundary, read_form, text_of, with_text, write_form
from gateway.api.pass_through import pass_through
from gateway.api.requests import Request, parse_json_object
from gateway.api.responses import JSON
from gateway.api.route_choice import narrow_route
from gateway.api.services import Services
from gateway.api.tool_access import NO_TOOLS
from gateway.api.toolgate_field import RequestOptions
from gateway.auth import Principal
from gateway.conversation import Usage
from gateway.dialects.openai_chat import OPENAI_CHAT, ChatUsageScanner, OpenAIChat, rewrite_model
from gateway.dialects.traits import Traits
from gateway.errors import InvalidRequest, NotFound
from gateway.routing import Form

UPLOADING = 600.0
"""Seconds for a body with files to arrive."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Of which family a path is, and whether a form with files is sent there, or else JSON."""

    family: str
    is_form: bool


MEDIA: Mapping[str, Shape] = {
    "/images/generations": Shape("images", is_form=False),
    "/images/edits": Shape("images", is_form=True),
    "/images/variations": Shape("images", is_form=True),
    "/audio/speech": Shape("audio", is_form=False),
    "/audio/transcriptions": Shape("audio", is_form=True),
    "/audio/translations": Shape("audio", is_form=True),
}
"""What there is, below a provider's base URL."""


def check_open(request: Request, principal: Principal, family: str) -> None:
    """Raise NotFound, as for a path at which there is nothing, unless the key has this family."""
    if family not in principal.passthrough:
        asked = f"{request.scope['method']} {request.scope['path']}"
        raise NotFound(f"there is nothing at {asked}", code="unknown_url")


def media_call(path: str, shape: Shape) -> Handler:
    """The endpoint for what providers have at `path`."""

    async def call(request: Request, services: Services, answer: Answer) -> None:
        """Pass one request through, and record it."""
        principal = await services.callers.identify(request.headers)
        check_open(request, principal, shape.family)
        if shape.is_form:
            request.body_limit = services.http_limits.upload_bytes
            request.body_seconds = UPLOADING
        body = await request.body()
        fields, form = (_form if shape.is_form else _json)(request, body)
        model = model_in(fields)
        route = services.router.resolve(model, principal.models)
        if not route.speaks_only(OPENAI_CHAT.name):
            message = f"model: the provider of {model[:80]!r} has nothing at {path}; use a model of one that has"
            raise InvalidRequest(message, code="not_supported", param="model")
        route = narrow_route(route, principal, OPENAI_CHAT, fields, len(body), adds_tools=False)
        brought, options = BroughtTools(fields), RequestOptions()
        inquiry = Inquiry(principal, body, fields, options, route, NO_TOOLS, _MEDIA, brought, path=path, form=form)
        await pass_through(request, services, answer, inquiry)

    return call


def _json(request: Request, body: bytes) -> tuple[Mapping[str, Any], Form]:
    kind = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if kind != JSON:
        raise InvalidRequest(f"content-type: send {JSON} here", code="invalid_json")
    fields = parse_json_object(body)
    return fields, Form(JSON, lambda model: rewrite_model(body, fields, model))


def _form(request: Request, body: bytes) -> tuple[Mapping[str, Any], Form]:
    parts = read_form(request.headers.get("content-type", ""), body)
    boundary = new_boundary()
    fields = {"model": text_of(parts, "model"), "stream": text_of(parts, "stream") == "true"}
    form = Form(content_type_of(boundary), lambda model: write_form(with_text(parts, "model", model), boundary))
    return fields, form


class _NoUsage(ChatUsageScanner):
    """What they say of tokens is priced otherwise than a conversation's: it is not counted as one's."""

    def feed(self, chunk: bytes) -> None:
        """Nothing is looked for."""


class _Media(OpenAIChat):
    """OpenAI's form of errors, with the events of its streams of images and sound."""

    @property
    def traits(self) -> Traits:
        """Its habits."""
        return _TRAITS

    def usage_of(self, body: bytes) -> Usage | None:
        """None."""

    def usage_scanner(self) -> _NoUsage:
        """Finds none."""
        return _NoUsage()


_TRAITS = replace(OPENAI_CHAT.traits, end_marks=(b'.completed"', b'.done"', b"[DONE]"))
_MEDIA = _Media()

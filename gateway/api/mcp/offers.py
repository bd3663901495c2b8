"""Resources, prompts and completions: what servers offer beside tools, asked for through the same pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from gateway.api.mcp.asked import Asked, Result
from gateway.api.mcp.asking import in_rounds, unanswered
from gateway.api.mcp.logs import log_listener
from gateway.api.mcp.questions import Unanswered
from gateway.api.mcp.refusals import no_resource, refusal_of
from gateway.api.mcp.results import check_no_cursor, listing
from gateway.api.mcp.rounds import caller_of, given_input, place_of, wanted_input
from gateway.api.mcp.wire import INTERNAL_ERROR, INVALID_PARAMS, Refusal, object_param, text_param
from gateway.api.run_records import RunLog
from gateway.hub import GivenInput, InputRequired, read_wanted_input
from gateway.tool_calls import CallContext, OfferKind, OfferRequest

_NOTHING_TO_COMPLETE: Result = {"completion": {"values": []}}


async def list_resources(asked: Asked) -> Result:
    """The key's resources."""
    check_no_cursor(asked.params)
    return listing("resources", asked.surface.listed_resources)


async def list_templates(asked: Asked) -> Result:
    """The key's templates of resources."""
    check_no_cursor(asked.params)
    return listing("resourceTemplates", asked.surface.listed_templates)


async def list_prompts(asked: Asked) -> Result:
    """The key's prompts."""
    check_no_cursor(asked.params)
    return listing("prompts", asked.surface.listed_prompts)


async def read_resource(asked: Asked) -> Result:
    """What is in a resource. One that the key may not see answers like one that is not there."""
    uri = text_param(asked.params, "uri")
    place = asked.surface.resources.find(uri)
    if place is None:
        raise no_resource(uri)
    wanted = {"uri": place.uri}
    result = await _in_rounds(asked, place.server, "resources", wanted, wanted)
    if result is None:
        raise no_resource(uri)
    kept: dict[str, Any] = {"ttlMs": 0, **result, "cacheScope": "private"}
    if place.uri != uri and isinstance(kept.get("contents"), list):
        kept["contents"] = [_renamed(part, place.uri, uri) for part in cast("list[Any]", kept["contents"])]
    return kept


def _renamed(part: Any, its: str, ours: str) -> Any:
    """A part of what was read, under the URI that was asked for."""
    if not isinstance(part, dict):
        return part
    fields = cast("dict[str, Any]", part)
    return {**fields, "uri": ours} if fields.get("uri") == its else fields


async def get_prompt(asked: Asked) -> Result:
    """A prompt with its arguments filled in."""
    name = text_param(asked.params, "name")
    prompt = asked.surface.prompts.get(name)
    if prompt is None:
        raise _no_prompt(name)
    arguments = object_param(asked.params, "arguments")
    wanted = {"name": prompt.name, "arguments": arguments}
    params = wanted if arguments else {"name": prompt.name}
    result = await _in_rounds(asked, prompt.server, "prompts", wanted, params)
    if result is None:
        raise _no_prompt(name)
    return result


def _no_prompt(name: str) -> Refusal:
    return Refusal(INVALID_PARAMS, f"Prompt not found: {name[:128]}")


async def complete_argument(asked: Asked) -> Result:
    """What could stand for an argument of a prompt, or in a template; nothing where the server does not help."""
    reference = object_param(asked.params, "ref")
    argument, context = object_param(asked.params, "argument"), object_param(asked.params, "context")
    server, kind, wanted, ref = _referred(asked, reference)
    about = asked.surface.catalogue.servers.get(server)
    if about is None or "completions" not in about.capabilities:
        return _NOTHING_TO_COMPLETE
    params = {"ref": ref, "argument": argument, **({"context": context} if context else {})}
    offer = OfferRequest(asked.request.run_id, server, kind, wanted, asked.method, params)
    run = RunLog(asked.request, asked.principal, "mcp")
    async with run.recorded(asked.services):
        result = await _ask(asked, offer, run)
    return _NOTHING_TO_COMPLETE if result is None else result


def _referred(
    asked: Asked, reference: Mapping[str, Any]
) -> tuple[str, OfferKind, Mapping[str, Any], Mapping[str, Any]]:
    """What a completion is for: its server, what a policy is asked, and how the server knows it."""
    if reference.get("type") == "ref/prompt":
        name = text_param(reference, "name")
        prompt = asked.surface.prompts.get(name)
        if prompt is None:
            raise _no_prompt(name)
        wanted: dict[str, Any] = {"name": prompt.name, "arguments": {}}
        return prompt.server, "prompts", wanted, {**reference, "name": prompt.name}
    if reference.get("type") == "ref/resource":
        uri = text_param(reference, "uri")
        place = asked.surface.resources.find_template(uri)
        if place is None:
            raise no_resource(uri)
        return place.server, "resources", {"uri": place.uri}, {**reference, "uri": place.uri}
    raise Refusal(INVALID_PARAMS, "Invalid params: ref.type must be ref/prompt or ref/resource")


async def _in_rounds(
    asked: Asked, server: str, kind: OfferKind, wanted: Mapping[str, Any], params: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The server's answer, which may ask for input first; None where the key has nothing of the kind there."""
    place = place_of(asked, server, wanted)
    run = RunLog(asked.request, asked.principal, "mcp")

    async def ask(given: GivenInput | None) -> Mapping[str, Any] | None:
        whole = {**params, **given.params()} if given is not None else params
        offer = OfferRequest(asked.request.run_id, server, kind, wanted, asked.method, whole)
        return await _ask(asked, offer, run)

    async with run.recorded(asked.services):
        try:
            answer = await in_rounds(asked, given_input(asked, place), ask, _wanted)
        except Unanswered as problem:
            raise Refusal(INTERNAL_ERROR, unanswered(problem)) from problem
    if answer is None or answer.get("resultType", "complete") == "complete":
        return None if answer is None else dict(answer)
    required = _wanted(answer)
    if not asked.is_modern or required is None:
        raise Refusal(INTERNAL_ERROR, f"The server {server!r} wants more than this client can be asked for")
    return wanted_input(asked, required.requests, required.state, place)


def _wanted(answer: Mapping[str, Any] | None) -> InputRequired | None:
    if answer is None or answer.get("resultType") != "input_required":
        return None
    return read_wanted_input(answer)


async def _ask(asked: Asked, offer: OfferRequest, run: RunLog) -> Mapping[str, Any] | None:
    """Through the pipeline. None for what the key may not see; raises Refusal for what came of it otherwise."""
    run.calls += 1
    outcome = await asked.services.tool_caller.ask(offer, context_of(asked, offer.server))
    run.outcome = outcome.outcome
    if outcome.outcome != "unknown_tool" and outcome.answer is None:
        raise refusal_of(outcome)
    return outcome.answer


def context_of(asked: Asked, server: str) -> CallContext:
    """What holds for whatever is asked of a server from here. Raises Refusal."""
    limits, caller = asked.services.loop_limits, caller_of(asked)
    named = server if asked.surface.server is None else None
    return CallContext(
        asked.principal.key_id,
        asked.request.run_id,
        asked.surface.policy,
        limits.tool_call_seconds,
        limits.result_bytes,
        on_progress=asked.on_progress,
        user=asked.principal.user,
        surface="mcp",
        as_sent=True,
        breaks_off=True,
        caller=caller,
        on_log=log_listener(caller.log_level, asked.notify, named),
    )

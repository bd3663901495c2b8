"""A request for a provider.

Of a request that was read from this dialect, every field is written as it came, but for `model` and for what has
been changed since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.conversation import Message, ModelRequest
from gateway.dialects.cohere_v2.messages import write_message
from gateway.dialects.cohere_v2.name import NAME, own_object
from gateway.dialects.cohere_v2.request_reading import EFFORTS, read_max_tokens
from gateway.dialects.cohere_v2.tools import write_tools
from gateway.dialects.crossing import check_crossing, refuse_crossing

_SETTINGS = ("seed", "top_k", "frequency_penalty", "presence_penalty")
_BUDGETS: Mapping[str, int] = {effort: most for most, effort in EFFORTS} | {"minimal": EFFORTS[0][0]}


def write_request(request: ModelRequest, *, model: str) -> dict[str, Any]:
    """The body, whose values are shared with `request`.

    Raises InvalidRequest for what another dialect says and this one cannot.
    """
    check_crossing(request, NAME, settings=_SETTINGS)
    if request.dialect != NAME:
        _check(request)
    body: dict[str, Any] = {"model": model, "messages": write_messages(request.messages)}
    body |= request.extras if request.dialect == NAME else _carried_over(request)
    body |= write_tools(request)
    if read_max_tokens(body.get("max_tokens")) != request.max_tokens:
        body["max_tokens"] = request.max_tokens
    if request.max_tokens is None and body.get("max_tokens") is None:
        body.pop("max_tokens", None)
    if body.get("stream") is not request.stream:
        body["stream"] = request.stream
    return body


def _check(request: ModelRequest) -> None:
    """What another dialect can ask for, and this one cannot. Raises InvalidRequest."""
    if request.n > 1:
        refuse_crossing("n", "n must be 1: the provider of this model gives one answer at a time")
    if request.parallel_calls is False and request.tools:
        what = "this model's provider cannot be told to make one call at a time"
        refuse_crossing("parallel_tool_calls", f"parallel_tool_calls: {what}; leave it out")
    if request.structured_output and request.tools:
        what = "this model's provider gives no answers in JSON while it has tools: leave out the one or the other"
        refuse_crossing("response_format", f"response_format: {what}")


def _carried_over(request: ModelRequest) -> dict[str, Any]:
    """What the vocabulary names, of a request of another dialect."""
    carried: dict[str, Any] = {
        "temperature": request.temperature,
        "p": request.top_p,
        "k": request.top_k,
        "seed": request.seed,
        "frequency_penalty": request.frequency_penalty,
        "presence_penalty": request.presence_penalty,
        "stop_sequences": list(request.stop) or None,
        "thinking": _thinking(request.effort),
        "response_format": _response_format(request),
    }
    return {name: value for name, value in carried.items() if value is not None}


def _thinking(effort: str | None) -> dict[str, Any] | None:
    if effort is None:
        return None
    if effort == "none":
        return {"type": "disabled"}
    budget = _BUDGETS.get(effort)
    return {"type": "enabled"} if budget is None else {"type": "enabled", "token_budget": budget}


def _response_format(request: ModelRequest) -> dict[str, Any] | None:
    if not request.structured_output:
        return None
    schema = request.response_schema
    return {"type": "json_object"} if schema is None else {"type": "json_object", "json_schema": schema.schema}


def write_messages(messages: Sequence[Message]) -> list[Mapping[str, Any]]:
    """The messages; those that came in this dialect are the very objects that came."""
    written: list[Mapping[str, Any]] = []
    for message in messages:
        raw = own_object(message.source)
        written += [raw] if raw else write_message(message)
    return written

"""A request for a provider.

Of a request that was read from this dialect, every field is written as it came, but for the model and what has
been changed since. Of another one, what the system and the developer say is put together in the system's
instruction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import ModelRequest
from gateway.dialects.crossing import check_crossing, refuse_crossing
from gateway.dialects.gemini.contents import write_contents
from gateway.dialects.gemini.fields import camel, field, without
from gateway.dialects.gemini.model_kinds import ModelKind, kind_of
from gateway.dialects.gemini.name import NAME
from gateway.dialects.gemini.request_reading import read_count
from gateway.dialects.gemini.schemas import tidy, to_openapi
from gateway.dialects.gemini.tools import write_tool_choice, write_tools
from gateway.dialects.json_values import object_or_none

_BUDGETS = {"none": 0, "minimal": 512, "low": 1024, "medium": 8192}
_SETTINGS = ("seed", "top_k", "frequency_penalty", "presence_penalty")
_LARGE_BUDGET = 24_576  # tokens, the most that all models of that kind take


def write_request(request: ModelRequest, *, model: str) -> dict[str, Any]:
    """The body, whose values are shared with `request`.

    Raises InvalidRequest for what another dialect says and this one cannot.
    """
    check_crossing(request, NAME, settings=_SETTINGS)
    kind = kind_of(model)
    system, contents = write_contents(request.messages, kind)
    is_own = request.dialect == NAME
    body: dict[str, Any] = {"contents": contents}
    if system is not None:
        body["systemInstruction"] = system
    body |= _own_fields(request) if is_own else {}
    config = _own_config(request) if is_own else _carried_over(request, kind)
    if config:
        body["generationConfig"] = config
    if request.tools:
        body["tools"] = write_tools(request.tools, kind)
    _write_choice(body, request, kind)
    return body


def _own_fields(request: ModelRequest) -> dict[str, Any]:
    return without(request.extras, "generationConfig")


def _own_config(request: ModelRequest) -> Mapping[str, Any]:
    """As it came, but for the numbers that have been changed since."""
    config = object_or_none(field(request.extras, "generationConfig")) or {}
    for name, wanted in (("maxOutputTokens", request.max_tokens), ("candidateCount", request.n)):
        if (read_count(config, name) or (1 if name == "candidateCount" else None)) != wanted:
            config = {**without(config, name), **({name: wanted} if wanted is not None else {})}
    return config


def _carried_over(request: ModelRequest, kind: ModelKind) -> dict[str, Any]:
    """What the vocabulary names, of a request of another dialect."""
    if request.parallel_calls is False and request.tools:
        what = "this model's provider cannot be told to make one call at a time"
        refuse_crossing("parallel_tool_calls", f"parallel_tool_calls: {what}")
    carried: dict[str, Any] = {
        "maxOutputTokens": request.max_tokens,
        "temperature": request.temperature,
        "topP": request.top_p,
        "topK": request.top_k,
        "seed": request.seed,
        "frequencyPenalty": request.frequency_penalty,
        "presencePenalty": request.presence_penalty,
        "stopSequences": list(request.stop) or None,
        "candidateCount": request.n if request.n > 1 else None,
        "thinkingConfig": None if request.effort is None else _thinking(request.effort, kind),
        **_response_form(request, kind),
    }
    return {name: value for name, value in carried.items() if value is not None}


def _response_form(request: ModelRequest, kind: ModelKind) -> dict[str, Any]:
    if request.response_schema is not None:
        schema = request.response_schema.schema
        form = {"responseJsonSchema": tidy(schema)} if kind.json_schema else {"responseSchema": to_openapi(schema)}
        return {"responseMimeType": "application/json", **form}
    return {"responseMimeType": "application/json"} if request.structured_output else {}


def _thinking(effort: str, kind: ModelKind) -> dict[str, Any]:
    """How hard to think, and that it may be seen if it is asked for at all."""
    shown = {} if effort == "none" else {"includeThoughts": True}
    if kind.thinks_by_budget:
        return {"thinkingBudget": max(_BUDGETS.get(effort, _LARGE_BUDGET), kind.always_thinks), **shown}
    if effort in ("none", "minimal"):
        return {"thinkingLevel": kind.least_level, **shown}
    return {"thinkingLevel": "XHIGH" if effort == "max" else effort.upper(), **shown}


def _write_choice(body: dict[str, Any], request: ModelRequest, kind: ModelKind) -> None:
    """The choice within the other fields of a `toolConfig`, which stay as they came."""
    choice = request.tool_choice
    is_own = choice is not None and choice.source is not None and choice.source.dialect == NAME
    name = next((name for name in body if camel(name) == "toolConfig"), "toolConfig")
    others = without(object_or_none(body.pop(name, None)) or {}, "functionCallingConfig")
    strict = kind.json_schema and request.dialect != NAME and any(tool.strict for tool in request.tools)
    calling = write_tool_choice(choice, strict=strict) if request.tools or is_own else None
    if calling is not None:
        others["functionCallingConfig"] = calling
    if others:
        body[name] = others

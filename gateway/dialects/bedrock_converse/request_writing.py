"""A request for a provider; the model, and whether to stream, stand in the URL.

Of a request that was read from this dialect, every field is written as it came, but for what has been changed
since. Of another one, what the system and the developer say is put together at the top, wherever it stood.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.conversation import ModelRequest
from gateway.dialects.bedrock_converse.message_writing import write_messages
from gateway.dialects.bedrock_converse.name import NAME
from gateway.dialects.bedrock_converse.native_fields import BESIDE
from gateway.dialects.bedrock_converse.tools import write_tool_config
from gateway.dialects.crossing import check_crossing, refuse_crossing
from gateway.dialects.json_values import list_or_empty, object_or_none

_CALL_NOTHING = "Answer without calling any tools."


def write_request(request: ModelRequest, *, model: str) -> dict[str, Any]:
    """The body, whose values are shared with `request`.

    Raises InvalidRequest for what another dialect says and this one cannot.
    """
    is_claude = "claude" in model.lower()
    check_crossing(request, NAME, settings=("top_k",) if is_claude else ())
    system, messages = write_messages(request.messages, results_stand_alone=_wants_results_alone(model))
    body: dict[str, Any] = {"messages": messages}
    body |= request.extras if request.dialect == NAME else _carried_over(request, is_claude=is_claude)
    config, calls_nothing = write_tool_config(request, messages)
    if config is None:
        body.pop("toolConfig", None)
    else:
        if "tool_choice" in (object_or_none(body.get(BESIDE)) or {}) and request.dialect != NAME:
            config.pop("toolChoice", None)  # the two must not meet
        body["toolConfig"] = config
    if calls_nothing:
        system = [*list_or_empty(system), {"text": _CALL_NOTHING}]
    if system:
        body["system"] = system
    if (object_or_none(body.get("inferenceConfig")) or {}).get("maxTokens") != request.max_tokens:
        body["inferenceConfig"] = {**(body.get("inferenceConfig") or {}), "maxTokens": request.max_tokens}
    return body


def _wants_results_alone(model: str) -> bool:
    """Models whose templates take results of tools, and nothing the user says, in one turn."""
    name = model.lower()
    return any(word in name for word in ("llama", "mistral", "mixtral"))


def _carried_over(request: ModelRequest, *, is_claude: bool) -> dict[str, Any]:
    """What the vocabulary names, of a request of another dialect."""
    if request.n > 1:
        refuse_crossing("n", "n must be 1: the provider of this model gives one answer at a time")
    inference: dict[str, Any] = {
        "maxTokens": request.max_tokens,
        "temperature": request.temperature,
        "topP": request.top_p,
        "stopSequences": list(request.stop) or None,
    }
    beside: dict[str, Any] = {
        "top_k": request.top_k,
        "thinking": {"type": "disabled"} if request.effort == "none" and is_claude else None,
        "tool_choice": _one_call_at_a_time(request, is_claude=is_claude),
    }
    carried = {
        "inferenceConfig": _said(inference),
        BESIDE: _said(beside),
        "outputConfig": _output_config(request, is_claude=is_claude),
    }
    return {name: value for name, value in carried.items() if value}


def _one_call_at_a_time(request: ModelRequest, *, is_claude: bool) -> Mapping[str, Any] | None:
    """Claude's own way to say it, which must not meet a choice in Converse's. Raises InvalidRequest where there is
    none.
    """
    choice = request.tool_choice
    if request.parallel_calls is not False or not request.tools or (choice is not None and choice.mode == "none"):
        return None
    if not is_claude:
        what = "parallel_tool_calls: this model's provider has no way to forbid several calls at once"
        refuse_crossing("parallel_tool_calls", what)
    if choice is not None and choice.mode != "auto":
        what = "parallel_tool_calls: this model's provider cannot forbid several calls and force one"
        refuse_crossing("parallel_tool_calls", f"{what}; leave out one of the two")
    return {"type": "auto", "disable_parallel_tool_use": True}


def _said(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _output_config(request: ModelRequest, *, is_claude: bool) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if request.effort is not None and not (request.effort == "none" and is_claude):
        config["effort"] = "low" if request.effort == "minimal" else request.effort
    schema = request.response_schema
    if schema is not None:
        described = {"schema": orjson.dumps(schema.schema).decode(), "name": schema.name}
        config["textFormat"] = {"type": "json_schema", "structure": {"jsonSchema": described}}
    elif request.structured_output:
        what = "this model's provider answers in JSON only by a schema: use the type json_schema"
        refuse_crossing("response_format", f"response_format: {what}")
    return config

"""What an answer repeats of its request: clients' types want it, whoever has answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import ModelRequest
from gateway.dialects.json_values import list_or_empty
from gateway.dialects.openai_responses.name import own_object
from gateway.dialects.openai_responses.tools import write_tool_choice, write_tools

_REPEATED: Mapping[str, Any] = {
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "service_tier": "default",
    "store": False,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "top_p": None,
    "truncation": "disabled",
}
"""With what stands there for a request that does not say."""
_OF_CLIENT = ("instructions", "tools", "tool_choice")
"""What may have been changed on the way to the provider, so that its own echo is not the client's."""
_OF_GATEWAY = ("previous_response_id", "store")
"""What this gateway does, whatever a provider did of it."""
_PROOFS = "reasoning.encrypted_content"


def echo(request: ModelRequest | None, told: Mapping[str, Any]) -> dict[str, Any]:
    """The fields for an answer to `request`, of which a provider of this dialect has `told` these."""
    asked: Mapping[str, Any] = {} if request is None else request.extras
    fields = {name: asked[name] if asked.get(name) is not None else value for name, value in _REPEATED.items()}
    fields |= {"instructions": None, "tools": [], "tool_choice": "auto", **told}
    if request is None:
        return fields
    choice = None if request.tool_choice is None else write_tool_choice(request.tool_choice)
    said = {
        "instructions": _instructions(request),
        "tools": [_with_all_fields(tool) for tool in write_tools(request.tools)],
        "tool_choice": choice or "auto",
    }
    kept = {name: asked[name] for name in _OF_GATEWAY if name in asked}
    return {**fields, **{name: said[name] for name in _OF_CLIENT}, **kept}


def asks_for_proofs(request: ModelRequest | None) -> bool:
    """Whether the client wants to keep what proves the model's thoughts."""
    return request is None or _PROOFS in list_or_empty(request.extras.get("include"))


def _instructions(request: ModelRequest) -> Any:
    sources = (own_object(message.source) for message in request.messages)
    return next((source["instructions"] for source in sources if "instructions" in source), None)


def _with_all_fields(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    """A function may be described without what the answer must have of it."""
    if tool.get("type") != "function":
        return tool
    return {"parameters": None, "strict": True, **tool}

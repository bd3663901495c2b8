"""A request for a provider.

Of a request that was read from this dialect, every field is written as it came, but for `model` and for what has
been changed since. Of another one, what the system and the developer say is put together at the top, wherever it
stood: models take it from nowhere else in good faith.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.conversation import Message, ModelRequest
from gateway.dialects.anthropic_messages.block_writing import replayed_blocks, text_blocks, user_blocks
from gateway.dialects.anthropic_messages.models import ModelFacts, facts_of
from gateway.dialects.anthropic_messages.name import NAME, THINKING, UNPROVEN, own_object
from gateway.dialects.anthropic_messages.tools import write_tool_choice, write_tools
from gateway.dialects.crossing import check_crossing, refuse_crossing
from gateway.dialects.json_values import list_or_empty, object_or_none

_SAMPLING: Mapping[str, float | None] = {"temperature": 1, "top_p": 1, "top_k": None}
"""Settings of chance, and the value with which each asks for nothing."""


def write_request(request: ModelRequest, *, model: str) -> dict[str, Any]:
    """The body, whose values are shared with `request`.

    Raises InvalidRequest for what another dialect says and this one cannot.
    """
    check_crossing(request, NAME, settings=("top_k",))
    system, messages = write_messages(request.messages)
    body: dict[str, Any] = {"model": model, "messages": messages}
    if system:
        body["system"] = system
    body |= request.extras if request.dialect == NAME else _carried_over(request, facts_of(model))
    body["max_tokens"] = request.max_tokens or facts_of(model).most_tokens
    if request.tools:
        body["tools"] = write_tools(request.tools)
    parallel = request.parallel_calls if request.tools else None
    choice = write_tool_choice(request.tool_choice, parallel=parallel)
    if choice is not None and (request.tools or request.dialect == NAME):
        body["tool_choice"] = choice
    if bool(body.get("stream")) != request.stream:
        body["stream"] = request.stream
    return body


def _carried_over(request: ModelRequest, facts: ModelFacts) -> dict[str, Any]:
    """What the vocabulary names, of a request of another dialect, as a model of these facts takes it."""
    if request.n > 1:
        refuse_crossing("n", "n must be 1: the provider of this model gives one answer at a time")
    choice = request.tool_choice
    if choice is not None and choice.forces_a_call and request.tools and not facts.forced_calls:
        what = "this model cannot be made to call a tool: use auto, and say in the prompt what to call"
        refuse_crossing("tool_choice", f"tool_choice: {what}")
    carried: dict[str, Any] = {
        **_sampling(request, facts),
        "stop_sequences": list(request.stop) or None,
        "metadata": {"user_id": request.user} if request.user else None,
        "output_config": _output_config(request, facts) or None,
        "thinking": _thinking(request.effort, facts),
    }
    return {name: value for name, value in carried.items() if value is not None}


def _sampling(request: ModelRequest, facts: ModelFacts) -> dict[str, float | None]:
    given: dict[str, float | None] = {name: getattr(request, name) for name in _SAMPLING}
    if facts.sampling:
        return given
    for name, value in given.items():
        if value is not None and value != _SAMPLING[name]:
            refuse_crossing(name, f"{name}: this model takes none: leave it out")
    return {}


def _thinking(effort: str | None, facts: ModelFacts) -> dict[str, str] | None:
    if effort is None or facts.efforts == ():
        return None
    if effort != "none":
        return {"type": "adaptive"} if facts.thinks_when_asked else None
    if facts.thinking_off is None:
        refuse_crossing(
            "reasoning_effort", "reasoning_effort: this model always thinks: use low in the place of none"
        )
    return {"type": facts.thinking_off}


def _output_config(request: ModelRequest, facts: ModelFacts) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if request.effort not in (None, "none"):
        config["effort"] = _effort("low" if request.effort == "minimal" else request.effort, facts)
    if request.response_schema is not None:
        config["format"] = {"type": "json_schema", "schema": request.response_schema.schema}
    elif request.structured_output:
        what = "this model's provider answers in JSON only by a schema: use the type json_schema"
        refuse_crossing("response_format", f"response_format: {what}")
    return config


def _effort(effort: str, facts: ModelFacts) -> str:
    if facts.efforts is not None and effort not in facts.efforts:
        known = f"use {', '.join(facts.efforts)}" if facts.efforts else "leave it out"
        refuse_crossing("reasoning_effort", f"reasoning_effort: this model does not take {effort[:32]!r}: {known}")
    return effort


def write_messages(messages: Sequence[Message]) -> tuple[Any, list[Mapping[str, Any]]]:
    """The system prompt, and the messages; those that came in this dialect are the very objects that came."""
    written = _Messages()
    for message in messages:
        raw = own_object(message.source)
        if raw:
            written.add_own(raw)
        elif message.role in ("system", "developer"):
            written.add_system(message)
        elif message.role == "assistant":
            written.add("assistant", replayed_blocks(message.parts))
        else:
            written.add("user", user_blocks(message.parts))
    return written.system(), written.messages


class _Messages:
    """Messages, as far as they have been written."""

    def __init__(self) -> None:
        self.messages: list[Mapping[str, Any]] = []
        self._own_system: Any = None
        self._told: list[Mapping[str, Any]] = []
        self._is_growing = False

    def system(self) -> Any:
        """The prompt as it came, unless there is more than that."""
        if not self._told:
            return self._own_system
        own = self._own_system
        blocks = text_blocks(own) if isinstance(own, str) else list_or_empty(own)
        return [*blocks, *self._told]

    def add_system(self, message: Message) -> None:
        self._told += text_blocks(message.text)

    def add_own(self, raw: Mapping[str, Any]) -> None:
        if "role" not in raw:
            self._own_system = raw["system"]
        elif self._is_growing and raw["role"] == self.messages[-1]["role"]:
            self.add(raw["role"], _content_of(raw))  # the client's results, after those of ours of the same turn
        else:
            self.messages.append(_without_unproven(raw))
            self._is_growing = False

    def add(self, role: str, blocks: Sequence[Mapping[str, Any]]) -> None:
        """Results of one turn's tools must stand in one message, and before anything else in it."""
        if not blocks:
            return
        last = self.messages[-1] if self.messages else None
        if last is None or last["role"] != role:
            self.messages.append({"role": role, "content": list(blocks)})
        else:
            together = [*_content_of(last), *blocks]
            together.sort(key=lambda block: block.get("type") != "tool_result")
            self.messages[-1] = {**last, "content": together}
        self._is_growing = True


def _content_of(raw: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    content = raw.get("content")
    return text_blocks(content) if isinstance(content, str) else list_or_empty(content)


def _without_unproven(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """A message without the thoughts that this gateway marked as of no use to any provider."""
    content = list_or_empty(raw.get("content"))
    kept = [block for block in content if not _is_unproven(block)]
    return raw if len(kept) == len(content) else {**raw, "content": kept or text_blocks("(no text)")}


def _is_unproven(value: Any) -> bool:
    block = object_or_none(value) or {}
    return block.get("type") == THINKING and block.get("signature") == UNPROVEN

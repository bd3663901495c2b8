"""Where hosts of OpenAI's Chat differ from it, and what is done about each difference.

Above: a provider has its quirks from the table, or from the operator. Below: a request as this dialect has
written it. A quirk changes the request's JSON, in a copy, or refuses by name what the host cannot be told. What
such hosts answer is read by the codec without being told of any quirk. Bytes that pass through are never changed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from typing import Any

from gateway.dialects.crossing import refuse_crossing
from gateway.dialects.json_values import list_or_empty, object_or_none, text_or_empty

Body = dict[str, Any]


class Quirk(StrEnum):
    """One difference. They take effect in this order."""

    MAX_TOKENS = "max_tokens"
    """The limit is called `max_tokens`."""
    MAX_COMPLETION_TOKENS = "max_completion_tokens"
    """The limit is called `max_completion_tokens`."""
    RANDOM_SEED = "random_seed"
    """The seed is called `random_seed`."""
    NO_ALLOWED_TOOLS = "no_allowed_tools"
    """A choice among some of the tools is not understood, or passed over: only those are shown."""
    TOOL_CHOICE_ANY = "tool_choice_any"
    """A call is forced by `any`."""
    NO_STREAM_OPTIONS = "no_stream_options"
    """`stream_options` are refused, and the usage comes unasked."""
    NO_USER = "no_user"
    """`user` is refused."""
    STORE_FALSE = "store_false"
    """`store` must say that nothing is to be stored."""
    NO_JSON_SCHEMA = "no_json_schema"
    """A schema for the answer is refused."""
    NO_REASONING_EFFORT = "no_reasoning_effort"
    """`reasoning_effort` is refused."""
    PLAIN_CONTENT = "plain_content"
    """A message's content must be a string."""
    SHORT_CALL_IDS = "short_call_ids"
    """A call's id must be nine letters and digits."""
    REASONING = "reasoning"
    """What a model thought goes back to it as `reasoning`."""
    REASONING_CONTENT = "reasoning_content"
    """The same as `reasoning_content`, which a turn with calls must have, even empty."""
    THINKING_CHUNKS = "thinking_chunks"
    """What a model thought goes back to it as a part of the content."""
    NO_REASONING = "no_reasoning"
    """What a model thought is refused when it comes back."""
    NO_USER_AFTER_TOOL = "no_user_after_tool"
    """Behind the results of tools, and nowhere else without a word, the assistant must speak."""


def adapted(body: Body, quirks: Collection[str]) -> Body:
    """A request as a host with these quirks takes it. Raises InvalidRequest for what it cannot be told."""
    for quirk, adapt in _ADAPTERS.items():
        if quirk in quirks:
            body = adapt(body)
    return body


def _renamed(old: str, new: str) -> Callable[[Body], Body]:
    def rename(body: Body) -> Body:
        if body.get(old) is None:
            return body
        return {**{name: value for name, value in body.items() if name not in (old, new)}, new: body[old]}

    return rename


def _without(name: str) -> Callable[[Body], Body]:
    def leave_out(body: Body) -> Body:
        return {other: value for other, value in body.items() if other != name} if name in body else body

    return leave_out


def _any(body: Body) -> Body:
    return {**body, "tool_choice": "any"} if body.get("tool_choice") == "required" else body


def _only_allowed_tools(body: Body) -> Body:
    choice = object_or_none(body.get("tool_choice")) or {}
    if choice.get("type") != "allowed_tools":
        return body
    allowed = object_or_none(choice.get("allowed_tools")) or {}
    names = {_function_name(tool) for tool in list_or_empty(allowed.get("tools"))}
    tools = [tool for tool in list_or_empty(body.get("tools")) if _function_name(tool) in names]
    if not tools:
        refuse_crossing("tool_choice", "tool_choice: none of the allowed tools is among tools")
    mode = "required" if allowed.get("mode") == "required" else "auto"
    return {**body, "tools": tools, "tool_choice": mode}


def _function_name(tool: Any) -> str:
    raw = object_or_none(tool) or {}
    return text_or_empty((object_or_none(raw.get("function")) or {}).get("name"))


def _unstored(body: Body) -> Body:
    if body.get("store") is True:
        refuse_crossing("store", "store: this model's provider stores nothing: leave it out")
    return {**body, "store": False}


def _no_json_schema(body: Body) -> Body:
    if (object_or_none(body.get("response_format")) or {}).get("type") == "json_schema":
        what = "this model's provider answers in JSON without a schema only: use the type json_object"
        refuse_crossing("response_format", f"response_format: {what}, and describe the form in the prompt")
    return body


def _no_effort(body: Body) -> Body:
    if body.get("reasoning_effort") is not None:
        what = "this model's provider cannot be told how hard to think: leave it out"
        refuse_crossing("reasoning_effort", f"reasoning_effort: {what}")
    return body


def _with_messages(adapt: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> Callable[[Body], Body]:
    def adapt_all(body: Body) -> Body:
        return {**body, "messages": [adapt(message) for message in body["messages"]]}

    return adapt_all


def _plain(message: Mapping[str, Any]) -> Mapping[str, Any]:
    parts = list_or_empty(message.get("content"))
    if not parts:
        return message
    texts = [part["text"] for part in parts if (object_or_none(part) or {}).get("type") == "text"]
    if len(texts) < len(parts):
        refuse_crossing("messages", "messages: this model's provider takes text alone, and no images or files")
    return {**message, "content": "\n\n".join(texts)}


_SHORT_ID = re.compile(r"[a-zA-Z0-9]{9}\Z", re.ASCII)


def _short_ids(message: Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(message.get("tool_call_id"), str):
        return {**message, "tool_call_id": short_id(message["tool_call_id"])}
    calls = [object_or_none(call) or {} for call in list_or_empty(message.get("tool_calls"))]
    if not calls:
        return message
    return {**message, "tool_calls": [{**call, "id": short_id(text_or_empty(call.get("id")))} for call in calls]}


def short_id(call_id: str) -> str:
    """An id of nine letters and digits; another one is always replaced by the same."""
    if _SHORT_ID.match(call_id):
        return call_id
    return hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()[:9]


_FIELDS = ("reasoning_content", "reasoning")


def _thoughts(message: Mapping[str, Any]) -> str:
    return next((message[name] for name in _FIELDS if isinstance(message.get(name), str)), "")


def _unthought(message: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name not in _FIELDS}


def _as_reasoning(message: Mapping[str, Any]) -> Mapping[str, Any]:
    if message.get("role") != "assistant" or "reasoning_content" not in message:
        return message
    return {**_unthought(message), "reasoning": _thoughts(message)}


def _as_reasoning_content(message: Mapping[str, Any]) -> Mapping[str, Any]:
    if message.get("role") != "assistant" or not (message.get("tool_calls") or "reasoning" in message):
        return message
    return {**_unthought(message), "reasoning_content": _thoughts(message)}


def _as_chunks(message: Mapping[str, Any]) -> Mapping[str, Any]:
    thoughts = _thoughts(message)
    if message.get("role") != "assistant" or not thoughts:
        return _unthought(message)
    content = message.get("content")
    said = [{"type": "text", "text": content}] if isinstance(content, str) and content else list_or_empty(content)
    chunk = {"type": "thinking", "thinking": [{"type": "text", "text": thoughts}]}
    return {**_unthought(message), "content": [chunk, *said]}


_SILENCE = "(no text)"


def _assistant_after_tools(body: Body) -> Body:
    messages: list[Mapping[str, Any]] = []
    for message in body["messages"]:
        role = message.get("role")
        if role == "user" and messages and messages[-1].get("role") == "tool":
            messages.append({"role": "assistant", "content": _SILENCE})
        is_silent = role == "assistant" and not message.get("content") and not message.get("tool_calls")
        messages.append({**message, "content": _SILENCE} if is_silent else message)
    return {**body, "messages": messages}


_ADAPTERS: Mapping[Quirk, Callable[[Body], Body]] = {
    Quirk.MAX_TOKENS: _renamed("max_completion_tokens", "max_tokens"),
    Quirk.MAX_COMPLETION_TOKENS: _renamed("max_tokens", "max_completion_tokens"),
    Quirk.RANDOM_SEED: _renamed("seed", "random_seed"),
    Quirk.NO_ALLOWED_TOOLS: _only_allowed_tools,
    Quirk.TOOL_CHOICE_ANY: _any,
    Quirk.NO_STREAM_OPTIONS: _without("stream_options"),
    Quirk.NO_USER: _without("user"),
    Quirk.STORE_FALSE: _unstored,
    Quirk.NO_JSON_SCHEMA: _no_json_schema,
    Quirk.NO_REASONING_EFFORT: _no_effort,
    Quirk.PLAIN_CONTENT: _with_messages(_plain),
    Quirk.SHORT_CALL_IDS: _with_messages(_short_ids),
    Quirk.REASONING: _with_messages(_as_reasoning),
    Quirk.REASONING_CONTENT: _with_messages(_as_reasoning_content),
    Quirk.THINKING_CHUNKS: _with_messages(_as_chunks),
    Quirk.NO_REASONING: _with_messages(_unthought),
    Quirk.NO_USER_AFTER_TOOL: _assistant_after_tools,
}

"""What comes back from a tool call, read leniently from the server's raw result.

Lenient because the call has been executed by then: an odd content block must not lose the rest of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from gateway.telemetry.visible import one_line

_MOST_BLOCKS = 10_000
_MOST_WISHES = 10
_LONGEST_KIND = 40  # characters
_LONGEST_WISH = 1000  # characters
_LONGEST_SAID = 500  # characters of a logged message

ContentBlock = Mapping[str, Any]
"""One MCP content block as the server sent it: passes through untouched, so kinds unknown to us survive."""


@dataclass(frozen=True, slots=True)
class ToolProgress:
    """How far a running call is. `total` and `message` are absent when the server does not say."""

    progress: float
    total: float | None = None
    message: str | None = None


ProgressListener = Callable[[ToolProgress], None]
"""Told of each step. Must be quick: it runs while the server's other answers wait."""


@dataclass(frozen=True, slots=True)
class InputRequired:
    """What a server wants before it goes on (2026-07-28, "Multi round-trip requests").

    Whoever can give it repeats the call with a `GivenInput`: responses by the keys of `requests`, and `state`.
    Both are the server's, untouched. `state` is opaque, and nothing says that a client returns what it was given.
    """

    requests: Mapping[str, Any] = field(default_factory=dict[str, Any])
    state: str | None = None


@dataclass(frozen=True, slots=True)
class CallResult:
    """The outcome of a call that the server answered; a failure of the tool itself is `is_error`.

    With `input_required` the call is not over. To those who cannot carry on it is an error that says what was
    asked for. `meta` is its `_meta`, as the server sent it. `loads` are the wire names of tools that a search
    found; no server's result has any.
    """

    content: tuple[ContentBlock, ...]
    structured: Any | None = None
    is_error: bool = False
    input_required: InputRequired | None = None
    meta: Mapping[str, Any] = field(default_factory=dict[str, Any])
    loads: tuple[str, ...] = ()

    def text(self) -> str:
        """The text blocks, joined by line ends."""
        return "\n".join(block["text"] for block in self.content if isinstance(block.get("text"), str))

    def with_note(self, note: str) -> CallResult:
        """The same result with one more text block."""
        return replace(self, content=(*self.content, text_block(note)))


def text_block(text: str) -> ContentBlock:
    """An MCP text block."""
    return {"type": "text", "text": text}


def read_call_result(raw: Mapping[str, Any]) -> CallResult:
    """The result of `tools/call` (MCP 2025-11-25 and 2026-07-28, "Tools").

    A result of a kind that nobody here can carry on from, such as a task, becomes an error that says so.
    """
    kind = raw.get("resultType") or "complete"
    if kind == "input_required":
        wanted = read_wanted_input(raw)
        return CallResult((text_block(_describe(wanted)),), is_error=True, input_required=wanted)
    if kind != "complete":
        shown = str(kind)[:_LONGEST_KIND]
        message = (
            f"The tool server answered with a result of the kind {shown!r}, which this gateway cannot handle."
        )
        return CallResult((text_block(message),), is_error=True)
    meta: Any = raw.get("_meta")
    return CallResult(
        _content(raw.get("content")),
        raw.get("structuredContent"),
        bool(raw.get("isError")),
        meta=cast("dict[str, Any]", meta) if isinstance(meta, dict) else {},
    )


def _content(raw: Any) -> tuple[ContentBlock, ...]:
    if isinstance(raw, str):
        return (text_block(raw),)
    if not isinstance(raw, list):
        return ()
    blocks = cast("list[Any]", raw)
    read = tuple(_block(block) for block in blocks[:_MOST_BLOCKS] if block is not None)
    left_out = len(blocks) - _MOST_BLOCKS
    return read if left_out <= 0 else (*read, text_block(f"[{left_out} more parts are left out]"))


def _block(raw: Any) -> ContentBlock:
    if isinstance(raw, dict):
        return cast("ContentBlock", raw)
    return text_block(str(raw) if isinstance(raw, str | int | float) else "[a part that cannot be shown]")


def read_wanted_input(raw: Mapping[str, Any]) -> InputRequired:
    """What a result of the kind `input_required` wants."""
    requests, state = raw.get("inputRequests"), raw.get("requestState")
    return InputRequired(
        cast("dict[str, Any]", requests) if isinstance(requests, dict) else {},
        state if isinstance(state, str) else None,
    )


def _describe(required: InputRequired) -> str:
    text = "The tool server asked for further input, which this gateway cannot give"
    requests = list(required.requests.values())[:_MOST_WISHES]
    wanted = [what[:_LONGEST_WISH] for request in requests if (what := _wanted(request))]
    return f"{text}: {'; '.join(wanted)}" if wanted else f"{text}."


def _wanted(request: Any) -> str | None:
    if not isinstance(request, dict):
        return None
    fields = cast("dict[str, Any]", request)
    params: Any = fields.get("params")
    message = cast("dict[str, Any]", params).get("message") if isinstance(params, dict) else None
    method = fields.get("method")
    return next((text for text in (message, method) if isinstance(text, str) and text), None)


def read_progress(params: Any) -> ToolProgress | None:
    """The params of `notifications/progress`; None when they say nothing usable."""
    if not isinstance(params, dict):
        return None
    fields = cast("dict[str, Any]", params)
    progress, total, message = fields.get("progress"), fields.get("total"), fields.get("message")
    if not isinstance(progress, int | float):
        return None
    return ToolProgress(
        float(progress),
        float(total) if isinstance(total, int | float) else None,
        message if isinstance(message, str) else None,
    )


def read_log_message(params: Mapping[str, Any]) -> str:
    """The params of `notifications/message` as one line for people."""
    data = params.get("data")
    try:
        text = data if isinstance(data, str) else repr(data)[:_LONGEST_SAID]
    except RecursionError:
        text = "[nested too deeply to be shown]"
    return one_line(f"{params.get('level')}: {text}", _LONGEST_SAID)

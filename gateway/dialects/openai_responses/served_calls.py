"""Servers that the client named: `mcp_list_tools` and `mcp_call` items, written, and read when they come back.

OpenAI's own items of these types are another provider's doing, and stay what they are: ours have ids of our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import Media, ServedCall, Text, ToolCall, ToolListing, ToolResult
from gateway.dialects.json_values import list_or_empty, object_or_none, text_or_empty
from gateway.dialects.media import describe_media
from gateway.dialects.openai_responses.written_items import WrittenItem

LISTED = "mcpl_toolgate_"
SERVED = "mcp_toolgate_"
"""With these begin the ids of our items; in that of a call, the model's own id for it follows."""


def listing_item(listing: ToolListing) -> dict[str, Any]:
    """The tools of a server, in one item."""
    head = {"id": LISTED + listing.id, "type": "mcp_list_tools", "server_label": listing.server}
    return {**head, "tools": list(listing.tools), "error": None}


def call_item(served: ServedCall) -> dict[str, Any]:
    """A call, with what came of it as far as that is known."""
    made, result = served.made, served.result
    return {
        "id": SERVED + made.id,
        "type": "mcp_call",
        "server_label": served.server,
        "name": made.name,
        "arguments": made.arguments or "{}",
        "approval_request_id": None,
        **({"status": "in_progress", "output": None, "error": None} if result is None else _ended(result)),
    }


def _ended(result: ToolResult) -> dict[str, Any]:
    texts = [part.text if isinstance(part, Text) else describe_media(part) for part in result.content]
    if not result.is_error:
        return {"status": "completed", "output": "\n".join(texts), "error": None}
    content = [{"type": "text", "text": text} for text in texts]
    return {"status": "failed", "output": None, "error": {"type": "mcp_tool_execution_error", "content": content}}


def read_served(item: Mapping[str, Any]) -> ToolListing | ServedCall | None:
    """An item of ours, that a client sends back; None for any other."""
    identity, label = text_or_empty(item.get("id")), text_or_empty(item.get("server_label"))
    if item.get("type") == "mcp_list_tools" and identity.startswith(LISTED):
        tools = [tool for value in list_or_empty(item.get("tools")) if (tool := object_or_none(value)) is not None]
        return ToolListing(identity.removeprefix(LISTED), label, tuple(tools))
    if item.get("type") != "mcp_call" or not identity.startswith(SERVED):
        return None
    call_id = identity.removeprefix(SERVED)
    made = ToolCall(call_id, text_or_empty(item.get("name")), text_or_empty(item.get("arguments")))
    return ServedCall(made, label, _read_result(call_id, item))


def _read_result(call_id: str, item: Mapping[str, Any]) -> ToolResult | None:
    error = object_or_none(item.get("error"))
    if error is not None:
        blocks = [object_or_none(block) or {} for block in list_or_empty(error.get("content"))]
        content: tuple[Text | Media, ...] = tuple(Text(text_or_empty(block.get("text"))) for block in blocks)
        return ToolResult(call_id, content, is_error=True)
    output = item.get("output")
    return ToolResult(call_id, (Text(output),)) if isinstance(output, str) else None


def list_tools(written: WrittenItem) -> bytes:
    """The events of a listing, which is there whole."""
    told = written.begin() + written.about("response.mcp_list_tools.in_progress")
    return told + written.about("response.mcp_list_tools.completed") + written.done()


def begin_call(written: WrittenItem) -> bytes:
    """The events of a call that is about to be made: its arguments are complete."""
    arguments = written.item["arguments"]
    written.item = {**written.item, "arguments": ""}
    told = written.begin() + written.about("response.mcp_call.in_progress")
    written.item = {**written.item, "arguments": arguments}
    told += written.about("response.mcp_call_arguments.delta", delta=arguments)
    return told + written.about("response.mcp_call_arguments.done", arguments=arguments)


def end_call(written: WrittenItem, served: ServedCall) -> bytes:
    """The events of the end of that call."""
    written.item = call_item(served)
    status: str = written.item["status"]
    return written.about(f"response.mcp_call.{status}") + written.done(status)

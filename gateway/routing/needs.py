"""What a request needs of a model.

Above: the API, for models whose deployments differ in what they can do. Below: the conversation vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.conversation import Media, ModelRequest, Part, ToolCall, ToolResult

_OF_MEDIA = {"image": "vision", "audio": "audio", "file": "documents"}


def needs_of(request: ModelRequest) -> frozenset[str]:
    """By the names that `capabilities` has in the configuration."""
    needs: set[str] = set()
    if request.stream:
        needs.add("streaming")
    if request.structured_output:
        needs.add("structured_output")
    if request.tools:
        needs.add("tools")
    for message in request.messages:
        for part in message.parts:
            needs.update(_needs_of(part))
    return frozenset(needs)


def _needs_of(part: Part) -> Iterator[str]:
    match part:
        case Media():
            yield _OF_MEDIA[part.kind]
        case ToolCall():
            yield "tools"
        case ToolResult():
            for shown in part.content:
                yield from _needs_of(shown)
        case _:
            pass

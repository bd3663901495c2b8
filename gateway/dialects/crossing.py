"""What keeps a request from being said in another wire format than its own.

Nothing that would change the answer is left out in silence: such a request is refused, and the field is named.
Left out are hints that change its price or its bookkeeping alone; each dialect lists its own.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NoReturn

from gateway.conversation import Media, Message, ModelRequest, UnknownPart
from gateway.dialects.json_values import list_or_empty, object_or_none, text_or_empty
from gateway.errors import InvalidRequest

_SAID = frozenset({"content", "audio", "parts", "item"})
"""Fields of an unknown part that a model would read; others (annotations, say) are about what was said."""

ALLOWED_TOOLS = "allowed_tools"
"""A choice among some of the tools, which not all formats have either; the field is `tool_choice`."""

_SETTINGS = ("seed", "top_k", "frequency_penalty", "presence_penalty")
"""Fields of `ModelRequest` that some formats do not have."""


def check_crossing(request: ModelRequest, into: str, *, settings: Collection[str] = ()) -> None:
    """See that `request` can be said in the dialect `into`, which has these of the settings that not all have.

    Raises InvalidRequest.
    """
    if request.dialect == into:
        return
    if request.native:
        refuse_crossing(request.native[0], f"{request.native[0]} cannot be passed on to this model's provider")
    for name in _SETTINGS:
        if name not in settings and getattr(request, name) is not None:
            refuse_crossing(name, f"{name} cannot be passed on to this model's provider")
    choice = request.tool_choice
    if choice is not None and choice.among is not None and ALLOWED_TOOLS not in settings:
        refuse_crossing(
            "tool_choice", "tool_choice: this model's provider takes no choice among some of the tools"
        )
    for index, tool in enumerate(request.tools):
        if not tool.is_function:
            where = f"tools[{index}]"
            refuse_crossing(
                where, f"{where}: the provider of this model has no tools of the kind of {tool.name!r}"
            )
    for message in request.messages:
        _check_parts(message, into)


def _check_parts(message: Message, into: str) -> None:
    """What a client said; what models said, or tools gave, within a run is told as far as it can be."""
    if message.source is None or message.source.dialect == into:
        return
    for part in message.parts:
        if isinstance(part, UnknownPart) and part.dialect != into and part.raw.keys() & _SAID:
            message_text = f"messages: a part of type {_type_of(part)!r} cannot be shown to this model"
            refuse_crossing("messages", message_text)


def refuse_media(media: Media) -> NoReturn:
    """For a medium of the client's that the other dialect has no part for. Raises InvalidRequest."""
    what = media.media_type or media.kind
    refuse_crossing("messages", f"messages: {media.kind} of type {what!r} cannot be shown to this model")


def refuse_crossing(param: str, message: str) -> NoReturn:
    """Raise InvalidRequest for a field that the model's provider has no way to be told."""
    raise InvalidRequest(message, code="not_translatable", param=param)


def _type_of(part: UnknownPart) -> str:
    for inner in (*list_or_empty(part.raw.get("content")), part.raw.get("item")):
        if (raw := object_or_none(inner)) is not None:
            return text_or_empty(raw.get("type") or next(iter(raw), ""))[:64]
    for inner in list_or_empty(part.raw.get("parts")):
        return next(iter(object_or_none(inner) or {}), "")[:64]
    return next(iter(part.raw), "")

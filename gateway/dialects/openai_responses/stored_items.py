"""What a request refers to instead of saying it, and what of an exchange can be referred to later.

Above: the API, which keeps answers and looks them up. A client may name the response that came before
(`previous_response_id`), or items of earlier ones (`item_reference`, and thoughts of which it sends the id alone).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.dialects.faults import WireFormatError
from gateway.dialects.json_values import list_or_empty, load_object, object_or_none, text_or_empty
from gateway.dialects.openai_responses.calls import new_id

PREVIOUS = "previous_response_id"

_LAST_EVENTS = (b'"response.completed"', b'"response.incomplete"')
_LARGEST = 32 * 1024 * 1024  # bytes of a whole answer, or of one event


@dataclass(frozen=True, slots=True)
class References:
    """The ids of what a request refers to."""

    previous: str | None
    items: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.previous is not None or bool(self.items)


def references_in(fields: Mapping[str, Any]) -> References:
    """What a request refers to; whatever is malformed is left to whoever reads the request."""
    previous = fields.get(PREVIOUS)
    items = (object_or_none(item) or {} for item in list_or_empty(fields.get("input")))
    referred = dict.fromkeys(item["id"] for item in items if _is_reference(item))
    return References(previous if isinstance(previous, str) else None, tuple(referred))


def _is_reference(item: Mapping[str, Any]) -> bool:
    """Whether a provider would look an item up by its id; thoughts that prove themselves it need not, nor pictures
    that are there.
    """
    if not isinstance(item.get("id"), str):
        return False
    match item.get("type"):
        case "reasoning":
            return not item.get("encrypted_content") and not item.get("content")
        case "image_generation_call":
            return not item.get("result")
        case None:
            return not item.get("role") or item.get("content") is None
        case kind:
            return kind == "item_reference"


def resolved(
    fields: Mapping[str, Any], before: Iterable[Mapping[str, Any]], items: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The request that says all of it: `before` is the conversation up to the response that it names."""
    said = {name: value for name, value in fields.items() if name != PREVIOUS}
    said["input"] = [*before, *own_items(fields, items)]
    return said


def own_items(fields: Mapping[str, Any], items: Mapping[str, Mapping[str, Any]]) -> list[Any]:
    """A request's own input, with `items` in the place of references to them."""
    value = fields.get("input")
    if isinstance(value, str):
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": value}]}]
    return [_in_full(item, items) for item in list_or_empty(value)]


def _in_full(value: Any, items: Mapping[str, Mapping[str, Any]]) -> Any:
    item = object_or_none(value)
    return items.get(item["id"], item) if item is not None and _is_reference(item) else value


def with_ids(items: Sequence[Any]) -> list[dict[str, Any]]:
    """Items as they are kept and listed: each has an id."""
    objects = (object_or_none(item) for item in items)
    return [_with_id(item) for item in objects if item is not None]


def _with_id(item: dict[str, Any]) -> dict[str, Any]:
    if isinstance(item.get("id"), str):
        return item
    kind = text_or_empty(item.get("type")) or "message"
    prefix = "msg" if kind == "message" else "".join(word[0] for word in kind.split("_") if word)
    return {"id": new_id(prefix), **item, "type": kind}


def output_of(response: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The items of an answer that can be referred to."""
    items = (object_or_none(item) for item in list_or_empty(response.get("output")))
    return [item for item in items if item is not None and isinstance(item.get("id"), str)]


class AnswerFinder:
    """Finds the response in the bytes of an answer to a client, whole or streamed."""

    __slots__ = ("_is_stream", "_pieces", "_size")

    def __init__(self, *, is_stream: bool) -> None:
        self._is_stream = is_stream
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes, *, more: bool) -> dict[str, Any] | None:
        """The response, once the bytes are there that end it; of a stream, the last event of its kind."""
        self._pieces.append(data)
        self._size += len(data)
        if self._size > _LARGEST:
            self._pieces, self._size = [data[-1:]], 1  # whatever it is, it is too large to be kept
        if not self._is_stream:
            return None if more else _response_in(b"".join(self._pieces))
        if more and not self._ends_event(data):
            return None
        whole = b"".join(self._pieces)
        end = whole.rfind(b"\n\n") + 2 if more else len(whole)
        self._pieces, self._size = [whole[end:]], len(whole) - end
        return _ended_in(whole[:end])

    def _ends_event(self, data: bytes) -> bool:
        before = self._pieces[-2][-1:] if len(self._pieces) > 1 else b""
        return b"\n\n" in before + data


def _ended_in(events: bytes) -> dict[str, Any] | None:
    if not any(mark in events for mark in _LAST_EVENTS):
        return None
    for line in events.splitlines():
        if line.startswith(b"data:") and any(mark in line for mark in _LAST_EVENTS):
            return _response_in(line.removeprefix(b"data:"), event=True)
    return None


def _response_in(data: bytes, *, event: bool = False) -> dict[str, Any] | None:
    try:
        told = load_object(data)
    except WireFormatError:
        return None
    response = object_or_none(told.get("response")) if event else told
    ended = response is not None and response.get("status") in ("completed", "incomplete")
    return response if ended and response is not None and isinstance(response.get("id"), str) else None

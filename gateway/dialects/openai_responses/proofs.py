"""Reasoning items, and what proves them.

The model's thoughts are replayed as the whole item that they came in, `encrypted_content` and id: that item, as
JSON text, is the `signature` of a `gateway.conversation.Reasoning` of this dialect. What another provider's model
thought is shown to clients as an item, too. Its `encrypted_content` then begins with `OURS` and holds that
provider's own proof, which a client brings back and OpenAI is never shown.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from gateway.conversation import Reasoning
from gateway.dialects.json_values import list_or_empty, object_or_none, text_or_empty
from gateway.dialects.openai_responses.name import SEPARATOR, SUMMARY, THOUGHT

OURS = "toolgate:thought:"
"""Begins the `encrypted_content` of what OpenAI's models did not think."""

_OWN = (SUMMARY, THOUGHT)


def proof_of(item: Mapping[str, Any]) -> str:
    """The proof of an item that a provider sent, or a client brings back."""
    try:
        return orjson.dumps(item).decode()
    except TypeError:  # a client's, which is nested more deeply than can be written, and proves nothing
        return ""


def proven_item(part_name: str, signature: str | None) -> dict[str, Any] | None:
    """The item that a proof stands for; None where it is none of this dialect."""
    if signature is None or part_name not in _OWN:
        return None
    try:
        return object_or_none(orjson.loads(signature))
    except orjson.JSONDecodeError:
        return None


def is_ours(item: Mapping[str, Any]) -> bool:
    """Whether an item was written by this gateway, and no provider would know it."""
    return item.get("type") == "reasoning" and text_or_empty(item.get("encrypted_content")).startswith(OURS)


def read_reasoning(item: Mapping[str, Any]) -> list[Reasoning]:
    """The thoughts in an item; the last of them has its proof."""
    if is_ours(item):
        return [_read_ours(item)]
    texts = ((THOUGHT, _joined(item.get("content"))), (SUMMARY, _joined(item.get("summary"))))
    thoughts = [Reasoning(text, name=name) for name, text in texts if text]
    last = thoughts.pop() if thoughts else Reasoning("", name=SUMMARY)
    return [*thoughts, Reasoning(last.text, proof_of(item), last.name)]


def our_item(name: str, texts: Sequence[str], signature: str | None, item_id: str | None = None) -> dict[str, Any]:
    """An item for thoughts without a proof of this dialect's."""
    return {
        "id": item_id or new_item_id(),
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": text} for text in texts if text],
        "encrypted_content": our_proof(name, signature),
    }


def our_proof(name: str, signature: str | None) -> str:
    """The `encrypted_content` of such an item."""
    return OURS + base64.b64encode(orjson.dumps([name, signature])).decode()


def new_item_id() -> str:
    """An id for an item of ours."""
    return f"rs_{secrets.token_hex(12)}"


def _read_ours(item: Mapping[str, Any]) -> Reasoning:
    """What it says is not trusted more than a client of the other dialect would be."""
    text = _joined(item.get("summary"))
    try:
        told = list_or_empty(orjson.loads(base64.b64decode(item["encrypted_content"].removeprefix(OURS))))
    except (binascii.Error, ValueError):
        told = []
    name, signature = told if len(told) == 2 else (SUMMARY, None)
    if not isinstance(name, str) or name in _OWN:
        return Reasoning(text, name=SUMMARY)
    return Reasoning(text, signature if isinstance(signature, str) else None, name)


def _joined(parts: Any) -> str:
    texts = (text_or_empty((object_or_none(part) or {}).get("text")) for part in list_or_empty(parts))
    return SEPARATOR.join(text for text in texts if text)

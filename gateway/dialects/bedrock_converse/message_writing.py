"""Messages for a provider, within the rules that Amazon has for them.

The first is the user's, roles alternate, and none is empty; a document stands beside a text; a cache point neither
comes first in a message nor follows another. Messages that came in this dialect are the very objects that came,
unless something has been put to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.conversation import Message
from gateway.dialects.bedrock_converse.block_writing import BLANK, UserBlocks, replayed_blocks, text_blocks
from gateway.dialects.bedrock_converse.name import REASONING, UNPROVEN, own_object
from gateway.dialects.json_values import list_or_empty, object_or_none

Block = Mapping[str, Any]


def write_messages(
    messages: Sequence[Message], *, results_stand_alone: bool = False
) -> tuple[Any, list[Mapping[str, Any]]]:
    """The system prompt, and the messages. With `results_stand_alone` nothing else is in a message with results.

    Raises InvalidRequest for media that have no block.
    """
    written, user = _Messages(results_stand_alone), UserBlocks()
    for message in messages:
        raw = own_object(message.source)
        if raw:
            written.add_own(raw)
        elif message.role in ("system", "developer"):
            written.add_system(message)
        elif message.role == "assistant":
            written.add("assistant", replayed_blocks(message.parts))
        else:
            written.add("user", user.write(message.parts))
    written.begin_if_empty()
    return written.system(), written.messages


class _Messages:
    """Messages, as far as they have been written."""

    def __init__(self, results_stand_alone: bool) -> None:
        self.messages: list[Mapping[str, Any]] = []
        self._results_stand_alone = results_stand_alone
        self._own_system: Any = None
        self._told: list[Block] = []
        self._is_growing = False

    def system(self) -> Any:
        """The prompt as it came, unless there is more than that."""
        return [*list_or_empty(self._own_system), *self._told] if self._told else self._own_system

    def begin_if_empty(self) -> None:
        """The first message is the user's, whoever spoke first."""
        if not self.messages:
            self.messages.append({"role": "user", "content": [{"text": BLANK}]})

    def add_system(self, message: Message) -> None:
        self._told += text_blocks(message.text)

    def add_own(self, raw: Mapping[str, Any]) -> None:
        if "role" not in raw:
            self._own_system = raw["system"]
        elif self._is_growing and raw["role"] == self.messages[-1]["role"]:
            self.add(raw["role"], list_or_empty(raw.get("content")))
        else:
            self.messages.append(_without_unproven(raw))
            self._is_growing = False

    def add(self, role: str, blocks: Sequence[Block]) -> None:
        """Blocks of a message that did not come in this dialect, or is to be put to one."""
        if not blocks:
            return
        if role == "assistant":
            self.begin_if_empty()
        last = self.messages[-1] if self.messages else None
        if last is not None and last["role"] == role:
            blocks = [*list_or_empty(last.get("content")), *blocks]
            self.messages.pop()
        self._add_whole(role, blocks)
        self._is_growing = True

    def _add_whole(self, role: str, blocks: Sequence[Block]) -> None:
        results = [block for block in blocks if "toolResult" in block]
        said = [block for block in blocks if "toolResult" not in block]
        if results and self._results_stand_alone and any("cachePoint" not in block for block in said):
            self._append(role, results)
            self._append("assistant", [{"text": BLANK}])
            results = []
        self._append(role, [*results, *said])

    def _append(self, role: str, blocks: Sequence[Block]) -> None:
        if any("document" in block for block in blocks) and not any("text" in block for block in blocks):
            blocks = [*blocks, {"text": BLANK}]
        self.messages.append({"role": role, "content": _without_idle_cache_points(blocks)})


def _without_idle_cache_points(blocks: Sequence[Block]) -> list[Block]:
    kept: list[Block] = []
    for block in blocks:
        if "cachePoint" not in block or (kept and "cachePoint" not in kept[-1]):
            kept.append(block)
    return kept


def _without_unproven(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """A message without the thoughts that this gateway marked as of no use to any provider."""
    content = list_or_empty(raw.get("content"))
    kept = [block for block in content if not _is_unproven(block)]
    return raw if len(kept) == len(content) else {**raw, "content": kept or [{"text": BLANK}]}


def _is_unproven(value: Any) -> bool:
    reasoning = object_or_none((object_or_none(value) or {}).get(REASONING)) or {}
    return (object_or_none(reasoning.get("reasoningText")) or {}).get("signature") == UNPROVEN

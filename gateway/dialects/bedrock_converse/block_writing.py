"""Content blocks as they are written, for providers and for clients."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from gateway.conversation import Media, Part, Reasoning, Refusal, Text, ToolCall, ToolResult, UnknownPart
from gateway.dialects.bedrock_converse.media import write_media, write_media_of_client
from gateway.dialects.bedrock_converse.name import NAME, REASONING, REDACTED, UNPROVEN, own_object
from gateway.dialects.call_arguments import arguments_object
from gateway.dialects.json_values import list_or_empty
from gateway.dialects.media import describe_media

BLANK = "."
"""What is said where nothing is said and something must be: a text of blanks alone is refused."""

_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}\Z", re.ASCII)


def answer_blocks(parts: Iterable[Part]) -> list[Mapping[str, Any]]:
    """A model's answer, as a client is given it."""
    written: list[Mapping[str, Any]] = []
    for part in parts:
        match part:
            case Text() if block := own_object(part.source):
                written.append(block)
            case Text() | Refusal():
                written += text_blocks(part.text)
            case Reasoning():
                written += _reasoning_blocks(part)
            case ToolCall():
                written.append({"toolUse": write_call(part)})
            case UnknownPart() if part.dialect == NAME:
                written += list_or_empty(part.raw.get("content"))
            case _:
                pass
    return written


def _reasoning_blocks(part: Reasoning) -> list[Mapping[str, Any]]:
    """What was thought, with its proof; one that no model here could check is marked so."""
    if part.name == REDACTED:
        return [{REASONING: {REDACTED: part.signature}}] if part.signature else []
    if not part.text and not part.signature:
        return []
    proof = part.signature if part.signature and part.name == REASONING else UNPROVEN
    return [{REASONING: {"reasoningText": {"text": part.text, "signature": proof}}}]


def replayed_blocks(parts: Iterable[Part]) -> list[Mapping[str, Any]]:
    """A model's answer, as a provider takes it back: only thoughts of models here, and ids that are accepted."""
    return answer_blocks(list(_replayed(parts)))


def _replayed(parts: Iterable[Part]) -> Iterator[Part]:
    for part in parts:
        match part:
            case Reasoning():
                if part.name in (REASONING, REDACTED):
                    yield part if part.signature else _unsigned(part)
            case ToolCall():
                yield replace(part, id=safe_id(part.id))
            case _:
                yield part


def _unsigned(part: Reasoning) -> UnknownPart:
    """Thoughts of a model that signs none go back as they came."""
    return UnknownPart(NAME, {"content": [{REASONING: {"reasoningText": {"text": part.text}}}]})


def text_blocks(text: str) -> list[Mapping[str, Any]]:
    """A text; none that is blank."""
    return [{"text": text}] if text.strip() else []


def write_call(call: ToolCall) -> dict[str, Any]:
    """A tool call, whose arguments must be an object here."""
    named = {"toolUseId": call.id, "name": call.name, "input": arguments_object(call.arguments)}
    return {**own_object(call.source), **named}


def safe_id(call_id: str) -> str:
    """An id of the form that is taken here; another one is always replaced by the same."""
    if _ID.match(call_id):
        return call_id
    return f"tooluse_{hashlib.sha256(call_id.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"


class UserBlocks:
    """Writes what users say, and tools. Documents have names, of which a request may hold each but once."""

    def __init__(self) -> None:
        self._documents = 0

    def write(self, parts: Iterable[Part]) -> list[Mapping[str, Any]]:
        """One message's blocks; results of tools come first. Raises InvalidRequest for media without a block."""
        results: list[Mapping[str, Any]] = []
        said: list[Mapping[str, Any]] = []
        for part in parts:
            match part:
                case ToolResult():
                    results.append({"toolResult": self._result(part)})
                case Text() | Refusal():
                    said += text_blocks(part.text)
                case Media():
                    said.append(write_media_of_client(part, self._number(part)))
                case UnknownPart() if part.dialect == NAME:
                    said += list_or_empty(part.raw.get("content"))
                case _:
                    pass
        return results + said

    def _number(self, media: Media) -> int:
        self._documents += media.kind == "file"
        return self._documents

    def _result(self, result: ToolResult) -> dict[str, Any]:
        """A tool's result, which must hold something. What cannot be shown of it is named."""
        content: list[Mapping[str, Any]] = []
        for part in result.content:
            if isinstance(part, Text):
                content += text_blocks(part.text)
            else:
                shown = None if part.kind == "audio" else write_media(part, self._number(part))
                content.append(shown or {"text": describe_media(part)})
        written: dict[str, Any] = {
            "toolUseId": safe_id(result.call_id),
            "content": content or [{"text": BLANK}],
        }
        return {**written, "status": "error"} if result.is_error else written

"""How tests read what a stream said."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.conversation import ModelResponse, ResponseAssembler, StreamEvent


def assembled(events: Iterable[StreamEvent]) -> ModelResponse:
    """The answer that the events of a stream tell."""
    assembler = ResponseAssembler()
    for event in events:
        assembler.add(event)
    return assembler.response()

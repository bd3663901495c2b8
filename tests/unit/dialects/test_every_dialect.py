"""What holds of every wire format: nothing of its own is lost, and it does not matter where a stream is cut."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.conversation import StreamEvent
from gateway.dialects import Dialect
from gateway.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from gateway.dialects.bedrock_converse import BEDROCK_CONVERSE
from gateway.dialects.cohere_v2 import COHERE_V2
from gateway.dialects.gemini import GEMINI
from gateway.dialects.ollama import OLLAMA
from gateway.dialects.openai_chat import OPENAI_CHAT
from gateway.dialects.openai_responses import OPENAI_RESPONSES
from gateway.providers.scripted import (
    Call,
    Turn,
    cohere_wire,
    converse_wire,
    gemini_wire,
    messages_wire,
    ollama_wire,
    responses_wire,
    wire,
)

Events = Callable[[Turn, Mapping[str, Any]], Iterable[bytes]]
STREAMS: Mapping[Dialect, tuple[Events, bytes]] = {
    OPENAI_CHAT: (wire.events, wire.DONE),
    OPENAI_RESPONSES: (responses_wire.events, b""),
    ANTHROPIC_MESSAGES: (messages_wire.events, messages_wire.DONE),
    GEMINI: (gemini_wire.events, b""),
    BEDROCK_CONVERSE: (converse_wire.events, b""),
    COHERE_V2: (cohere_wire.events, cohere_wire.DONE),
    OLLAMA: (ollama_wire.events, b""),
}
"""Each with how the scripted model, which knows nothing of our codecs, tells an answer in it."""
SAID = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "good day"}]
CONVERSATIONS: Mapping[Dialect, dict[str, Any]] = {
    OPENAI_CHAT: {"messages": SAID},
    OPENAI_RESPONSES: {"input": [{"type": "message", **message} for message in SAID]},
    ANTHROPIC_MESSAGES: {"messages": SAID, "max_tokens": 9},
    GEMINI: {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]},
    BEDROCK_CONVERSE: {"messages": [{"role": "user", "content": [{"text": "hello"}]}]},
    COHERE_V2: {"messages": SAID},
    OLLAMA: {"messages": SAID},
}
DIALECTS = pytest.mark.parametrize("dialect", list(STREAMS), ids=lambda dialect: dialect.name)
WORDS = st.text(st.characters(codec="utf-8"), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
NEWS = st.dictionaries(WORDS.map(lambda name: f"x_{name}"), JSON, max_size=3)
TURNS = st.builds(
    Turn,
    text=st.sampled_from(["", "once upon a time", "é ☃ 𝄞\n\ndata: {", "a b c d e f g h"]),
    reasoning=st.sampled_from(["", "let me think"]),
    calls=st.lists(st.builds(Call, st.just("look"), st.dictionaries(WORDS, WORDS, max_size=2)), max_size=2).map(
        tuple
    ),
)


MADE_UP = re.compile(r"-[0-9a-f]{24}\b|created=\d+")
"""Ids and times that a codec makes up where a format has none."""


def told(events: list[StreamEvent]) -> list[str]:
    return [MADE_UP.sub("", repr(event)) for event in events]


@DIALECTS
@given(turn=TURNS, data=st.data())
def test_wherever_a_stream_is_cut_it_says_the_same(dialect: Dialect, turn: Turn, data: st.DataObject):
    events, done = STREAMS[dialect]
    stream = b"".join(events(turn, {"model": "m", "stream": True})) + done
    whole = dialect.stream_reader()
    said = [*whole.feed(stream), *whole.end()]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    reader = dialect.stream_reader()
    heard = [
        event
        for start, end in itertools.pairwise([0, *cuts, len(stream)])
        for event in reader.feed(stream[start:end])
    ]
    assert told([*heard, *reader.end()]) == told(said)


@given(top=NEWS, within=NEWS)
def test_fields_that_nobody_knows_are_written_as_they_came(top: dict[str, Any], within: dict[str, Any]):
    for dialect, conversation in CONVERSATIONS.items():  # making fields costs more than writing them
        (field, said), *_ = conversation.items()
        body = {**conversation, **top, field: [{**message, **within} for message in said]}
        request = dialect.read_request({**body, "model": "m", "stream": False})
        written = dialect.write_request(request, model="m")
        assert {name: written.get(name) for name in body} == body

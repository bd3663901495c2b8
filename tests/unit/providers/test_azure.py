"""Azure OpenAI: its two forms of address, its key, and what its filters say."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.api.errors import describe_error, error_response
from gateway.conversation import Finished, FinishReason, ResponseStarted, TextDelta, UnknownDelta
from gateway.dialects.openai_chat import OPENAI_CHAT
from gateway.errors import UpstreamAnswer, UpstreamRefused
from gateway.providers import make_provider

RESOURCE = "https://unit.openai.azure.com"
FILTERED: dict[str, Any] = {"hate": {"filtered": False, "severity": "safe"}}


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        (f"{RESOURCE}/openai/v1", f"{RESOURCE}/openai/v1/chat/completions"),
        (
            f"{RESOURCE}/openai/deployments/gpt?api-version=2024-10-21",
            f"{RESOURCE}/openai/deployments/gpt/chat/completions?api-version=2024-10-21",
        ),
    ],
)
def test_both_forms_of_address_are_called_with_the_key_in_its_own_header(base_url: str, url: str):
    provider = make_provider("azure", api_key="k", base_url=base_url)
    assert provider.url("/chat/completions") == url
    assert provider.headers == {"api-key": "k"}


def test_what_its_filters_say_before_the_answer_begins_is_kept():
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt"}
    prompt = [{"prompt_index": 0, "content_filter_results": FILTERED}]
    delta = {"index": 0, "delta": {"content": "Hi"}, "finish_reason": None, "content_filter_results": FILTERED}
    chunks = [
        {**head, "id": "", "model": "", "choices": [], "prompt_filter_results": prompt},
        {**head, "choices": [delta]},
        {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "content_filter"}]},
    ]
    reader = OPENAI_CHAT.stream_reader()
    data = b"".join(b"data: %b\n\n" % orjson.dumps(chunk) for chunk in chunks)
    events = [*reader.feed(data + b"data: [DONE]\n\n"), *reader.end()]
    assert events[:3] == [
        ResponseStarted("chatcmpl-1", "gpt", 1, {"prompt_filter_results": prompt}, "openai_chat"),
        TextDelta("Hi"),
        UnknownDelta("openai_chat", {"content_filter_results": FILTERED}, in_message=False),
    ]
    assert isinstance(events[3], Finished)
    assert events[3].reason is FinishReason.CONTENT_FILTER


def test_a_prompt_that_its_filters_refuse_is_refused_in_its_own_words():
    error = {"message": "filtered", "code": "content_filter", "innererror": {"content_filter_result": FILTERED}}
    body = orjson.dumps({"error": error})
    answer = UpstreamAnswer(400, body, {"content-type": "application/json"}, "openai_chat")
    told = describe_error(UpstreamRefused("it refused", provider="azure", answer=answer), request_id="r")
    assert (told.status, told.code, told.message) == (400, "content_filter", "filtered")
    assert error_response(told).body == body

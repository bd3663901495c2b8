"""What goes wrong, told as Google's SDK understands it; and bytes that pass."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from google.genai import errors, types
from openai import APIStatusError

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from tests.contract.gemini.asking import client, config, is_asked, streamed, text_in, whole
from tests.support.gateways import SECRET, InProcess

PLAIN = "plain-secret-0123456789"
HELLO = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}


async def post(gateway: InProcess, path: str, body: Any = HELLO, secret: str = SECRET) -> Any:
    async with gateway.http(None) as http:
        return await http.post(path, content=orjson.dumps(body), headers={"x-goog-api-key": secret})


async def test_bytes_pass_where_there_is_nothing_to_add(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Hi.", headers={"x-vendor": "kept"}), Turn(text="one two"))
    body = {**HELLO, "generationConfig": {"topK": 3, "newField": {"a": [1]}}, "safetySettings": []}
    answer = await post(gateway, "/v1beta/models/gem:generateContent", body, PLAIN)
    assert upstream.requests[0].raw == orjson.dumps(body)
    assert answer.headers["x-vendor"] == "kept"
    assert answer.json()["candidates"][0]["content"]["parts"] == [{"text": "Hi."}]
    streamed_answer = await post(gateway, "/v1/models/gem:streamGenerateContent?alt=sse", body, PLAIN)
    assert is_asked(upstream) == "/v1/models/gemini-9-pro:streamGenerateContent?alt=sse"
    assert streamed_answer.headers["content-type"].startswith("text/event-stream")
    assert upstream.requests[1].raw == orjson.dumps(body)
    assert "the-operators-own" not in str(streamed_answer.headers)


@pytest.mark.parametrize(
    ("path", "status", "word", "said"),
    [
        ("/v1beta/models/gem:streamGenerateContent", 400, "INVALID_ARGUMENT", "add ?alt=sse"),
        ("/v1beta/models/none:generateContent", 404, "NOT_FOUND", "does not exist"),
        ("/v1beta/models/gem:embedContent", 501, "UNIMPLEMENTED", "there are generateContent"),
        ("/v1beta/models/gem", 501, "UNIMPLEMENTED", "is not served"),
        ("/v1/models/tiny:countTokens", 501, "UNIMPLEMENTED", "cannot count"),
        ("/v1beta/nothing", 404, "NOT_FOUND", "nothing at"),
    ],
)
async def test_paths_that_lead_nowhere_are_explained(
    gateway: InProcess, path: str, status: int, word: str, said: str
):
    answer = await post(gateway, path)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (status, status, word)
    assert said in error["message"]


@pytest.mark.parametrize("body", [{**HELLO, "model": "tiny"}, {**HELLO, "stream": True}])
async def test_a_body_that_says_what_the_url_says_is_refused(gateway: InProcess, body: Any):
    answer = await post(gateway, "/v1beta/models/gem:generateContent", body)
    assert answer.status_code == 400
    assert "the URL says this" in answer.json()["error"]["message"]


async def test_a_key_that_is_none_is_refused_in_its_words(gateway: InProcess):
    with pytest.raises(errors.ClientError) as caught:
        await whole(gateway, "gem", secret="nobodys-key")
    assert (caught.value.code, caught.value.status) == (401, "UNAUTHENTICATED")


async def test_googles_own_tools_are_denied_by_name(gateway: InProcess):
    tool = types.Tool(google_search=types.GoogleSearch())
    for secret in (SECRET, PLAIN):
        with pytest.raises(errors.ClientError) as caught:
            await whole(gateway, "gem", secret=secret, tools=[tool])
        assert caught.value.code == 403
        assert "google_search" in str(caught.value)


async def test_a_refusal_is_passed_on_word_for_word(gateway: InProcess, upstream: ScriptedUpstream):
    told = b'{"error": {"code": 400, "message": "their words", "status": "INVALID_ARGUMENT", "details": []}}'
    upstream.add(Turn(status=400, body=told))
    answer = await post(gateway, "/v1beta/models/gem:generateContent")
    assert (answer.status_code, answer.content) == (400, told)


async def test_when_to_come_back_is_told_in_each_clients_way(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(status=429), Turn(status=429, headers={"retry-after": "9"}))
    async with gateway.client(SECRET) as openai:
        with pytest.raises(APIStatusError) as caught:
            await openai.chat.completions.create(model="gem", messages=[{"role": "user", "content": "hi"}])
    assert caught.value.status_code == 429
    assert caught.value.response.headers["retry-after"] == "7"
    answer = await post(gateway, "/v1beta/models/tiny:generateContent")
    assert answer.json()["error"]["details"][-1]["retryDelay"] == "9s"
    assert answer.json()["error"]["status"] == "RESOURCE_EXHAUSTED"


@pytest.mark.parametrize("model", ["gem", "tiny"])
async def test_an_error_within_a_stream_is_an_error(gateway: InProcess, upstream: ScriptedUpstream, model: str):
    upstream.add(Turn(text="one two three", error_after=3))
    seen: list[Any] = []

    async def read() -> None:
        async with client(gateway) as google:
            stream = await google.models.generate_content_stream(model=model, contents="hi", config=config())
            async for chunk in stream:
                seen.append(chunk)  # noqa: PERF401 - it breaks off

    with pytest.raises(errors.APIError) as caught:
        await read()
    assert text_in(seen).startswith("one")
    assert "the script says error" in str(caught.value)


async def test_a_stream_that_breaks_off_is_an_error(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="one two three", cut_after=3))
    with pytest.raises(errors.APIError) as caught:
        await streamed(gateway, "gem")
    assert caught.value.status == "UNAVAILABLE"


async def test_a_call_that_the_model_could_not_write_is_an_error(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(finish_reason="MALFORMED_FUNCTION_CALL"), Turn(finish_reason="MALFORMED_FUNCTION_CALL"))
    async with gateway.client(SECRET) as openai:
        with pytest.raises(APIStatusError, match="MALFORMED_FUNCTION_CALL"):
            await openai.chat.completions.create(model="gem", messages=[{"role": "user", "content": "hi"}])
    with pytest.raises(errors.ServerError, match="MALFORMED_FUNCTION_CALL"):
        await whole(gateway, "gem")


async def test_a_silent_run_shows_signs_of_life_that_the_sdk_understands(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(calls=(Call("demo__slow", {"seconds": 1.5}),)), Turn(text="Done."))
    chunks = await streamed(gateway, "gem")
    assert text_in(chunks) == "Done."
    assert [chunk for chunk in chunks if not chunk.candidates]


async def test_what_others_cannot_say_is_refused_by_name(gateway: InProcess):
    with pytest.raises(errors.ClientError, match=r"cachedContent|cached_content"):
        await whole(gateway, "tiny", cached_content="cachedContents/1")
    setting = types.SafetySetting(
        category=types.HarmCategory.HARM_CATEGORY_HARASSMENT,
        threshold=types.HarmBlockThreshold.BLOCK_LOW_AND_ABOVE,
    )
    with pytest.raises(errors.ClientError, match="safetySettings"):
        await whole(gateway, "tiny", safety_settings=[setting])

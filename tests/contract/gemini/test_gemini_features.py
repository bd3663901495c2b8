"""What Google's SDK can do besides: its own functions, images, schemas, thoughts, options of the gateway."""

from __future__ import annotations

from typing import Any

import orjson
import pydantic
import pytest
from google.genai import types

from gateway.providers.scripted import Call, ScriptedUpstream, Turn, messages_wire
from tests.contract.gemini.asking import ASK_USER, SUM, client, content_of, parts_in, results_in, streamed, whole
from tests.support.gateways import InProcess


class Weather(pydantic.BaseModel):
    city: str
    degrees: int | None


@pytest.mark.parametrize("model", ["gem", "tiny"])
async def test_functions_that_the_sdk_runs_itself_work_beside_the_gateways(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    asked: list[str] = []

    def ask_user(question: str) -> str:
        """Ask the user."""
        asked.append(question)
        return f"{question}!"

    upstream.add(Turn(calls=(SUM, Call("ask_user", {"question": "why"}))), Turn(text="Because."))
    async with client(gateway) as google:
        answer = await google.models.generate_content(
            model=model, contents="hello", config=types.GenerateContentConfig(tools=[ask_user])
        )
    assert answer.text == "Because."
    assert asked == ["why"]
    assert len(upstream.requests) == 2
    given = results_in(upstream.requests[1].body)
    assert given[0] == "42"
    assert "why!" in given[1]


async def test_an_image_reaches_models_of_others(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="a"), Turn(text="b"))
    image = types.Part.from_bytes(data=b"\xfb\xff\xfe", mime_type="image/png")
    for model in ("tiny", "claude"):
        await whole(gateway, model, ["what is this?", image])
    chat, messages = (request.body["messages"][-1]["content"] for request in upstream.requests)
    assert chat[1] == {"type": "image_url", "image_url": {"url": "data:image/png;base64,+//+"}}
    assert messages[1]["source"] == {"type": "base64", "media_type": "image/png", "data": "+//+"}


async def test_a_schema_reaches_models_of_others(gateway: InProcess, upstream: ScriptedUpstream):
    said = Turn(text='{"city": "Tokyo", "degrees": 7}')
    upstream.add(said, said, said)
    for model in ("gem", "tiny", "claude"):
        answer = await whole(
            gateway, model, response_mime_type="application/json", response_schema=Weather, seed=None
        )
        assert answer.parsed == Weather(city="Tokyo", degrees=7)
    chat = upstream.requests[1].body["response_format"]["json_schema"]["schema"]
    messages = upstream.requests[2].body["output_config"]["format"]["schema"]
    assert chat == messages
    assert chat["properties"]["city"]["type"] == "string"
    assert chat["properties"]["degrees"]["type"] == ["integer", "null"]


async def test_thoughts_of_others_are_shown_and_come_back_to_them_with_their_proof(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(reasoning="hm so", calls=(Call("ask_user", {"question": "?"}),)), Turn(text="Thanks."))
    answer = await whole(gateway, "claude", tools=[ASK_USER])
    content = content_of(answer)
    parts = content.parts or []
    assert [(part.text, part.thought, part.thought_signature) for part in parts if part.thought] == [
        ("hm so", True, None)
    ]
    call = next(part.function_call for part in parts if part.function_call)
    result = types.FunctionResponse(id=call.id, name=call.name, response={"output": "yes"})
    history = [
        types.Content(role="user", parts=[types.Part(text="hello")]),
        content,
        types.Content(role="user", parts=[types.Part(function_response=result)]),
    ]
    await whole(gateway, "claude", history, tools=[ASK_USER])
    replayed = upstream.requests[1].body["messages"][1]["content"]
    signature = messages_wire.signature_of("hm so")
    assert {"type": "thinking", "thinking": "hm so", "signature": signature} in replayed


async def test_parallel_calls_of_its_own_come_whole_in_a_stream(gateway: InProcess, upstream: ScriptedUpstream):
    calls = tuple(Call("ask_user", {"question": text}) for text in ("a", "b", "c"))
    for model in ("gem", "tiny", "claude"):
        upstream.add(Turn(text="So:", calls=calls))
        chunks = await streamed(gateway, model, tools=[ASK_USER])
        told = [part.function_call for part in parts_in(chunks) if part.function_call]
        assert [call.args for call in told] == [{"question": "a"}, {"question": "b"}, {"question": "c"}]
        assert len({call.id for call in told}) == 3


async def test_the_gateways_own_options_have_their_field(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(calls=(SUM,)), Turn(text="It is 42."))
    body = {
        "contents": [{"role": "user", "parts": [{"text": "6 * 7?"}]}],
        "toolgate": {"tools": ["demo/calculate"], "events": True},
    }
    async with gateway.http() as http:
        answer = await http.post("/v1beta/models/gem:streamGenerateContent?alt=sse", json=body)
    frames = [orjson.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert [frame for frame in frames if "toolgate" in frame and not frame["candidates"]]
    assert frames[-1]["toolgate"]["rounds"] == 2
    (tools,) = upstream.requests[0].body["tools"]
    assert [tool["name"] for tool in tools["functionDeclarations"]] == ["demo__calculate"]
    assert "toolgate" not in upstream.requests[0].body


@pytest.mark.parametrize(
    "tools", [[{"urlContext": {}}], {"url_context": {}}, [{"urlContext": {}, "functionDeclarations": []}]]
)
async def test_one_of_ours_runs_in_the_place_of_one_of_googles(
    gateway: InProcess, upstream: ScriptedUpstream, tools: Any
):
    upstream.add(Turn(text="Hi."))
    body = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], "tools": tools}
    asking = "asking-secret-0123456789"
    async with gateway.http(asking) as http:
        answer = await http.post("/v1beta/models/gem:generateContent", json=body)
    assert answer.status_code == 200
    (entry,) = upstream.requests[0].body["tools"]
    assert "demo__current_time" in [tool["name"] for tool in entry["functionDeclarations"]]
    assert "rl" not in str(sorted(entry.keys()))


async def test_a_forced_call_holds_for_the_first_round(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(calls=(SUM,)), Turn(text="It is 42."))
    calling = types.FunctionCallingConfig(
        mode=types.FunctionCallingConfigMode.ANY, allowed_function_names=["demo__calculate", "ask_user"]
    )
    forced = types.ToolConfig(function_calling_config=calling)
    answer: Any = await whole(gateway, "gem", tools=[ASK_USER], tool_config=forced)
    assert answer.text == "It is 42."
    modes = [request.body["toolConfig"]["functionCallingConfig"]["mode"] for request in upstream.requests]
    assert modes == ["ANY", "VALIDATED"]

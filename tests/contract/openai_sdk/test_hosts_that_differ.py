"""Hosts whose Chat differs from OpenAI's, behind OpenAI's SDK: over real sockets, with the loop."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import openai
import pytest
from mistralai.client.models import ChatCompletionRequest

from gateway.building.router import build_router
from gateway.config import load_config
from gateway.errors import ConfigError
from gateway.providers import HttpClients
from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from tests.contract.loop.conftest import POLICIES, loop_document
from tests.support.gateways import InProcess, gateway_in_process, write_files

HELLO: list[Any] = [{"role": "user", "content": "hello"}]
SUM = Call("demo__calculate", {"expression": "6 * 7"}, id="call_of_a_long_name")
PLAIN = "plain-secret-0123456789"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def gateway(script: ScriptedUpstream) -> AsyncGenerator[InProcess]:
    document = loop_document(script)
    here = {"base_url": script.base_url, "api_key": "k"}
    document["providers"] |= {
        "mistral": here,
        "deepseek": here,
        "plain-mistral": {"kind": "mistral", "quirks": [], **here},
        "mine": {"quirks": ["max_tokens", "no_reasoning_effort"], **here},
    }
    for name in ("mistral", "deepseek", "plain-mistral", "mine"):
        document["models"][name] = [{"provider": name, "model": name}]
    with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
        async with gateway_in_process(Path(folder), document, POLICIES) as running:
            yield running


async def ask(gateway: InProcess, model: str, secret: str | None = None, **fields: Any) -> str:
    asked = {"messages": HELLO, "max_completion_tokens": 9, **fields}
    async with gateway.client(*([secret] if secret else [])) as sdk:
        answer = await sdk.chat.completions.create(model=model, **asked)
    return answer.choices[0].message.content or ""


async def test_mistral_gets_what_mistral_takes_in_every_round(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(reasoning="Hm.", calls=(SUM,)), Turn(text="It is 42."))
    async with (
        gateway.client() as sdk,
        sdk.chat.completions.stream(
            model="mistral", messages=HELLO, max_completion_tokens=9, seed=3, user="u", tool_choice="required"
        ) as stream,
    ):
        answer = await stream.get_final_completion()
    assert answer.choices[0].message.content == "It is 42."
    first, second = (request.body for request in upstream.requests)
    for body in (first, second):
        ChatCompletionRequest.model_validate(body)
        assert body.keys() <= ChatCompletionRequest.model_fields.keys()
        assert (body["max_tokens"], body["random_seed"]) == (9, 3)
    assert first["tool_choice"] == "any"
    assistant, result = second["messages"][1:]
    assert assistant["content"] == [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]
    assert [call["id"] for call in assistant["tool_calls"]] == [result["tool_call_id"]]
    assert len(result["tool_call_id"]) == 9


async def test_deepseek_gets_its_thoughts_back_even_empty_ones(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(reasoning="Hm.", calls=(SUM,)), Turn(calls=(SUM,)), Turn(text="It is 42."))
    await ask(gateway, "deepseek")
    turns = [message for message in upstream.requests[2].body["messages"] if message["role"] == "assistant"]
    assert [turn["reasoning_content"] for turn in turns] == ["Hm.", ""]


async def test_deepseek_is_not_asked_for_a_schema(gateway: InProcess, upstream: ScriptedUpstream):
    form: Any = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
    with pytest.raises(openai.BadRequestError, match="json_object") as refused:
        await ask(gateway, "deepseek", response_format=form)
    assert (refused.value.code, refused.value.param) == ("not_translatable", "response_format")


async def test_an_operator_can_say_that_a_host_differs_in_another_way(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(text="a"), Turn(text="b"))
    await ask(gateway, "plain-mistral")
    await ask(gateway, "mine")
    limits = [(body.get("max_completion_tokens"), body.get("max_tokens")) for body in _bodies(upstream)]
    assert limits == [(9, None), (None, 9)]
    with pytest.raises(openai.BadRequestError, match="reasoning_effort"):
        await ask(gateway, "mine", reasoning_effort="low")


async def test_bytes_that_pass_through_are_not_changed(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="a"))
    await ask(gateway, "mistral", PLAIN, seed=3)
    (body,) = _bodies(upstream)
    assert body == {"messages": HELLO, "model": "mistral", "max_completion_tokens": 9, "seed": 3}


def _bodies(upstream: ScriptedUpstream) -> list[Any]:
    return [request.body for request in upstream.requests]


def test_a_quirk_that_is_none_is_a_mistake_in_the_file(tmp_path: Path):
    document = {
        "providers": {"mine": {"base_url": "http://127.0.0.1:9/v1", "quirks": ["no_such_quirk"]}},
        "keys": {"agent": {"secret": "test-secret-0123456789"}},
    }
    config = load_config(write_files(tmp_path, document, {}))
    with pytest.raises(ConfigError, match=r"no_such_quirk.*max_tokens") as refused:
        build_router(config, HttpClients())
    assert "providers.mine" in str(refused.value)

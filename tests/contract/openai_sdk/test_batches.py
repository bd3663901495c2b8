"""OpenAI's batches, with the official SDK: judged before they are sent, and each key's own."""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any, Literal

import openai
import pytest
from openai.types import Batch, FileObject

from gateway.providers.scripted.serving import serve_app
from tests.support.batch_host import FOREIGN_BATCHES, BatchHost, line, lines_of
from tests.support.covering import CHAT, CHAT_SDK, RESPONSES, RESPONSES_SDK, covers
from tests.support.file_host import FOREIGN
from tests.support.gateways import OTHER_SECRET, SECRET, InProcess, audited, gateway_in_process

CLOSED, FILES_ALONE = "closed-secret-0123456789", "files-secret-0123456789"
SAYS = {"role": "user", "content": "hi"}
CHATS: dict[str, Any] = {"model": "fast", "messages": [SAYS]}
ASKS: dict[str, Any] = {"model": "fast", "input": "hi"}
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def host() -> BatchHost:
    return BatchHost()


@pytest.fixture
async def gateway(host: BatchHost) -> AsyncGenerator[InProcess]:
    async with serve_app(host) as origin:
        provider = {"base_url": f"{origin}/v1", "api_key": "the-operators-own"}
        document: dict[str, Any] = {
            "passthrough": {"provider": "host"},
            "limits": {"body_bytes": 4000},
            "providers": {
                "host": {**provider, "dialect": ["openai_chat", "openai_responses"]},
                "other": {**provider, "dialect": "openai_chat"},
            },
            "models": {
                "fast": [{"provider": "other", "model": "x"}, {"provider": "host", "model": "upstream-mini"}],
                "elsewhere": [{"provider": "other", "model": "x"}],
                "hidden": [{"provider": "host", "model": "y"}],
            },
            "keys": {
                "one": {
                    "secret": SECRET,
                    "models": ["fast", "elsewhere"],
                    "passthrough": ["files", "batches"],
                    "policies": ["kept"],
                },
                "two": {"secret": OTHER_SECRET, "passthrough": ["files", "batches"]},
                "files": {"secret": FILES_ALONE, "passthrough": ["files"]},
                "none": {"secret": CLOSED},
            },
        }
        with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
            policies = {"kept": {"allow": ["provider/files", "provider/web_search"]}}
            async with gateway_in_process(Path(folder), document, policies) as running:
                yield running


async def sent(sdk: openai.AsyncOpenAI, *lines: Mapping[str, Any]) -> FileObject:
    return await sdk.files.create(file=("in.jsonl", lines_of(*lines)), purpose="batch")


async def begun(
    sdk: openai.AsyncOpenAI, file_id: str, endpoint: Literal["/v1/chat/completions", "/v1/responses"]
) -> Batch:
    return await sdk.batches.create(
        input_file_id=file_id, endpoint=endpoint, completion_window="24h", metadata={"a": "b"}
    )


@covers(CHAT_SDK, CHAT, "batches")
async def test_a_key_makes_shows_lists_and_cancels_batches_and_reads_what_they_answer(
    gateway: InProcess, host: BatchHost
):
    async with gateway.client() as sdk:
        split = {**CHATS, "messages": [{"role": "user", "content": "a\u2028b\x85c\nd"}], "tools": [FUNCTION]}
        file = await sent(sdk, line(CHATS), line(split, custom_id="b"))
        made = await begun(sdk, file.id, "/v1/chat/completions")
        assert (made.status, made.input_file_id, made.metadata) == ("validating", file.id, {"a": "b"})
        assert host.lines == [
            line({**CHATS, "model": "upstream-mini"}),
            line({**split, "model": "upstream-mini"}, custom_id="b"),
        ]
        second = await begun(sdk, file.id, "/v1/chat/completions")
        host.end(made.id)
        assert [(one.id, one.status) async for one in sdk.batches.list(limit=1)] == [
            (second.id, "validating"),
            (made.id, "completed"),
        ]
        ended = await sdk.batches.retrieve(made.id)
        assert ended.output_file_id
        assert ended.error_file_id
        assert (await sdk.files.content(ended.output_file_id)).content == b"output_file_id"
        assert (await sdk.files.retrieve(ended.error_file_id)).filename == "error_file_id"
        assert {one.id async for one in sdk.files.list(purpose="batch_output")} == {
            ended.output_file_id,
            ended.error_file_id,
        }
        assert [one.id async for one in sdk.files.list(purpose="batch")] == [file.id]
        assert (await sdk.batches.cancel(second.id)).status == "cancelling"
    assert {credentials for _, _, credentials in host.asked} == {"Bearer the-operators-own"}


@covers(RESPONSES_SDK, RESPONSES, "batches")
async def test_a_batch_of_responses_is_one_of_their_format(gateway: InProcess, host: BatchHost):
    async with gateway.client() as sdk:
        body = {**ASKS, "tools": [{"type": "web_search"}], "store": False}
        raw = await sdk.files.with_raw_response.create(
            file=("in.jsonl", lines_of(line(body, "/v1/responses"))), purpose="batch"
        )
        file = raw.parse()
        with pytest.raises(openai.BadRequestError) as caught:
            await begun(sdk, file.id, "/v1/chat/completions")
        assert caught.value.param == "endpoint"
        await begun(sdk, file.id, "/v1/responses")
        assert host.lines == [line({**body, "model": "upstream-mini"}, "/v1/responses")]
    run, _ = await audited(gateway.shared, raw.headers["x-toolgate-run-id"])
    assert (run.dialect, run.model, run.outcome, run.key_id) == ("files/create", "fast", "ok", "one")


@pytest.mark.parametrize("url", ["/v1/embeddings", "/v1/completions"])
async def test_models_that_do_not_talk_have_batches_too(gateway: InProcess, host: BatchHost, url: str):
    body = {"model": "fast", "input" if "emb" in url else "prompt": "hi"}
    async with gateway.client() as sdk:
        file = await sent(sdk, line(body, url))
        made = await gateway_post(gateway, {"input_file_id": file.id, "endpoint": url, "completion_window": "24h"})
    assert made["status"] == "validating"
    assert host.lines == [line({**body, "model": "upstream-mini"}, url)]


async def gateway_post(gateway: InProcess, body: Mapping[str, Any], secret: str = SECRET) -> dict[str, Any]:
    async with gateway.http(secret) as http:
        return (await http.post("/v1/batches", json=body)).json()


def second(**changed: Any) -> list[Any]:
    """A file whose second line is another."""
    return [line(CHATS), {**line(CHATS, custom_id="b"), **changed}]


def chats(**more: Any) -> list[Any]:
    return second(body={**CHATS, **more})


def asks(**more: Any) -> list[Any]:
    return [line({**ASKS, **more}, "/v1/responses")]


FILE_PART = {"type": "file", "file": {"file_id": FOREIGN}}
REFUSED: list[tuple[list[Any], int, str, str]] = [
    (second(custom_id="a"), 400, "line 2: custom_id", "before this one"),
    (second(custom_id=""), 400, "line 2: custom_id", "string"),
    (second(method="GET"), 400, "line 2: method", "POST"),
    (second(url="/v1/moderations"), 400, "line 2: url", "must be one of"),
    (second(url="/v1/embeddings"), 400, "line 2: url", "the same"),
    (second(body=[]), 400, "line 2: body", "object"),
    (second(Body={}), 400, "line 2: Body", "not known"),
    ([line(CHATS), []], 400, "line 2", "JSON object"),
    (chats(model="hidden"), 404, "line 2: body.model", "does not exist"),
    (chats(model="never"), 404, "line 2: body.model", "does not exist"),
    (chats(model=3), 400, "line 2: body.model", "string"),
    (chats(model="elsewhere"), 400, "line 2: body.model", "provider that runs batches"),
    (chats(Model="hidden"), 400, "line 2: body.Model", "lower case"),
    (chats(tools=[FUNCTION, {"type": "code_interpreter"}]), 403, "line 2: body.tools[1]", "code_interpreter"),
    (chats(tools=[{"type": "novel"}]), 400, "line 2: body.tools[0]", "no type of tool"),
    (chats(tools=[{"type": "mcp", "server_label": "files"}]), 400, "line 2: body.tools[0]", "servers of tools"),
    (chats(models=["hidden"]), 403, "line 2: body.models", "fallbacks"),
    (chats(toolgate={"tools": ["files/*"]}), 400, "line 2: body.toolgate", "attached"),
    (chats(messages=[{"role": "user", "content": [FILE_PART]}]), 404, "line 2: body.file_id", "no file"),
    (chats(user="x" * 4000), 413, "line 2", "longer"),
    (asks(previous_response_id="resp_1"), 400, "line 1: body.previous_response_id", "looked up"),
    (asks(conversation="conv_1"), 400, "line 1: body.conversation", "looked up"),
    (asks(input=[{"type": "item_reference", "id": "msg_1"}]), 400, "line 1: body.input", "looked up"),
    ([], 400, "file", "no request"),
]


@pytest.mark.parametrize(("lines", "status", "param", "said"), REFUSED)
async def test_what_a_key_may_not_ask_is_refused_by_line_and_field(
    gateway: InProcess, host: BatchHost, lines: list[Any], status: int, param: str, said: str
):
    async with gateway.client() as sdk:
        with pytest.raises(openai.APIStatusError) as caught:
            await sent(sdk, *lines)
    assert (caught.value.status_code, caught.value.param) == (status, param)
    assert said in caught.value.message
    assert param in caught.value.message
    assert host.asked == []


async def test_what_is_no_json_is_refused_by_line(gateway: InProcess, host: BatchHost):
    data = b"\n" + lines_of(line(CHATS)) + b"{oops\n"
    async with gateway.client() as sdk:
        with pytest.raises(openai.BadRequestError, match="line 3: it is not valid JSON"):
            await sdk.files.create(file=("in.jsonl", data), purpose="batch")
    assert host.asked == []


async def test_what_can_be_read_in_two_ways_is_sent_as_it_was_judged(gateway: InProcess, host: BatchHost):
    twice = json.dumps(line(CHATS)).replace('"model"', '"model": "hidden", "model"')
    hidden = twice.replace('"model": "hidden"', '"mo\\u0064el": "hidden"')
    smuggled = json.dumps(line({**CHATS, "user": f"\u2028{json.dumps(line(CHATS))}\u2028"}), ensure_ascii=False)
    renamed = smuggled.replace('"custom_id": "a"', '"custom_id": "c"', 1)
    data = "\n".join([twice, hidden.replace('"a"', '"b"'), renamed]).encode()
    async with gateway.client() as sdk:
        file = await sdk.files.create(file=("in.jsonl", data), purpose="batch")
        await begun(sdk, file.id, "/v1/chat/completions")
    assert [one["body"]["model"] for one in host.lines] == ["upstream-mini"] * 3
    assert b"hidden" not in host.files[file.id][1]


async def test_a_file_that_was_not_judged_is_no_batch(gateway: InProcess, host: BatchHost):
    async with gateway.client() as sdk:
        other = await sdk.files.create(file=("in.jsonl", lines_of(line(CHATS))), purpose="user_data")
        asked = list(host.asked)
        with pytest.raises(openai.BadRequestError) as caught:
            await begun(sdk, other.id, "/v1/chat/completions")
        assert caught.value.param == "input_file_id"
        file = await sent(sdk, line(CHATS))
        asked = list(host.asked)
        told = await gateway_post(
            gateway, {"input_file_id": file.id, "endpoint": "/v1/chat/completions", "model": 1}
        )
        assert told["error"]["param"] == "model"
    assert host.asked == asked


async def test_no_key_sees_or_uses_what_is_anothers(gateway: InProcess, host: BatchHost):
    async with gateway.client() as one, gateway.client(OTHER_SECRET) as two:
        file = await sent(one, line(CHATS))
        theirs = await begun(one, file.id, "/v1/chat/completions")
        host.end(theirs.id)
        output = (await one.batches.retrieve(theirs.id)).output_file_id or ""
        asked = list(host.asked)
        told: set[str] = set()
        for batch_id in (theirs.id, FOREIGN_BATCHES[0], "batch_never", f"{theirs.id}/x", file.id):
            for ask in (two.batches.retrieve, two.batches.cancel):
                with pytest.raises(openai.NotFoundError) as caught:
                    await ask(batch_id)
                told.add(caught.value.response.text)
        assert len(told) == 1
        assert [batch async for batch in two.batches.list()] == []
        for file_id in (file.id, output):
            with pytest.raises(openai.NotFoundError):
                await two.files.content(file_id)
            with pytest.raises(openai.NotFoundError) as caught:
                await begun(two, file_id, "/v1/chat/completions")
            assert caught.value.param == "input_file_id"
        assert host.asked == asked


async def test_they_are_open_to_keys_that_have_them_alone(gateway: InProcess, host: BatchHost):
    async with gateway.client(FILES_ALONE) as sdk:
        with pytest.raises(openai.BadRequestError) as caught:
            await sent(sdk, line(CHATS))
        assert (caught.value.code, caught.value.param) == ("not_supported", "purpose")
    for secret in (FILES_ALONE, CLOSED):
        async with gateway.http(secret) as http:
            for method, path in (
                ("GET", "/v1/batches"),
                ("POST", "/v1/batches"),
                ("GET", "/v1/batches/batch_1"),
                ("POST", "/v1/batches/batch_1/cancel"),
                ("POST", "/v1/messages/batches"),
            ):
                answer = await http.request(method, path)
                assert answer.status_code == 404
                assert "there is nothing at" in answer.text
    assert host.asked == []


async def test_a_provider_that_cannot_be_asked_leaves_what_was_last_known(gateway: InProcess, host: BatchHost):
    async with gateway.client() as sdk:
        file = await sent(sdk, line(CHATS))
        made = await begun(sdk, file.id, "/v1/chat/completions")
        del host.batches[made.id]
        assert [one.status async for one in sdk.batches.list()] == ["validating"]
        with pytest.raises(openai.NotFoundError, match="No such batch"):
            await sdk.batches.retrieve(made.id)


@pytest.mark.parametrize(
    "query", ["limit=0000019999", "limit=000001" + "9" * 5000, "&".join(f"name{number}=1" for number in range(30))]
)
async def test_queries_that_make_no_sense_are_refused(gateway: InProcess, query: str):
    async with gateway.http() as http:
        for path in ("/v1/batches", "/v1/files"):
            answer = await http.get(f"{path}?{query}")
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("endpoint", [[], {}, 1, None])
async def test_an_endpoint_is_one_of_those_that_there_are(gateway: InProcess, endpoint: object):
    async with gateway.http() as http:
        answer = await http.post("/v1/batches", json={"endpoint": endpoint, "input_file_id": "x"})
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "endpoint")


async def test_what_is_nested_too_deeply_to_be_sent_is_refused(gateway: InProcess, host: BatchHost):
    metadata: Any = "x"
    for _ in range(300):
        metadata = {"a": metadata}
    async with gateway.client() as sdk, gateway.http() as http:
        file = await sent(sdk, line(CHATS))
        body = {"endpoint": "/v1/chat/completions", "input_file_id": file.id, "metadata": metadata}
        answer = await http.post("/v1/batches", json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_json")


async def test_a_file_of_nothing_but_lines_is_refused(gateway: InProcess):
    async with gateway.client() as sdk:
        with pytest.raises(openai.BadRequestError) as caught:
            await sdk.files.create(file=("in.jsonl", b"\n" * 100_001), purpose="batch")
    assert "more than 100000 lines" in caught.value.message

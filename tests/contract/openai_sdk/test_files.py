"""Files, with the official SDK: each key has its own, in an account that all keys share."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types import FileObject

from gateway.providers.scripted.serving import serve_app
from tests.support.file_host import FOREIGN, FileHost
from tests.support.gateways import OTHER_SECRET, SECRET, InProcess, audited, gateway_in_process

CLOSED = "closed-secret-0123456789"
DATA = b"\x00ocean\r\n--"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def host() -> FileHost:
    return FileHost()


@pytest.fixture
async def gateway(host: FileHost) -> AsyncGenerator[InProcess]:
    async with serve_app(host) as origin:
        document = {
            "limits": {"upload_bytes": 10_000},
            "passthrough": {"provider": "host"},
            "providers": {
                "host": {"dialect": "openai_responses", "base_url": f"{origin}/v1", "api_key": "the-operators-own"}
            },
            "keys": {
                "one": {"secret": SECRET, "passthrough": "files", "policies": ["kept"]},
                "two": {"secret": OTHER_SECRET, "passthrough": ["files"], "policies": ["kept"]},
                "none": {"secret": CLOSED},
            },
        }
        with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
            async with gateway_in_process(
                Path(folder), document, {"kept": {"allow": ["provider/files"]}}
            ) as running:
                yield running


async def test_a_key_makes_lists_shows_reads_and_deletes_its_files(gateway: InProcess, host: FileHost):
    async with gateway.client() as sdk:
        raw = await sdk.files.with_raw_response.create(file=("größe.bin", DATA), purpose="user_data")
        made = FileObject.model_validate_json(raw.text)
        assert (made.filename, made.bytes, made.purpose) == ("größe.bin", len(DATA), "user_data")
        second = await sdk.files.create(file=("b.txt", b"b"), purpose="assistants")
        assert [file.id async for file in sdk.files.list()] == [second.id, made.id]
        assert [file.id async for file in sdk.files.list(limit=1, order="asc")] == [made.id, second.id]
        assert [file.id async for file in sdk.files.list(purpose="assistants")] == [second.id]
        assert (await sdk.files.retrieve(made.id)).filename == "größe.bin"
        assert (await sdk.files.content(made.id)).content == DATA
        assert (await sdk.files.delete(made.id)).deleted
        assert [file.id async for file in sdk.files.list()] == [second.id]
        with pytest.raises(openai.NotFoundError):
            await sdk.files.retrieve(made.id)
    assert made.id not in host.files
    assert {credentials for _, _, credentials in host.asked} == {"Bearer the-operators-own"}
    run, _ = await audited(gateway.shared, raw.headers["x-toolgate-run-id"])
    assert (run.dialect, run.outcome, run.key_id) == ("files/create", "ok", "one")


async def test_what_is_another_keys_is_answered_like_what_never_was_and_not_asked_for(
    gateway: InProcess, host: FileHost
):
    async with gateway.client() as one:
        theirs = (await one.files.create(file=("a", DATA), purpose="user_data")).id
    asked = list(host.asked)
    told: set[str] = set()
    async with gateway.client(OTHER_SECRET) as two:
        assert [file async for file in two.files.list()] == []
        for file_id in (theirs, FOREIGN, "file-never", f"{theirs}/x", "x" * 200):
            for ask in (two.files.retrieve, two.files.content, two.files.delete):
                with pytest.raises(openai.NotFoundError) as caught:
                    await ask(file_id)
                told.add(caught.value.response.text)
    assert len(told) == 1
    assert host.asked == asked
    assert theirs in host.files


async def test_a_request_may_refer_to_the_keys_own_files_alone(gateway: InProcess, host: FileHost):
    async with gateway.client() as one, gateway.client(OTHER_SECRET) as two:
        own = (await one.files.create(file=("a", DATA), purpose="user_data")).id
        asks = [{"role": "user", "content": [{"type": "input_file", "file_id": own}]}]
        request: dict[str, Any] = {"model": "host/gpt", "input": asks, "store": False}
        await one.responses.create(**request)
        assert host.bodies[-1]["input"] == asks
        with pytest.raises(openai.NotFoundError) as caught:
            await two.responses.create(**request)
        assert caught.value.param == "file_id"
        asks[0]["content"] = [{"type": "input_file", "file_id": one_id} for one_id in (own, FOREIGN)]
        with pytest.raises(openai.NotFoundError):
            await one.responses.create(**request)
    assert len(host.bodies) == 1


async def test_files_for_batches_are_refused_by_field(gateway: InProcess, host: FileHost):
    async with gateway.client() as sdk:
        with pytest.raises(openai.BadRequestError) as caught:
            await sdk.files.create(file=("a.jsonl", b"{}"), purpose="batch")
        assert (caught.value.code, caught.value.param) == ("not_supported", "purpose")
        with pytest.raises(openai.APIStatusError) as large:
            await sdk.files.create(file=("a", b"x" * 10_001), purpose="user_data")
        assert large.value.status_code == 413
        with pytest.raises(openai.BadRequestError):
            _ = [file async for file in sdk.files.list(after="file-never")]
    assert host.asked == []


async def test_for_other_keys_there_is_nothing(gateway: InProcess, host: FileHost):
    async with gateway.http(CLOSED) as http:
        for method, path in (("GET", "/v1/files"), ("DELETE", f"/v1/files/{FOREIGN}"), ("POST", "/v1/files")):
            answer = await http.request(method, path)
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_url")
    async with gateway.http("nobody's") as http:
        assert (await http.get("/v1/files")).status_code == 401
    assert host.asked == []


async def test_a_provider_that_does_not_say_what_it_made_is_at_fault(gateway: InProcess, host: FileHost):
    host.says_no_id = True
    async with gateway.client() as sdk:
        with pytest.raises(openai.InternalServerError, match="did not say"):
            await sdk.files.create(file=("a", DATA), purpose="user_data")
        assert [file async for file in sdk.files.list()] == []


async def test_a_client_that_waits_for_a_slow_provider_has_not_left(gateway: InProcess, host: FileHost):
    async with gateway.client() as sdk:
        made = await sdk.files.create(file=("a", DATA), purpose="user_data")
        host.thinks = 0.2  # long enough for the client to be watched
        assert (await sdk.files.content(made.id)).content == DATA


async def test_one_that_the_provider_forgot_can_be_deleted(gateway: InProcess, host: FileHost):
    async with gateway.client() as sdk:
        made = await sdk.files.create(file=("a", DATA), purpose="user_data")
        del host.files[made.id]
        with pytest.raises(openai.NotFoundError, match="No such File"):
            await sdk.files.delete(made.id)
        assert [file async for file in sdk.files.list()] == []

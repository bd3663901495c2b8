"""Images and sound, with the official SDK: for keys that have them, to whoever hosts their model."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from openai import AsyncOpenAI
from openai.types import ImagesResponse

from gateway.providers.scripted.serving import serve_app
from tests.support.gateways import OTHER_SECRET, SECRET, InProcess, audited, gateway_in_process
from tests.support.media import SOUND, MediaHost

pytestmark = pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # some of what the SDK has
NARROW = "narrow-secret-0123456789"
PNG = ("sea.png", b"\x89PNG\r\n\r\n--x\r\n", "image/png")
WAV = ("größe.wav", b"RIFF\0", "audio/wav")


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def host() -> MediaHost:
    return MediaHost()


@pytest.fixture(scope="module")
async def gateway(host: MediaHost) -> AsyncGenerator[InProcess]:
    async with serve_app(host) as origin:
        document = {
            "limits": {"upload_bytes": 100_000},
            "providers": {
                "host": {"dialect": "openai_chat", "base_url": f"{origin}/v1", "api_key": "the-operators-own"},
                "claude": {"dialect": "anthropic_messages", "base_url": f"{origin}/v1", "api_key": "k"},
            },
            "models": {
                "painter": [{"provider": "host", "model": "gpt-image-9"}],
                "opus": [{"provider": "claude", "model": "claude-opus-9"}],
            },
            "keys": {
                "all": {"secret": SECRET, "passthrough": ["images", "audio"]},
                "none": {"secret": OTHER_SECRET},
                "narrow": {"secret": NARROW, "models": ["opus"], "passthrough": "images"},
            },
        }
        with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
            async with gateway_in_process(Path(folder), document, {}) as running:
                yield running


def images(sdk: AsyncOpenAI, model: str) -> list[Callable[[], Awaitable[Any]]]:
    return [
        lambda: sdk.images.generate(model=model, prompt="sea"),
        lambda: sdk.images.edit(model=model, prompt="sea", image=PNG),
        lambda: sdk.images.create_variation(model=model, image=PNG),  # pyright: ignore[reportDeprecated]
    ]


def sounds(sdk: AsyncOpenAI, model: str) -> list[Callable[[], Awaitable[Any]]]:
    return [
        lambda: sdk.audio.speech.create(model=model, voice="alloy", input="sea"),
        lambda: sdk.audio.transcriptions.create(model=model, file=WAV),
        lambda: sdk.audio.translations.create(model=model, file=WAV),
    ]


async def test_every_call_reaches_the_host_by_its_own_name_for_the_model(gateway: InProcess, host: MediaHost):
    begun = len(host.asked)
    async with gateway.client() as sdk:
        for call in (*images(sdk, "painter"), *sounds(sdk, "painter")):
            assert await call()
    asked = host.asked[begun:]
    assert [one.path for one in asked] == [
        "/v1/images/generations",
        "/v1/images/edits",
        "/v1/images/variations",
        "/v1/audio/speech",
        "/v1/audio/transcriptions",
        "/v1/audio/translations",
    ]
    assert {one.fields["model"] for one in asked} == {"gpt-image-9"}
    assert {one.headers["authorization"] for one in asked} == {"Bearer the-operators-own"}
    assert asked[1].fields["image"] == PNG[::2] + PNG[1:2]
    assert asked[4].fields["file"] == WAV[::2] + WAV[1:2]


async def test_an_image_is_told_whole_and_recorded_without_a_cost(gateway: InProcess, host: MediaHost):
    async with gateway.client() as sdk:
        raw = await sdk.images.with_raw_response.generate(model="painter", prompt="sea", n=2)
    assert ImagesResponse.model_validate_json(raw.text).data[0].b64_json == "aGk="  # pyright: ignore[reportOptionalSubscript]
    assert "openai-organization" not in raw.headers
    assert host.asked[-1].fields == {"model": "gpt-image-9", "prompt": "sea", "n": 2}
    run, _ = await audited(gateway.shared, raw.headers["x-toolgate-run-id"])
    assert (run.dialect, run.outcome, run.model, run.usage) == ("images/generations", "ok", "painter", None)


async def test_several_files_and_repeated_fields_arrive_as_they_were(gateway: InProcess, host: MediaHost):
    async with gateway.client() as sdk:
        await sdk.images.edit(model="painter", prompt="größer", image=[PNG, ("b.png", b"two", "image/png")])
        assert (host.asked[-1].fields["prompt"], host.asked[-1].fields["image[]"][2]) == ("größer", b"two")
        text = await sdk.audio.transcriptions.create(model="painter", file=WAV, response_format="srt")
    assert str(text).endswith("ocean\n")


async def test_sound_comes_as_its_bytes_whole_or_streamed(gateway: InProcess):
    async with gateway.client() as sdk:
        whole = await sdk.audio.speech.create(model="painter", voice="alloy", input="sea")
        assert (whole.content, whole.response.headers["content-type"]) == (SOUND, "audio/mpeg")
        asking = sdk.audio.speech.with_streaming_response
        async with asking.create(model="painter", voice="alloy", input="sea") as streamed:
            assert b"".join([chunk async for chunk in streamed.iter_bytes()]) == SOUND


async def test_sound_that_breaks_off_is_seen_to(gateway: InProcess):
    async with gateway.http() as http:
        with pytest.raises(httpx2.RemoteProtocolError):
            await http.post("/v1/audio/speech", json={"model": "painter", "voice": "mute", "input": "sea"})


async def test_images_and_transcripts_are_streamed(gateway: InProcess):
    async with gateway.client() as sdk:
        told = await sdk.images.generate(model="painter", prompt="sea", stream=True)
        assert [event.type async for event in told] == [
            "image_generation.partial_image",
            "image_generation.completed",
        ]
        heard = await sdk.audio.transcriptions.create(model="painter", file=WAV, stream=True)
        assert [event.type async for event in heard] == ["transcript.text.done"]


async def test_a_stream_without_its_end_is_an_error(gateway: InProcess):
    async with gateway.client() as sdk:
        told = await sdk.images.generate(model="painter", prompt="half", stream=True)
        with pytest.raises(openai.APIError, match="ended before"):
            _ = [event async for event in told]


async def test_for_other_keys_there_is_nothing_in_the_same_words(gateway: InProcess, host: MediaHost):
    begun = len(host.asked)
    async with gateway.client(OTHER_SECRET) as sdk:
        for call in (*images(sdk, "painter"), *sounds(sdk, "painter")):
            with pytest.raises(openai.NotFoundError) as caught:
                await call()
            assert caught.value.code == "unknown_url"
    async with gateway.http(OTHER_SECRET) as http:
        closed = (await http.post("/v1/images/edits")).json()["error"]
        absent = (await http.post("/v1/images/edit")).json()["error"]
    assert closed["message"] == absent["message"] + "s"
    assert {**closed, "message": ""} == {**absent, "message": ""}
    async with gateway.client(NARROW) as sdk:
        with pytest.raises(openai.NotFoundError) as caught:
            await sdk.audio.speech.create(model="opus", voice="alloy", input="sea")
        assert caught.value.code == "unknown_url"
    assert len(host.asked) == begun


async def test_models_of_keys_and_what_providers_have_hold_here_too(gateway: InProcess, host: MediaHost):
    begun = len(host.asked)
    async with gateway.client(NARROW) as sdk, gateway.client("nobody's") as nobody:
        for call in images(sdk, "painter"):
            with pytest.raises(openai.NotFoundError) as caught:
                await call()
            assert caught.value.code == "model_not_found"
        with pytest.raises(openai.BadRequestError) as refused:
            await sdk.images.generate(model="opus", prompt="sea")
        assert (refused.value.code, refused.value.param) == ("not_supported", "model")
        with pytest.raises(openai.AuthenticationError):
            await nobody.images.generate(model="painter", prompt="sea")
    assert len(host.asked) == begun


FORM = "multipart/form-data; boundary=x"
MODEL = '--x\r\ncontent-disposition: form-data; name="model"\r\n\r\npainter\r\n'


@pytest.mark.parametrize(
    ("kind", "body", "status", "word"),
    [
        ("application/json", '{"model": "painter"}', 400, "multipart"),
        ("multipart/form-data", MODEL + "--x--\r\n", 400, "boundary"),
        (FORM, "", 400, "whole"),
        (FORM, MODEL, 400, "whole"),
        (FORM, MODEL + MODEL + "--x--\r\n", 400, "model must be one field"),
        (FORM, "--x--\r\n", 400, ""),
        (FORM, '--x\r\ncontent-disposition: form-data; name="prompt"\r\n\r\nsea\r\n--x--\r\n', 400, "model"),
        (FORM, MODEL.replace('"model"', '"model"; filename="a"') + "--x--\r\n", 400, "one field"),
        (FORM, MODEL.replace("form-data", "attachment") + "--x--\r\n", 400, "no name"),
        (
            FORM,
            MODEL.replace("\r\n\r\n", "\r\ncontent-transfer-encoding: base64\r\n\r\n") + "--x--\r\n",
            400,
            "enc",
        ),
        (FORM, "-" * 100_001, 413, "larger than 100000"),
        (FORM, MODEL * 200 + "--x--\r\n", 400, "more than 128 parts"),
    ],
)
async def test_forms_that_cannot_be_read_in_one_way_are_refused(
    gateway: InProcess, host: MediaHost, kind: str, body: str, status: int, word: str
):
    begun = len(host.asked)
    async with gateway.http() as http:
        refused = await http.post("/v1/images/edits", content=body, headers={"content-type": kind})
    assert refused.status_code == status, refused.text
    assert word in refused.json()["error"]["message"]
    assert len(host.asked) == begun

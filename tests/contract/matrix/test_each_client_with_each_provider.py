"""Every vendor's SDK reaches a model behind every dialect: with our tools, its own, pictures, and refusals."""

from __future__ import annotations

import json

import pytest

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from tests.support.covering import COHERE, STREAM, covers
from tests.support.gateways import InProcess

from .clients import ASKS, BASE64, Wanted
from .conftest import MODELS

CLIENTS = pytest.mark.parametrize("client", list(ASKS))
PROVIDERS = pytest.mark.parametrize("provider", list(MODELS))
STREAMS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
THEIR = {name: name for name in ASKS}
BEHIND = {name: name for name in MODELS}
TAKE_FORMS_BESIDE_TOOLS = [name for name in MODELS if name != COHERE]
SUM = Call("demo__calculate", {"expression": "6 * 7"})
QUESTION = Call("ask_user", {"question": "Which?"})


@covers(THEIR, BEHIND, "gateway tools", STREAM)
@STREAMS
@PROVIDERS
@CLIENTS
async def test_our_tools_run_and_one_answer_arrives(
    gateway: InProcess, upstream: ScriptedUpstream, client: str, provider: str, stream: bool
):
    upstream.add(Turn(text="Let me see.", calls=(SUM,)), Turn(text="It is 42."))
    heard = await ASKS[client](gateway, provider, Wanted(), stream)
    assert "".join(heard.text.split()) == "Letmesee.Itis42."  # Responses has an item for each round
    assert heard.calls == []
    assert '"42"' in upstream.requests[1].raw.decode().replace(" ", "")


@covers(THEIR, BEHIND, "own tools", "gateway tools", "mixed turn", STREAM)
@STREAMS
@PROVIDERS
@CLIENTS
async def test_calls_of_the_clients_own_tools_arrive_and_ours_do_not(
    gateway: InProcess, upstream: ScriptedUpstream, client: str, provider: str, stream: bool
):
    upstream.add(Turn(text="Well:", calls=(SUM, QUESTION)))
    heard = await ASKS[client](gateway, provider, Wanted(tool=True), stream)
    assert (heard.text, heard.calls) == ("Well:", ["ask_user"])


@covers(THEIR, BEHIND, "images")
@PROVIDERS
@CLIENTS
async def test_a_picture_arrives_as_it_is(
    gateway: InProcess, upstream: ScriptedUpstream, client: str, provider: str
):
    upstream.add(Turn(text="A picture."))
    assert (await ASKS[client](gateway, provider, Wanted(picture=True), False)).text == "A picture."
    assert BASE64 in upstream.requests[0].raw.decode()


@covers(THEIR, {name: name for name in TAKE_FORMS_BESIDE_TOOLS}, "structured output", STREAM)
@STREAMS
@pytest.mark.parametrize("provider", TAKE_FORMS_BESIDE_TOOLS)
@CLIENTS
async def test_the_form_that_an_answer_is_to_have_reaches_the_provider_and_only_that_answer_leaves(
    gateway: InProcess, upstream: ScriptedUpstream, client: str, provider: str, stream: bool
):
    upstream.add(Turn(text="{thinking", calls=(SUM,)), Turn(text='{"colour": "blue"}'))
    heard = await ASKS[client](gateway, provider, Wanted(form=True), stream)
    assert json.loads(heard.text) == {"colour": "blue"}
    for request in upstream.requests:
        assert "colour" in request.raw.decode()


@covers(THEIR, COHERE, "errors")
@CLIENTS
async def test_a_form_beside_tools_is_refused_by_name_where_the_provider_takes_only_one_of_them(
    gateway: InProcess, upstream: ScriptedUpstream, client: str
):
    with pytest.raises(Exception, match=r"no answers in JSON while it has tools") as refused:
        await ASKS[client](gateway, COHERE, Wanted(form=True), False)
    assert "400" in str(refused.value) or "ValidationException" in str(refused.value)
    assert upstream.requests == []


@covers(THEIR, BEHIND, "errors", STREAM)
@STREAMS
@PROVIDERS
@CLIENTS
async def test_a_providers_refusal_is_the_sdks_own_error_with_the_providers_words(
    gateway: InProcess, upstream: ScriptedUpstream, client: str, provider: str, stream: bool
):
    upstream.add(Turn(status=429, headers={"retry-after": "1"}))
    with pytest.raises(Exception, match=r"the script says 429"):
        await ASKS[client](gateway, provider, Wanted(), stream)
    assert len(upstream.requests) == 1

"""What a client may refer to instead of sending it again: answers that were made for its key, and no others."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from gateway.errors import StoreError
from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from gateway.providers.scripted.responses_wire import proof_of
from tests.support.gateways import OTHER_SECRET, SECRET, InProcess

from .asking import ASK_USER, SUM, accumulated, results_in, said, whole

PLAIN = "plain-secret-0123456789"
SISTER_PLAIN = "plain-sister-secret-0123456789"
FORGETFUL = "forgetful-secret-0123456789"
ASKS = pytest.mark.parametrize("ask", [whole, accumulated])
KEYS = pytest.mark.parametrize("secret", [SECRET, PLAIN], ids=["with tools", "passing through"])
HELLO: Any = "hello"


async def stored(gateway: InProcess, ask: Any, model: str, secret: str, **request: Any) -> Any:
    return await ask(gateway, model, secret, **{"input": HELLO, "store": True, **request})


def texts_in(body: Any) -> list[str]:
    """What was said in a request to a model, in any dialect, without the words of the system."""
    items = body["input"] if "input" in body else body["messages"]
    found: list[str] = []
    for item in items:
        content = item.get("content") or ""
        if isinstance(content, list):
            content = "".join(part.get("text", "") for part in content)
        if content and item.get("role") in ("user", "assistant"):
            found.append(content)
    return found


@ASKS
@KEYS
async def test_what_came_before_a_response_need_not_be_sent_again(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any, secret: str
):
    upstream.add(Turn(text="Hi."), Turn(text="Fine."), Turn(text="Bye."))
    first = await stored(gateway, ask, model, secret)
    second = await stored(gateway, ask, model, secret, input="how are you?", previous_response_id=first.id)
    await stored(gateway, ask, model, secret, input="bye", previous_response_id=second.id)
    body = upstream.requests[2].body
    if secret == PLAIN and model == "gpt":
        assert body["previous_response_id"] == second.id
        assert body["input"] == "bye"
    else:
        assert second.previous_response_id == first.id
        assert "previous_response_id" not in body
        assert texts_in(body) == ["hello", "Hi.", "how are you?", "Fine.", "bye"]


@ASKS
async def test_the_model_knows_what_it_did_in_the_response_that_is_named(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any
):
    upstream.add(Turn(text="Let me look.", calls=(SUM,)), Turn(text="It is 42."), Turn(text="Sure."))
    first = await stored(gateway, ask, model, SECRET, input="how much is it?")
    await stored(gateway, ask, model, SECRET, input="sure?", previous_response_id=first.id)
    assert results_in(upstream.requests[2].body) == ["42"]


@ASKS
@KEYS
async def test_items_can_be_referred_to_in_the_place_of_being_sent(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any, secret: str
):
    """So does Vercel's SDK, with every item of an answer."""
    question = Call("ask_user", {"question": "Which?"})
    upstream.add(Turn(reasoning="Hm.", text="Well.", calls=(question,)), Turn(text="Blue."))
    first = await stored(gateway, ask, model, secret, tools=[ASK_USER])
    items = said(first)
    assert [item["type"] for item in items] == ["reasoning", "message", "function_call"]
    references = [{"type": "item_reference", "id": item["id"]} for item in items]
    result = {"type": "function_call_output", "call_id": items[-1]["call_id"], "output": "blue"}
    history = [{"role": "user", "content": "hello"}, *references, result]
    second = await stored(gateway, ask, model, secret, input=history, tools=[ASK_USER])
    assert second.output_text == "Blue."
    body = upstream.requests[1].body
    if secret == PLAIN and model == "gpt":
        assert body["input"] == history
    else:
        assert "item_reference" not in str(body)
        assert results_in(body) == ["blue"]
        assert texts_in(body)[:2] == ["hello", "Well."]


@ASKS
@KEYS
async def test_a_stored_response_can_be_seen_with_what_was_asked_and_forgotten(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any, secret: str
):
    upstream.add(Turn(text="Hi."))
    asked = [{"role": "user", "content": "one"}, {"role": "user", "content": "two"}]
    answer = await stored(gateway, ask, model, secret, input=asked)
    async with gateway.client(secret) as client:
        seen = await client.responses.retrieve(answer.id)
        assert seen.output_text == "Hi."
        assert [item.id for item in seen.output] == [item.id for item in answer.output]
        listed = await client.responses.input_items.list(answer.id)
        assert [item.content for item in listed.data] == ["two", "one"]
        assert all(item.id for item in listed.data)
        page = await client.responses.input_items.list(answer.id, order="asc", limit=1)
        assert ([item.content for item in page.data], page.has_more) == (["one"], True)
        assert [item.content async for item in page] == ["one", "two"]
        await client.responses.delete(answer.id)
        for gone in (client.responses.retrieve, client.responses.delete, client.responses.input_items.list):
            with pytest.raises(openai.NotFoundError, match=f"Response with id '{answer.id}' not found"):
                await gone(answer.id)


@ASKS
@KEYS
async def test_another_keys_response_is_answered_like_one_that_never_was(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any, secret: str
):
    upstream.add(Turn(reasoning="Hm.", text="Hi."))
    answer = await stored(gateway, ask, model, secret, reasoning={"effort": "low"})
    thought = answer.output[0].id
    tried = [
        lambda client, theirs: client.responses.retrieve(theirs[0]),
        lambda client, theirs: client.responses.delete(theirs[0]),
        lambda client, theirs: client.responses.input_items.list(theirs[0]),
        lambda client, theirs: client.responses.create(model=model, input="x", previous_response_id=theirs[0]),
        lambda client, theirs: client.responses.create(
            model=model, input=[{"type": "item_reference", "id": theirs[1]}]
        ),
        lambda client, theirs: client.responses.create(model=model, input=[{"id": theirs[1]}]),
        lambda client, theirs: client.responses.create(
            model=model, input=[{"type": "reasoning", "id": theirs[1], "summary": []}]
        ),
    ]
    for other in (OTHER_SECRET, SISTER_PLAIN):
        async with gateway.client(other) as client:
            for attempt in tried:
                told: list[tuple[int, Any]] = []
                for theirs in ((answer.id, thought), ("resp_never", "rs_never")):
                    with pytest.raises(openai.APIStatusError) as refused:
                        await attempt(client, theirs)
                    body = str(refused.value.body).replace(theirs[0], "ID").replace(theirs[1], "ID")
                    told.append((refused.value.status_code, body))
                assert told[0] == told[1]
                assert told[0][0] in (400, 404)
    assert len(upstream.requests) == 1


@KEYS
async def test_what_the_client_does_not_want_stored_is_not(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, secret: str
):
    upstream.add(Turn(text="Hi."))
    answer = await stored(gateway, whole, model, secret, store=False)
    async with gateway.client(secret) as client:
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(answer.id)
        with pytest.raises(openai.BadRequestError) as refused:
            await client.responses.create(model=model, input="x", previous_response_id=answer.id)
    assert refused.value.code == "previous_response_not_found"


async def test_for_a_key_that_is_not_remembered_nothing_is_stored_and_the_answer_says_so(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    upstream.add(Turn(text="Hi."))
    answer = await stored(gateway, whole, model, FORGETFUL)
    assert answer.to_dict()["store"] is False
    async with gateway.client(FORGETFUL) as client:
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(answer.id)


async def test_such_a_key_may_refer_to_what_its_provider_has_stored_and_only_there(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(text="Hi."), Turn(text="Fine."))
    none = {"extra_headers": {"x-toolgate-tools": "none"}}
    first = await stored(gateway, whole, "gpt", FORGETFUL, **none)
    await stored(gateway, whole, "gpt", FORGETFUL, previous_response_id=first.id, **none)
    assert upstream.requests[1].body["previous_response_id"] == first.id
    async with gateway.client(FORGETFUL) as client:
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(first.id)
        with pytest.raises(openai.BadRequestError, match="is not kept"):
            await client.responses.create(model="tiny", input="x", previous_response_id=first.id)


async def test_what_one_provider_has_stored_is_said_in_full_to_another(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(text="Hi."), Turn(text="Fine."), Turn(text="Bye."))
    first = await stored(gateway, whole, "gpt", PLAIN)
    second = await stored(gateway, whole, "tiny", PLAIN, input="well?", previous_response_id=first.id)
    await stored(gateway, whole, "gpt", PLAIN, input="bye", previous_response_id=second.id)
    assert texts_in(upstream.requests[1].body) == ["hello", "Hi.", "well?"]
    assert texts_in(upstream.requests[2].body) == ["hello", "Hi.", "well?", "Fine.", "bye"]


async def test_of_a_chain_a_part_of_which_was_deleted_nothing_is_left(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(text="Hi."), Turn(text="Fine."))
    first = await stored(gateway, whole, "tiny", SECRET)
    second = await stored(gateway, whole, "tiny", SECRET, previous_response_id=first.id)
    async with gateway.client() as client:
        await client.responses.delete(first.id)
        with pytest.raises(openai.BadRequestError) as refused:
            await client.responses.create(model="tiny", input="x", previous_response_id=second.id)
    assert refused.value.code == "previous_response_not_found"


@KEYS
async def test_conversations_are_refused_by_name(gateway: InProcess, model: str, secret: str):
    async with gateway.client(secret) as client:
        with pytest.raises(openai.BadRequestError) as refused:
            await client.responses.create(model=model, input="x", conversation="conv_1")
    assert refused.value.param == "conversation"


@pytest.mark.parametrize(
    ("query", "param"),
    [
        *(("?limit=0", "limit"), ("?limit=x", "limit"), ("?order=up", "order"), ("?after=msg_none", "after")),
        ("?" + "a=1&" * 30, "query"),
    ],
)
async def test_a_page_that_there_is_not_is_refused(
    gateway: InProcess, upstream: ScriptedUpstream, query: str, param: str
):
    upstream.add(Turn(text="Hi."))
    answer = await stored(gateway, whole, "tiny", SECRET)
    async with gateway.http() as http:
        refused = await http.get(f"/v1/responses/{answer.id}/input_items{query}")
        streamed = await http.get(f"/v1/responses/{answer.id}?stream=true")
        unknown = await http.post(f"/v1/responses/{answer.id}", json={})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)
    assert streamed.status_code == 400
    assert (unknown.status_code, unknown.headers["allow"]) == (405, "GET, DELETE")


@ASKS
async def test_a_store_that_fails_costs_no_answer_but_answers_that_refer_to_it(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any, monkeypatch: pytest.MonkeyPatch
):
    async def fail(*_: Any, **__: Any) -> None:
        raise StoreError("the disk is full")

    for name in ("put_all", "get"):
        monkeypatch.setattr(gateway.shared.payloads, name, fail)
    upstream.add(Turn(text="Hi."))
    answer = await stored(gateway, ask, model, SECRET)
    assert answer.output_text == "Hi."
    async with gateway.client() as client:
        with pytest.raises(openai.InternalServerError) as refused:
            await client.responses.create(model=model, input="x", previous_response_id=answer.id)
    assert refused.value.status_code == 503


async def test_thoughts_that_prove_themselves_are_no_references(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Hi."))
    thought = {"type": "reasoning", "id": "rs_elsewhere", "summary": [], "encrypted_content": proof_of("Hm.")}
    await stored(gateway, whole, "gpt", PLAIN, input=[thought, {"role": "user", "content": "hi"}])
    assert upstream.requests[0].body["input"][0] == thought


@pytest.mark.parametrize(
    "body",
    [
        '{"model":"gpt","input":"x","previous_response_id":"resp_foreign","previous_response_id":null}',
        '{"model":"gpt","previous_response\\u005fid":"resp_foreign","input":"x","previous_response_id":null}',
        '{"model":"gpt","input":[{"type":"item_reference","id":"rs_foreign"}],"input":"x"}',
        '{"model":"gpt","input":[{"type":"item_reference","id":"rs_foreign","type":"message","role":"user",'
        '"content":"x"}]}',
        '{"model":"gpt","input":"x","conversation":"conv_foreign","conversation":null}',
    ],
)
async def test_a_body_that_can_be_read_in_two_ways_reaches_the_provider_as_it_was_understood(
    gateway: InProcess, upstream: ScriptedUpstream, body: str
):
    upstream.add(Turn(text="Hi."))
    async with gateway.http(PLAIN) as http:
        answer = await http.post("/v1/responses", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200
    sent = upstream.requests[0].raw
    assert b"item_reference" not in sent
    assert b"resp_foreign" not in sent
    assert b"conv_foreign" not in sent


async def test_a_body_without_references_passes_byte_for_byte(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Hi."))
    body = b'{ "model":  "gpt-9", "input": "x",  "store": true }'.replace(b"gpt-9", b"gpt")
    async with gateway.http(PLAIN) as http:
        await http.post("/v1/responses", content=body, headers={"content-type": "application/json"})
    assert upstream.requests[0].raw == body.replace(b'"gpt"', b'"gpt-9"')

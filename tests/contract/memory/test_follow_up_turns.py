"""What was done in a turn is there for the model in the next one, although the client never knew of it."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from gateway.errors import StoreError
from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from gateway.providers.scripted.messages_wire import signature_of
from tests.contract.loop.asking import SUM, TIME
from tests.support.conditions import eventually
from tests.support.gateways import SECRET, InProcess, audited

from .asking import (
    FORGETFUL,
    SISTER,
    ChatClient,
    Client,
    MessagesClient,
    begins_like,
    calls_in,
)

CLIENTS = pytest.mark.parametrize("make", [ChatClient, MessagesClient])
STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
TWO_ROUNDS = (Turn(text="Let me look.", calls=(SUM, TIME)), Turn(reasoning="I see.", text="It is 42."))


@CLIENTS
@STREAMED
async def test_the_second_turn_begins_with_all_that_the_first_one_sent_byte_for_byte(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, make: type[Client], stream: bool
):
    upstream.add(
        Turn(reasoning="First.", text="Let me look.", calls=(SUM, TIME)),
        Turn(calls=(SUM,)),
        Turn(text="It is 42."),
        Turn(text="Sure."),
    )
    client = make(gateway, model, stream=stream)
    assert await client.say("how much?") == "Let me look.\n\nIt is 42."
    assert await client.say("sure?") == "Sure."
    assert begins_like(upstream, 3, 2)
    assert calls_in(upstream.requests[3]) == ["demo__calculate", "demo__current_time", "demo__calculate"]
    *_, answered, question = upstream.requests[3].body["messages"]
    assert "It is 42." in str(answered["content"])
    assert "Let me look" not in str(answered["content"])
    assert "sure?" in str(question["content"])


@CLIENTS
async def test_it_holds_for_every_turn_of_a_long_conversation(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, make: type[Client]
):
    client = make(gateway, model, stream=True)
    for number in range(4):
        upstream.add(Turn(calls=(Call("demo__calculate", {"expression": f"{number} + 1"}),)), Turn(text="Done."))
        assert await client.say("again") == "Done."
        if number:
            assert begins_like(upstream, 2 * number, 2 * number - 1)
    assert len(calls_in(upstream.requests[-1])) == 4


@CLIENTS
async def test_proofs_of_thoughts_are_put_back_with_what_they_prove(
    gateway: InProcess, upstream: ScriptedUpstream, make: type[Client]
):
    upstream.add(
        Turn(reasoning="First.", calls=(SUM,)), Turn(reasoning="Then.", text="It is 42."), Turn(text="Yes.")
    )
    client = make(gateway, "claude", stream=True)
    await client.say("how much?")
    await client.say("sure?")
    _, first, _, second, _ = upstream.requests[2].body["messages"]
    assert first["content"][0]["signature"] == signature_of("First.")
    assert second["content"] == [
        {"type": "thinking", "thinking": "Then.", "signature": signature_of("Then.")},
        {"type": "text", "text": "It is 42."},
    ]


@CLIENTS
@STREAMED
async def test_a_turn_that_the_clients_own_tool_interrupted_is_whole_afterwards(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, make: type[Client], stream: bool
):
    question = Call("ask_user", {"question": "Which?"})
    upstream.add(
        Turn(text="One moment.", calls=(SUM, question)),
        Turn(calls=(TIME,)),
        Turn(text="The blue one."),
        Turn(text="Yes."),
    )
    client = make(gateway, model, stream=stream)
    client.more["tools"] = [client.tool]
    await client.say("choose")
    (call,) = client.calls()
    client.give(call, "blue")
    assert await client.go_on() == "The blue one."
    await client.say("sure?")
    assert begins_like(upstream, 1, 0)
    assert begins_like(upstream, 3, 2)
    assert calls_in(upstream.requests[3]) == ["demo__calculate", "ask_user", "demo__current_time"]


async def test_under_response_format_the_last_text_is_enough_to_know_the_turn_by(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(text="Let me look.", calls=(SUM,)), Turn(text='{"n": 42}'), Turn(text='{"n": 42}'))
    client = ChatClient(gateway, "tiny", stream=False, response_format={"type": "json_object"})
    assert await client.say("how much?") == '{"n": 42}'
    await client.say("sure?")
    assert begins_like(upstream, 2, 1)


def _as_parts(message: dict[str, Any]) -> None:
    message["content"] = [{"type": "text", "text": message["content"]}]


def _trimmed(message: dict[str, Any]) -> None:
    message["content"] = message["content"] + " \n"


@pytest.mark.parametrize("rewrite", [_as_parts, _trimmed])
async def test_what_sdks_change_of_an_answer_is_no_edit(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, rewrite: Any
):
    upstream.add(*TWO_ROUNDS, Turn(text="Sure."))
    client = ChatClient(gateway, model, stream=False)
    await client.say("how much?")
    rewrite(client.history[-1])
    await client.say("sure?")
    assert begins_like(upstream, 2, 1)


@CLIENTS
async def test_an_answer_that_the_client_has_edited_stands_as_the_client_has_it(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, make: type[Client]
):
    upstream.add(*TWO_ROUNDS, Turn(text="Sure."))
    client = make(gateway, model, stream=False)
    await client.say("how much?")
    client.history[-1] = {"role": "assistant", "content": "It is 43."}
    await client.say("sure?")
    assert calls_in(upstream.requests[2]) == []
    assert "It is 43." in str(upstream.requests[2].body["messages"][1]["content"])


@CLIENTS
async def test_another_key_with_the_same_conversation_gets_nothing_of_it(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, make: type[Client]
):
    upstream.add(*TWO_ROUNDS, Turn(text="Sure."))
    client = make(gateway, model, stream=False)
    await client.say("how much?")
    client.secret = SISTER
    await client.say("sure?")
    assert calls_in(upstream.requests[2]) == []


async def test_two_keys_in_the_same_conversation_have_each_their_own_part(
    gateway: InProcess, upstream: ScriptedUpstream
):
    clients = [ChatClient(gateway, "tiny", stream=False, secret=secret) for secret in (SECRET, SISTER)]
    for client, identity in zip(clients, ("ours", "theirs"), strict=True):
        call = Call("demo__calculate", {"expression": "6 * 7"}, id=identity)
        upstream.add(Turn(calls=(call,)), Turn(text="42."))
        await client.say("how much?")
    for client, identity in zip(clients, ("ours", "theirs"), strict=True):
        upstream.add(Turn(text="Sure."))
        await client.say("sure?")
        assert upstream.requests[-1].body["messages"][1]["tool_calls"][0]["id"] == identity


@CLIENTS
async def test_nothing_is_kept_or_put_back_for_a_key_that_is_not_remembered(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, make: type[Client]
):
    upstream.add(*TWO_ROUNDS, Turn(text="Sure."))
    client = make(gateway, model, stream=False, secret=FORGETFUL)
    await client.say("how much, then?")
    await client.say("sure?")
    assert calls_in(upstream.requests[2]) == []


async def test_going_back_and_asking_again_brings_back_what_the_chosen_answer_stands_on(
    gateway: InProcess, upstream: ScriptedUpstream
):
    client = ChatClient(gateway, "tiny", stream=False)
    answers: list[Any] = []
    for text, identity in (("Red.", "first"), ("Blue.", "second")):
        call = Call("demo__calculate", {"expression": "6 * 7"}, id=identity)
        upstream.add(Turn(calls=(call,)), Turn(text=text))
        client.history.clear()
        await client.say("which colour?")
        answers.append(client.history[-1])
    for answer, identity in zip(answers, ("first", "second"), strict=True):
        upstream.add(Turn(text="Sure."))
        client.history[:] = [{"role": "user", "content": "which colour?"}, answer]
        await client.say("sure?")
        assert upstream.requests[-1].body["messages"][1]["tool_calls"][0]["id"] == identity


async def test_conversations_at_the_same_time_do_not_mix(gateway: InProcess, upstream: ScriptedUpstream):
    clients = [ChatClient(gateway, "tiny", stream=True) for _ in range(8)]
    for number, client in enumerate(clients):
        upstream.add(
            Turn(calls=(Call("demo__calculate", {"expression": f"{number}"}),)), Turn(text=f"It is {number}.")
        )
        await client.say(f"what is {number}?")
    upstream.add(*(Turn(text="Sure."),) * len(clients))
    async with anyio.create_task_group() as group:
        for client in clients:
            group.start_soon(client.say, "sure?")
    for request in upstream.requests[-len(clients) :]:
        (asked, called, result, answered, _) = request.body["messages"]
        number = asked["content"].removeprefix("what is ").removesuffix("?")
        assert called["tool_calls"][0]["function"]["arguments"] == f'{{"expression": "{number}"}}'
        assert (result["content"], answered["content"]) == (number, f"It is {number}.")


async def test_what_was_done_is_put_back_where_tools_are_left_out_of_the_next_request(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    """Its calls are declared all the same, for some providers insist on that, and none may be made."""
    upstream.add(*TWO_ROUNDS, Turn(text="Sure."))
    client = ChatClient(gateway, model, stream=False)
    await client.say("how much?")
    client.more["extra_headers"] = {"x-toolgate-tools": "none"}
    await client.say("sure?")
    assert begins_like(upstream, 2, 1)
    body = upstream.requests[2].body
    assert {tool.get("name") or tool["function"]["name"] for tool in body["tools"]} == {
        "demo__calculate",
        "demo__current_time",
    }
    assert body["tool_choice"] in ("none", {"type": "none"})


async def test_a_conversation_of_which_nothing_was_kept_passes_through_as_bytes(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(text="Sure."))
    said = '{"role":  "user", "content": "hi"}, {"role": "assistant", "content":  "Hi."}'
    body = f'{{ "messages": [{said}],  "model":"tiny" }}'
    async with gateway.http() as http:
        headers = {"content-type": "application/json", "x-toolgate-tools": "none"}
        answer = await http.post("/v1/chat/completions", content=body, headers=headers)
    assert answer.status_code == 200
    assert upstream.requests[0].raw == body.encode()


async def broken_off(gateway: InProcess, upstream: ScriptedUpstream, question: str, *, has: str) -> str:
    """The text that a client has who stops reading once it has this much, when the run is over.

    It leaves when the model has been asked all that the script holds: else it could be gone before the tools ran.
    """
    async with gateway.client() as openai:
        asked = openai.chat.completions.with_streaming_response.create(
            model="tiny", messages=[{"role": "user", "content": question}], stream=True
        )
        async with asked as answer:
            run_id = answer.headers["x-toolgate-run-id"]
            stream = await answer.parse()
            text = ""
            async for chunk in stream:
                text += chunk.choices[0].delta.content or "" if chunk.choices else ""
                if text.startswith(has):
                    await eventually(lambda: upstream.is_over)
                    break
    await audited(gateway.shared, run_id)
    return text


async def gone_on_with(gateway: InProcess, upstream: ScriptedUpstream, question: str, text: str) -> list[Any]:
    """The messages that the model is sent when the client goes on."""
    upstream.add(Turn(text="Sure."))
    client = ChatClient(gateway, "tiny", stream=False)
    client.history += [{"role": "user", "content": question}, {"role": "assistant", "content": text}]
    assert await client.say("go on") == "Sure."
    return upstream.requests[-1].body["messages"]


@pytest.mark.parametrize("has", ["Let me look.\n\nI", "Let me look."])
async def test_what_was_done_before_the_client_broke_the_stream_off_is_known_in_the_next_turn(
    gateway: InProcess, upstream: ScriptedUpstream, has: str
):
    """Else the model would do it again."""
    question = f"broken off after {has}?"
    upstream.add(Turn(text="Let me look.", calls=(SUM,)), Turn(text="It is 42, I say.", stall_after=3))
    text = await broken_off(gateway, upstream, question, has=has)
    sent = await gone_on_with(gateway, upstream, question, text)
    assert (sent[1]["content"], sent[2]["content"]) == ("Let me look.", "42")
    rest = text.removeprefix("Let me look.").strip()
    assert [message["content"] for message in sent[3:]] == [*([rest] if rest else []), "go on"]


async def test_an_answer_that_begins_otherwise_than_the_broken_one_is_another_answer(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(text="Let me look.", calls=(SUM,)), Turn(text="It is 42, I say.", stall_after=3))
    await broken_off(gateway, upstream, "broken off again?", has="Let me look.\n\nI")
    sent = await gone_on_with(gateway, upstream, "broken off again?", "Let me think.")
    assert [message["content"] for message in sent] == ["broken off again?", "Let me think.", "go on"]


async def test_a_store_that_fails_costs_no_answer(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, monkeypatch: pytest.MonkeyPatch
):
    async def fail(*_: Any, **__: Any) -> None:
        raise StoreError("the disk is full")

    for name in ("put", "find"):
        monkeypatch.setattr(gateway.shared.payloads, name, fail)
    upstream.add(*TWO_ROUNDS, Turn(text="Sure."))
    client = MessagesClient(gateway, model, stream=True)
    assert await client.say("how much does it fail?") == "Let me look.\n\nIt is 42."
    assert await client.say("sure?") == "Sure."
    assert calls_in(upstream.requests[2]) == []

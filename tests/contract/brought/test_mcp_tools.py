"""Tools of type `mcp` on Responses, with OpenAI's SDK and its types: our own servers are ours to call."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from tests.contract.loop import asking as chat
from tests.contract.responses.asking import HELLO, accumulated, results_in, said, streamed, whole
from tests.support.gateways import SECRET, InProcess

from .conftest import ASKING, BOTH

TIME = Call("demo__current_time", {"timezone": "Asia/Tokyo"})
SUM = Call("demo__calculate", {"expression": "6 * 7"})
ASKS = pytest.mark.parametrize("ask", [whole, accumulated])


def mcp(label: str = "demo", url: str = "toolgate/demo", **more: Any) -> dict[str, Any]:
    return {"type": "mcp", "server_label": label, "server_url": url, "require_approval": "never", **more}


def offered(upstream: ScriptedUpstream) -> set[str]:
    tools = upstream.requests[0].body.get("tools", [])
    return {tool["name"] if "name" in tool else tool["function"]["name"] for tool in tools}


@ASKS
async def test_the_listing_and_the_calls_are_items_in_their_places(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any
):
    upstream.add(Turn(text="Let me count.", calls=(SUM,)), Turn(text="It is 42."))
    answer = await ask(gateway, model, ASKING, tools=[mcp()])
    assert [item.type for item in answer.output] == ["mcp_list_tools", "message", "mcp_call", "message"]
    listing, _, call, last = answer.output
    assert listing.server_label == "demo"
    assert {"calculate", "current_time"} <= {tool.name for tool in listing.tools}
    assert (call.name, call.server_label, call.output, call.error) == ("calculate", "demo", "42", None)
    assert call.status == "completed"
    assert "6 * 7" in call.arguments
    assert last.content[0].text == "It is 42."


async def test_a_stream_tells_of_each_step(gateway: InProcess, upstream: ScriptedUpstream, model: str):
    upstream.add(Turn(calls=(SUM, Call("demo__fail", {"message": "on purpose"}))), Turn(text="Done."))
    events = await streamed(gateway, model, ASKING, tools=[mcp()])
    kinds = [event.type.removeprefix("response.") for event in events]
    listed = kinds.index("mcp_list_tools.in_progress")
    assert kinds[listed - 1 : listed + 3] == [
        "output_item.added",
        "mcp_list_tools.in_progress",
        "mcp_list_tools.completed",
        "output_item.done",
    ]
    counted = {kind: kinds.count(kind) for kind in kinds if kind.startswith("mcp_call")}
    assert counted == {
        "mcp_call.in_progress": 2,
        "mcp_call_arguments.delta": 2,
        "mcp_call_arguments.done": 2,
        "mcp_call.completed": 1,
        "mcp_call.failed": 1,
    }
    assert [event.sequence_number for event in events] == list(range(len(events)))
    calls = [item for item in events[-1].response.output if item.type == "mcp_call"]
    failed = next(item for item in calls if item.error is not None)
    assert "on purpose" in str(failed.error)
    assert failed.output is None


@ASKS
async def test_what_the_client_sends_back_is_put_to_the_model_as_its_own_calls(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any
):
    upstream.add(Turn(calls=(SUM,)), Turn(text="It is 42."), Turn(text="As I said."))
    answer = await ask(gateway, model, ASKING, tools=[mcp()])
    history = [*HELLO, *said(answer), {"role": "user", "content": "sure?"}]
    again = await ask(gateway, model, ASKING, tools=[mcp()], input=history)
    assert again.output_text == "As I said."
    assert results_in(upstream.requests[2].body) == ["42"]
    assert "mcp_" not in upstream.requests[2].raw.decode()


@pytest.mark.parametrize(
    "narrowing", [["calculate"], {"tool_names": ["calculate"]}, {"tool_names": ["calculate"], "read_only": True}]
)
@pytest.mark.parametrize("secret", [ASKING, SECRET])
async def test_allowed_tools_narrow(gateway: InProcess, upstream: ScriptedUpstream, narrowing: Any, secret: str):
    upstream.add(Turn(text="Hi."))
    await whole(gateway, "tiny", secret, tools=[mcp(allowed_tools=narrowing)])
    assert offered(upstream) == {"demo__calculate"}


async def test_tools_that_write_can_be_left_out(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Hi."))
    await whole(gateway, "tiny", ASKING, tools=[mcp(allowed_tools={"read_only": True})])
    assert "demo__calculate" in offered(upstream)
    assert "demo__write_note" not in offered(upstream)


@pytest.mark.parametrize(
    "approval",
    [
        "always",
        {"always": {"tool_names": ["calculate"]}},
        {"never": {"tool_names": ["current_time"]}},
        {"never": {"read_only": False}},
        {"always": {"tool_names": ["calculate"]}, "never": {"tool_names": ["calculate"]}},
    ],
)
async def test_approvals_are_refused_by_name(gateway: InProcess, upstream: ScriptedUpstream, approval: Any):
    with pytest.raises(openai.BadRequestError) as caught:
        await whole(gateway, "tiny", ASKING, tools=[mcp(allowed_tools=["calculate"], require_approval=approval)])
    assert caught.value.param == "tools[0].require_approval"
    assert upstream.requests == []


async def test_tools_that_need_no_approval_by_name_are_attached(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Hi."))
    approval = {"never": {"tool_names": ["calculate"]}}
    await whole(gateway, "tiny", ASKING, tools=[mcp(allowed_tools=["calculate"], require_approval=approval)])
    assert offered(upstream) == {"demo__calculate"}


async def test_an_approval_of_a_tool_that_is_not_attached_changes_nothing(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(text="Hi."))
    approval = {"always": {"tool_names": ["write_note"]}}
    await whole(gateway, "tiny", ASKING, tools=[mcp(allowed_tools=["calculate"], require_approval=approval)])
    assert offered(upstream) == {"demo__calculate"}


async def test_never_grants_nothing(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Hi."))
    await whole(gateway, "tiny", BOTH, tools=[mcp("second", "toolgate/second")])
    assert "second__write_note" not in offered(upstream)
    with pytest.raises(openai.BadRequestError):
        await whole(gateway, "tiny", ASKING, tools=[mcp("second", "toolgate/second")])


async def test_a_foreign_server_is_the_policys(gateway: InProcess, upstream: ScriptedUpstream):
    with pytest.raises(openai.PermissionDeniedError, match="provider/mcp"):
        await whole(gateway, "tiny", ASKING, tools=[mcp("x", "https://elsewhere.example/mcp")])
    assert upstream.requests == []


async def test_credentials_go_nowhere(
    gateway: InProcess, upstream: ScriptedUpstream, caplog: pytest.LogCaptureFixture
):
    upstream.add(Turn(calls=(SUM,)), Turn(text="42."))
    tool = mcp(authorization="very-secret-token", headers={"x-token": "very-secret-token"})
    answer = await whole(gateway, "tiny", ASKING, tools=[tool])
    assert all(b"very-secret-token" not in request.raw for request in upstream.requests)
    assert all("very-secret-token" not in str(item) for item in answer.output)
    assert "very-secret-token" not in caplog.text


async def test_on_chat_the_tools_are_attached_and_their_calls_stay_inside(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(calls=(SUM,)), Turn(text="It is 42."))
    answer = await chat.whole(gateway, ASKING, extra_body={"tools": [mcp(url="litellm_proxy")]})
    assert answer.choices[0].message.content == "It is 42."
    assert answer.choices[0].message.tool_calls is None
    assert "mcp" not in str(upstream.requests[0].body["tools"])

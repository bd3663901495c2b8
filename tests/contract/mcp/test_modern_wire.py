"""2026-07-28 as it stands on the wire: what is checked, in which words, and with which status."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.support.gateways import OTHER_SECRET, InProcess

from .conftest import DOCUMENT
from .raw import META, MODERN, Wire, error_of, message, modern_headers

CALL = {"name": "demo__calculate", "arguments": {"expression": "6*7"}}


async def test_a_call_without_progress_is_answered_with_json(wire: Wire):
    answer = await wire.ask("tools/call", CALL)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "jsonrpc": "2.0",
        "id": 1,
        "result": {
            "resultType": "complete",
            "content": [{"type": "text", "text": "42"}],
            "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "toolgate", "version": "0.1.0"}},
        },
    }


async def test_discovery_names_the_version_and_lists_may_not_be_shared(wire: Wire):
    about = (await wire.ask("server/discover")).json()["result"]
    assert about["supportedVersions"] == [MODERN]
    assert about["capabilities"]["tools"] == {"listChanged": True}
    for result in (about, (await wire.ask("tools/list")).json()["result"]):
        assert result["cacheScope"] == "private"
        assert result["ttlMs"] > 0
        assert result["resultType"] == "complete"


async def test_what_is_discovered_does_not_depend_on_what_a_key_may_see(wire: Wire):
    body = message("server/discover", {"_meta": META})
    headers = modern_headers("server/discover", {})
    answers = [await wire.send(body, headers, secret=secret) for secret in (None, OTHER_SECRET)]
    assert answers[0].status_code == 401
    assert answers[1].json() == (await wire.ask("server/discover")).json()


@pytest.mark.parametrize("lacking", ["protocolVersion", "clientCapabilities"])
async def test_an_envelope_with_something_missing_is_refused(wire: Wire, lacking: str):
    meta = {key: value for key, value in META.items() if not key.endswith(lacking)}
    assert error_of(await wire.ask("tools/list", {"_meta": meta})) == (400, -32602, 1)


async def test_an_envelope_is_needed(wire: Wire):
    answer = await wire.send(message("tools/list", {}), modern_headers("tools/list", {}))
    assert error_of(answer) == (400, -32602, 1)


async def test_who_the_client_is_need_not_be_said(wire: Wire):
    meta = {key: value for key, value in META.items() if not key.endswith("clientInfo")}
    assert (await wire.ask("tools/list", {"_meta": meta})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"mcp_method": "tools/list"},
        {"mcp_method": ""},
        {"mcp_name": "demo__slow"},
        {"mcp_name": ""},
        {"mcp_name": "=?base64?%%%?="},
        {"mcp_protocol_version": ""},
        {"mcp_protocol_version": "2099-01-01"},
    ],
)
async def test_headers_that_say_something_else_than_the_message_are_refused(wire: Wire, headers: dict[str, str]):
    assert error_of(await wire.ask("tools/call", CALL, **headers)) == (400, -32020, 1)


async def test_a_name_in_a_header_may_be_encoded(wire: Wire):
    name = f"=?base64?{base64.b64encode(b'demo__calculate').decode()}?="
    assert (await wire.ask("tools/call", CALL, mcp_name=name)).status_code == 200


async def test_a_header_that_is_there_twice_is_refused(wire: Wire, gateway: InProcess):
    body = json.dumps(message("tools/call", {"_meta": META, **CALL})).encode()
    pairs = [
        *modern_headers("tools/call", CALL).items(),
        ("mcp-name", "demo__calculate"),
        *{"content-type": "application/json", "authorization": "Bearer test-secret-0123456789"}.items(),
    ]
    async with gateway.http() as http:
        answer = await http.request("POST", "/mcp", content=body, headers=pairs)
    assert error_of(answer) == (400, -32020, 1)


async def test_a_version_that_nobody_speaks_is_told_what_is(wire: Wire):
    meta = {**META, "io.modelcontextprotocol/protocolVersion": "v999"}
    answer = await wire.ask("server/discover", {"_meta": meta}, mcp_protocol_version="v999")
    assert error_of(answer) == (400, -32022, 1)
    assert answer.json()["error"]["data"] == {"supported": [MODERN], "requested": "v999"}


@pytest.mark.parametrize(
    "method",
    ["initialize", "ping", "logging/setLevel", "resources/subscribe", "tasks/list", "no/such", "__init__"],
)
async def test_methods_that_this_era_does_not_have_are_not_found(wire: Wire, method: str):
    assert error_of(await wire.ask(method)) == (404, -32601, 1)


async def test_a_notification_is_taken_and_a_version_that_is_not_ours_refused(wire: Wire):
    note = message("notifications/cancelled", {"requestId": 1}, id=None)
    assert (await wire.send(note, {"mcp-protocol-version": MODERN})).status_code == 202
    assert error_of(await wire.send(note, {"mcp-protocol-version": "v9"})) == (400, -32022, None)


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "OPTIONS", "PATCH"])
async def test_only_posts_are_answered(wire: Wire, method: str):
    answer = await wire.send(None, {"mcp-protocol-version": MODERN}, method=method)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, -32700),
        (b"{", 400, -32700),
        (b"\xff\xfe", 400, -32700),
        (b'{"id":' + b"9" * 400 + b"}", 400, -32700),
        (b"[" * 5000, 400, -32700),
        (b"null", 400, -32600),
        (b"[]", 400, -32600),
        (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', 400, -32600),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', 400, -32600),
        (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', 400, -32600),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', 400, -32600),
        (b'{"jsonrpc":"2.0","id":{},"method":"ping"}', 400, -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', 400, -32600),
        (b'{"jsonrpc":"2.0","id":1}', 400, -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', 400, -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":""}', 400, -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', 400, -32602),
        (b'{"jsonrpc":"2.0","id":1,"result":{}}', 400, -32600),
    ],
)
async def test_a_body_that_is_no_message_is_refused(wire: Wire, body: bytes, status: int, code: int):
    answer = await wire.send(body, {"mcp-protocol-version": MODERN, "mcp-method": "ping"})
    assert error_of(answer)[:2] == (status, code)


@pytest.mark.parametrize(
    "params",
    [
        {"name": 7},
        {},
        {"name": "demo__calculate", "arguments": []},
        {"name": "demo__calculate", "arguments": "x"},
        {"name": None},
    ],
)
async def test_a_call_that_makes_no_sense_is_refused(wire: Wire, params: dict[str, Any]):
    headers = {"mcp-protocol-version": MODERN, "mcp-method": "tools/call"}
    if isinstance(params.get("name"), str):
        headers["mcp-name"] = params["name"]
    answer = await wire.send(message("tools/call", {"_meta": META, **params}), headers)
    status, code, _ = error_of(answer)
    assert status == 400
    assert code in (-32602, -32020)


async def test_a_cursor_was_never_given_out(wire: Wire):
    assert error_of(await wire.ask("tools/list", {"cursor": "x"})) == (400, -32602, 1)


async def test_a_body_that_is_too_large_is_refused(wire: Wire):
    assert error_of(await wire.send(b" " * (5 * 1024 * 1024)))[0] == 413


async def test_forms_that_are_not_ours_are_refused(wire: Wire):
    body = message("server/discover", {"_meta": META})
    headers = modern_headers("server/discover", {})
    assert error_of(await wire.send(body, {**headers, "content-type": "text/plain"}))[0] == 415
    assert error_of(await wire.send(body, {**headers, "accept": "text/html"}))[0] == 406
    assert (await wire.send(body, {**headers, "accept": "*/*"})).status_code == 200
    listen = message("subscriptions/listen", {"_meta": META, "notifications": {}})
    only_json = {**modern_headers("subscriptions/listen", {}), "accept": "application/json"}
    assert error_of(await wire.send(listen, only_json))[0] == 406


@pytest.mark.parametrize("secret", [None, "wrong", "sk-ü"])
async def test_without_a_key_nothing_is_told(wire: Wire, secret: str | None):
    answer = await wire.send(b"not even JSON", secret=secret and secret.encode("ascii", "replace").decode())
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert error_of(answer)[1] == -31401


async def test_a_key_can_be_sent_as_elsewhere(wire: Wire):
    body = message("server/discover", {"_meta": META})
    headers = {**modern_headers("server/discover", {}), "x-api-key": OTHER_SECRET}
    assert (await wire.send(body, headers, secret=None)).status_code == 200


@pytest.mark.parametrize("host", ["evil.example.com", "localhost.evil.com", "127.0.0.1.evil.com:8484", "10.0.0.7"])
async def test_a_host_by_another_name_is_refused_before_anything_else(wire: Wire, host: str):
    for secret in (None, "wrong"):
        answer = await wire.send(b"{", {"host": host}, secret=secret)
        assert error_of(answer) == (421, -31421, None)
        assert host not in answer.text


@pytest.mark.parametrize(
    "origin", ["https://evil.example.com", "null", "http://localhost.evil.com", "file://", "x"]
)
async def test_pages_of_others_are_refused(wire: Wire, origin: str):
    answer = await wire.send(b"{", {"origin": origin})
    assert error_of(answer) == (403, -31403, None)


async def test_pages_that_may_ask_may_read_the_answer(wire: Wire):
    page = {"origin": "http://localhost:6274"}
    wanted = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,mcp-param-x",
    }
    asked = await wire.send(None, {**page, **wanted}, method="OPTIONS", secret=None)
    assert (asked.status_code, asked.content) == (200, b"")
    assert asked.headers["access-control-allow-origin"] == page["origin"]
    assert asked.headers["access-control-allow-headers"] == wanted["access-control-request-headers"]
    assert "POST" in asked.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in asked.headers
    for answer in (await wire.ask("tools/list", **page), await wire.send(b"", page, secret=None)):
        assert answer.headers["access-control-allow-origin"] == page["origin"]
        assert "mcp-session-id" in answer.headers["access-control-expose-headers"]
    assert not any(name.startswith("access-control") for name in (await wire.ask("tools/list")).headers)


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
async def test_pages_of_others_are_told_nothing_of_what_they_may(wire: Wire, origin: str):
    page = {"origin": origin, "access-control-request-method": "POST"}
    for method in ("OPTIONS", "POST"):
        answer = await wire.send(b"", page, method=method)
        assert answer.status_code == 403
        assert not any(name.startswith("access-control") for name in answer.headers)


async def test_pages_of_this_machine_are_let_in(wire: Wire):
    body = message("server/discover", {"_meta": META})
    headers = {**modern_headers("server/discover", {}), "origin": "http://localhost:3000"}
    assert (await wire.send(body, headers)).status_code == 200


async def test_servers_that_are_hidden_disabled_or_missing_answer_alike(gateway: InProcess):
    body = message("server/discover", {"_meta": META})
    async with gateway.http(OTHER_SECRET) as http:
        answers = [
            await http.post(f"/mcp/{server}", json=body, headers=modern_headers("server/discover", {}))
            for server in ("down", "off", "none", "a/b", "%00")
        ]
        seen = await http.post("/mcp/demo", json=body, headers=modern_headers("server/discover", {}))
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, answers[0].content)}
    assert "down" in DOCUMENT["mcpServers"]
    assert seen.status_code == 200


async def test_a_request_can_narrow_what_it_sees(wire: Wire):
    answer = await wire.ask("tools/list", x_toolgate_tools="demo/calculate")
    assert [tool["name"] for tool in answer.json()["result"]["tools"]] == ["demo__calculate"]
    answer = await wire.ask("tools/call", {"name": "demo__list_notes"}, x_toolgate_tools="demo/calculate")
    assert error_of(answer) == (400, -32602, 1)


async def test_a_key_without_tools_has_none(wire: Wire):
    body = message("tools/list", {"_meta": META})
    answer = await wire.send(body, modern_headers("tools/list", {}), secret="nobody-secret-0123456789")
    assert answer.json()["result"]["tools"] == []


async def test_progress_is_an_event_stream_that_ends_with_the_result(wire: Wire):
    meta = {**META, "progressToken": "p1"}
    answer = await wire.ask(
        "tools/call", {"_meta": meta, "name": "demo__slow", "arguments": {"seconds": 0.2, "steps": 2}}
    )
    assert answer.headers["content-type"] == "text/event-stream"
    said = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert [one.get("method") for one in said] == ["notifications/progress"] * 2 + [None]
    assert {one["params"]["progressToken"] for one in said[:2]} == {"p1"}
    assert said[2]["result"]["content"][0]["text"] == "took 0.2 s"


async def test_who_takes_no_events_gets_the_result_without_progress(wire: Wire):
    params = {
        "_meta": {**META, "progressToken": 1},
        "name": "demo__slow",
        "arguments": {"seconds": 0.2, "steps": 2},
    }
    answer = await wire.ask("tools/call", params, accept="application/json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["result"]["content"][0]["text"] == "took 0.2 s"


async def test_calls_are_in_the_trail_and_counted_as_coming_from_here(wire: Wire, gateway: InProcess):
    run_id = (await wire.ask("tools/call", CALL)).headers["x-toolgate-run-id"]
    await gateway.shared.audit.flush()
    found = await gateway.shared.audit.run(run_id)
    assert found is not None
    run, calls = found
    assert (run.dialect, run.outcome, run.calls) == ("mcp", "ok", 1)
    assert [(call.requested, call.server, call.tool, call.outcome) for call in calls] == [
        ("demo__calculate", "demo", "calculate", "ok")
    ]
    text = gateway.gateway.metrics.exposition({}, ()).decode()
    assert 'outcome="ok",server="demo",surface="mcp",verdict="allow"' in text
    assert 'toolgate_requests_total{route="/mcp",status="200"}' in text

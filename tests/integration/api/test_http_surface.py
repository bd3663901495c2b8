"""The surface as a whole: every path with every method, over real HTTP."""

from __future__ import annotations

import socket

import anyio
import httpx2
import pytest

from tests.support.gateways import OTHER_SECRET, InProcess

TOKEN = {"authorization": "Bearer operator-token-0123456789"}
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer test-secret-0123456789\r\n"
PROXIED = {"x-forwarded-for": "127.0.0.1"}
PATHS = [
    "/v1/chat/completions",
    "/v1/models",
    "/v1/servers",
    "/v1/tools",
    "/healthz",
    "/readyz",
    "/metrics",
    "/v1/tools/demo/calculate",
]


async def raw(gateway: InProcess, request: bytes) -> bytes:
    """Send bytes as they are; everything that comes back until the server closes."""
    host, port = gateway.origin.removeprefix("http://").split(":")
    async with await anyio.connect_tcp(host, int(port)) as stream:
        await stream.send(request)
        answer = b""
        with anyio.fail_after(60):
            try:
                while True:
                    answer += await stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return answer


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "BREW"])
async def test_a_method_that_a_path_does_not_take_is_an_openai_error(gateway: InProcess, path: str, method: str):
    async with gateway.http() as http:
        answer = await http.request(method, path)
    if method == "BREW" and answer.status_code == 400:
        return  # the server knows no such method
    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "method_not_allowed"
    assert answer.headers["allow"] in ("POST", "GET, HEAD")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/v1/models", "/v1/servers", "/v1/tools"])
async def test_head_is_get_without_the_body(gateway: InProcess, path: str):
    async with gateway.http() as http:
        whole, head = await http.get(path), await http.head(path)
    assert head.status_code == whole.status_code
    assert head.content == b""
    assert head.headers["content-type"] == whole.headers["content-type"]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/",
        "/v2/models",
        "/docs",
        "/openapi.json",
        "/redoc",
        "/v1/chat/completions/",
        "/v1/models/",
        "//v1/models",
        "/v1/%6Dodelz/x",
        "/V1/models",
    ],
)
async def test_an_unknown_path_is_an_openai_error(gateway: InProcess, path: str):
    async with gateway.http() as http:
        answer = await http.get(httpx2.URL(gateway.origin + path))
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_url")


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("/chat/completions", "/v1/chat/completions"),
        ("/v1/v1/messages", "/v1/messages"),
        ("/v1/v2/chat", "/v2/chat"),
        ("/v1/v1beta/models/m:generateContent", "/v1beta/models/m:generateContent"),
        ("/v1/model/m/converse", "/model/m/converse"),
    ],
)
async def test_a_client_with_a_wrong_base_url_is_told_so(gateway: InProcess, asked: str, meant: str):
    async with gateway.http() as http:
        answer = await http.post(asked, json={})
    assert answer.status_code == 404
    assert f"did you mean {meant}? Then mend the client's base URL" in answer.text


async def test_a_path_is_shown_escaped_and_cut(gateway: InProcess):
    async with gateway.http() as http:
        answer = await http.get("/%1b%5b31m" + "x" * 5000)
    message = answer.json()["error"]["message"]
    assert "\x1b" not in message
    assert len(message) < 300


async def test_probes_say_little_to_everybody(gateway: InProcess):
    async with gateway.http(None) as http:
        alive = await http.get("/healthz", headers=PROXIED)
        ready = await http.get("/readyz", headers=PROXIED)
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})


@pytest.mark.parametrize("path", ["/metrics", "/readyz?verbose", "/readyz?verbose=1", "/readyz?a=b&verbose"])
async def test_what_concerns_all_is_for_operators_alone(gateway: InProcess, path: str):
    async with gateway.http(None) as http:
        local = await http.get(path)
        proxied = await http.get(path, headers=PROXIED)
        with_key = await http.get(path, headers={**PROXIED, "authorization": f"Bearer {OTHER_SECRET}"})
        with_token = await http.get(path, headers={**PROXIED, **TOKEN})
        rebound = await http.get(path, headers={"host": "evil.example"})
    statuses = [answer.status_code for answer in (local, proxied, with_key, with_token, rebound)]
    assert statuses == [200, 401, 401, 200, 401]
    assert b"dead" not in proxied.content + with_key.content + rebound.content


async def test_the_verbose_report_says_why_a_server_is_down(gateway: InProcess):
    async with gateway.http(None) as http:
        servers = {one["name"]: one for one in (await http.get("/readyz?verbose")).json()["servers"]}
    assert (servers["demo"]["state"], servers["dead"]["state"]) == ("ready", "down")
    assert servers["demo"]["tools"] > 0
    assert servers["dead"]["error"]


async def test_metrics_count_routes_and_never_paths(gateway: InProcess):
    async with gateway.http() as http:
        await http.post("/v1/tools/demo/calculate", json={"arguments": {"expression": "1 + 1"}})
        text = (await http.get("/metrics")).text
    assert 'route="/v1/tools/{name:path}",status="200"' in text
    assert "calculate" not in text
    assert 'toolgate_tool_servers{server="dead",state="down"} 1.0' in text
    assert 'toolgate_tool_servers{server="dead",state="ready"} 0.0' in text


async def test_models_are_those_of_the_key(gateway: InProcess):
    async with gateway.http() as http, gateway.http(OTHER_SECRET) as other:
        mine, theirs = (await http.get("/v1/models")).json(), (await other.get("/v1/models")).json()
    assert [model["id"] for model in mine["data"]] == [
        "fast",
        "tiny",
        "strict",
        "picky400",
        "picky422",
    ]
    assert [model["id"] for model in theirs["data"]] == ["tiny"]
    assert mine["object"] == "list"
    assert {name: type(value) for name, value in mine["data"][0].items()} == {
        "id": str,
        "object": str,
        "created": int,
        "owned_by": str,
    }


@pytest.mark.parametrize(
    ("length", "status"),
    [(b"99999999999999999999999", (400, 413)), (b"-5", (400,)), (b"abc", (400,)), (b"200000", (413,))],
)
async def test_a_length_that_cannot_be_is_refused_before_a_body_comes(
    gateway: InProcess, length: bytes, status: tuple[int, ...]
):
    answer = await raw(gateway, HEAD + b"connection: close\r\ncontent-length: " + length + b"\r\n\r\n")
    assert int(answer.split()[1]) in status


async def test_chunked_bodies_have_the_same_bound(gateway: InProcess):
    async def endless():
        for _ in range(200):
            yield b" " * 1000

    async with gateway.http() as http:
        answer = await http.post("/v1/chat/completions", content=endless())
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "payload_too_large")


async def test_a_client_that_leaves_in_the_middle_of_its_body_disturbs_nobody(gateway: InProcess):
    host, port = gateway.origin.removeprefix("http://").split(":")
    pipe = socket.create_connection((host, int(port)))
    await anyio.to_thread.run_sync(pipe.sendall, HEAD + b"content-length: 1000\r\n\r\nhalf")
    pipe.close()
    async with gateway.http() as http:
        with anyio.fail_after(60):
            while 'route="/v1/chat/completions",status="499"' not in (await http.get("/metrics")).text:
                await anyio.sleep(0.01)


async def test_every_answer_of_an_endpoint_names_its_request_and_its_run(gateway: InProcess):
    async with gateway.http() as http:
        for path in ("/healthz", "/v1/models", "/v1/tools"):
            answer = await http.get(path, headers={"x-request-id": "mine-1"})
            assert answer.headers["x-request-id"] == "mine-1"
            assert answer.headers["x-toolgate-run-id"].startswith("run_")


@pytest.mark.parametrize(
    "path", [b"/v1/tools/demo/../demo/calculate", b"/v1/tools/./demo/calculate", b"/v1/tools//demo/calculate"]
)
async def test_dots_in_a_path_are_part_of_a_name_that_is_no_tools(gateway: InProcess, path: bytes):
    head = HEAD.replace(b"/v1/chat/completions", path)
    answer = await raw(gateway, head + b"connection: close\r\ncontent-length: 0\r\n\r\n")
    assert answer.split()[1] == b"404"
    assert b'"tool_not_found"' in answer


async def test_a_head_that_says_its_length_twice_is_refused(gateway: InProcess):
    answer = await raw(gateway, HEAD + b"content-length: 2\r\ncontent-length: 40\r\nconnection: close\r\n\r\n{}")
    assert answer.split()[1] == b"400"


async def test_a_head_with_length_and_chunks_is_refused(gateway: InProcess):
    """Two programs could read it in two ways, and take a part of the body for another request."""
    smuggled = (
        b"content-length: 4\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n0\r\n\r\nGET / HTTP/1.1"
    )
    assert (await raw(gateway, HEAD + smuggled)).split()[1] == b"400"

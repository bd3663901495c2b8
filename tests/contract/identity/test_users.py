"""Users behind keys, from the token in a request to the audit trail, with a real issuer over HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from gateway.auth import KeyId, User, owner_of
from gateway.providers.scripted.serving import serve_app
from tests.support.conditions import eventually
from tests.support.gateways import SECRET, InProcess, audited, gateway_in_process
from tests.support.issuing import AUDIENCE, Issuer

SURFACES = {
    "/v1/chat/completions": {"model": "tiny", "messages": [{"role": "user", "content": "hi"}]},
    "/v1/responses": {"model": "tiny", "input": "hi"},
    "/v1/messages": {
        "model": "tiny",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "hi"}],
    },
    "/v2/chat": {"model": "tiny", "messages": [{"role": "user", "content": "hi"}]},
    "/api/chat": {"model": "tiny", "messages": [{"role": "user", "content": "hi"}], "stream": False},
    "/v1beta/models/tiny:generateContent": {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
    "/model/tiny/converse": {"messages": [{"role": "user", "content": [{"text": "hi"}]}]},
}


@dataclass(frozen=True)
class Place:
    """A gateway, and the issuer whose users it knows."""

    gateway: InProcess
    issuer: Issuer

    async def post(self, path: str, body: Any, **headers: str) -> Any:
        async with self.gateway.http(None) as client:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.post(path, json=body, headers=given)

    async def chat(self, **headers: str) -> Any:
        return await self.post("/v1/chat/completions", SURFACES["/v1/chat/completions"], **headers)


def document(issuer: str, base_url: str) -> dict[str, Any]:
    rules = [
        {"key": "staff", "when": {"realm.roles": ["it-*", "staff"], "guest": False}},
        {"key": "reader", "when": {"scope": "read"}},
    ]
    return {
        "providers": {"script": {"dialect": "openai_chat", "base_url": base_url, "api_key": "the-operators"}},
        "models": {"tiny": [{"provider": "script", "model": "tiny"}]},
        "keys": {
            "agent": {"secret": SECRET},
            "staff": {"secret": "staff-secret-0123456789"},
            "reader": {"secret": "reader-secret-0123456789", "models": ["nothing"]},
        },
        "identity": {"issuers": {"corp": {"issuer": issuer, "audience": AUDIENCE, "keys": rules}}},
    }


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


class Model:
    """Says hello in OpenAI's Chat, and keeps the headers of what it was asked."""

    def __init__(self) -> None:
        self.headers: list[dict[str, str]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self.headers.append(dict(request.headers))
        await request.body()
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        told = {"id": "c", "object": "chat.completion", "created": 1, "model": "tiny", "choices": [choice]}
        await JSONResponse({**told, "usage": usage})(scope, receive, send)


@pytest.fixture(scope="module")
def model() -> Model:
    return Model()


@pytest.fixture(scope="module")
async def base_url(model: Model) -> AsyncGenerator[str]:
    async with serve_app(model) as origin:
        yield f"{origin}/v1"


@pytest.fixture(scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory, base_url: str) -> AsyncGenerator[Place]:
    folder: Path = tmp_path_factory.mktemp("identity")
    issuer = Issuer("", "rsa", "ec")
    async with serve_app(issuer) as origin:
        issuer.issuer = origin
        async with gateway_in_process(folder, document(origin, base_url), {}) as gateway:
            yield Place(gateway, issuer)


@pytest.mark.parametrize("path", SURFACES)
async def test_a_token_beside_a_key_says_whom_the_request_is_for(place: Place, model: Model, path: str):
    told = {"authorization": f"Bearer {SECRET}", "x_toolgate_user": place.issuer.token()}
    answer = await place.post(path, SURFACES[path], **told)
    assert answer.status_code == 200, answer.text
    run, _ = await audited(place.gateway.shared, answer.headers["x-toolgate-run-id"])
    assert (run.key_id, run.user) == ("agent", User(place.issuer.issuer, "ann"))
    asked = model.headers[-1]
    assert asked["authorization"] == "Bearer the-operators"
    assert not any(name.startswith("x-toolgate") or told["x_toolgate_user"] in asked[name] for name in asked)


@pytest.mark.parametrize("path", SURFACES)
@pytest.mark.parametrize("header", ["authorization", "x_api_key", "x_goog_api_key"])
async def test_a_token_in_the_place_of_a_key_acts_as_the_key_of_its_claims(place: Place, path: str, header: str):
    token = place.issuer.token("ec", realm={"roles": ["x", "it-admins"]}, guest=False, scope="read")
    answer = await place.post(path, SURFACES[path], **{header: f"Bearer {token}" if header[0] == "a" else token})
    assert answer.status_code == 200, answer.text
    run, _ = await audited(place.gateway.shared, answer.headers["x-toolgate-run-id"])
    assert (run.key_id, run.user) == ("staff", User(place.issuer.issuer, "ann"))


async def test_the_first_key_whose_conditions_hold_decides_what_may_be_done(place: Place):
    token = place.issuer.token(scope="write read", guest=True, realm={"roles": ["staff"]})
    answer = await place.chat(authorization=f"Bearer {token}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


@pytest.mark.parametrize(
    "claims",
    [{}, {"scope": "reads"}, {"scope": 1}, {"realm": {"roles": ["it"]}, "guest": False}, {"realm.roles": "staff"}],
)
async def test_a_token_of_no_key_lets_nobody_in(place: Place, claims: dict[str, Any]):
    answer = await place.chat(authorization=f"Bearer {place.issuer.token(**claims)}")
    nobody = await place.chat(authorization="Bearer nobody")
    assert answer.status_code == nobody.status_code == 401
    assert answer.json() == nobody.json()
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", SURFACES)
async def test_a_user_who_cannot_be_verified_is_refused_in_the_same_words_whatever_is_wrong(
    place: Place, path: str
):
    issuer = place.issuer
    tokens = [
        "",
        "ann",
        issuer.token(exp=1),
        issuer.token(aud="https://other.example"),
        issuer.token(header={"kid": "unknown"}),
        issuer.token(header={"alg": "none"}),
        Issuer("https://other.example").token(),
        issuer.token("ed"),
        issuer.token(more="x" * 20_000),
        f"{issuer.token()}, {issuer.token()}",
    ]
    answers = [
        await place.post(path, SURFACES[path], authorization=f"Bearer {SECRET}", x_toolgate_user=token)
        for token in tokens
    ]
    assert {answer.status_code for answer in answers} == {401}
    bodies = [
        str({name: value for name, value in answer.json().items() if "id" not in name}) for answer in answers
    ]
    assert len(set(bodies)) == 1, bodies
    assert not any(token in body for token, body in zip(tokens[1:], bodies[1:], strict=True))


async def test_two_headers_with_a_user_are_not_one(place: Place):
    token = place.issuer.token()
    async with place.gateway.http() as client:
        headers = [("x-toolgate-user", token), ("X-Toolgate-User", token)]
        answer = await client.post("/v1/chat/completions", json=SURFACES["/v1/chat/completions"], headers=headers)
    assert answer.status_code == 401


async def test_a_token_in_a_keys_place_and_another_beside_it_are_two_users_too_many(place: Place):
    token = place.issuer.token(realm={"roles": ["staff"]}, guest=False)
    answer = await place.chat(authorization=f"Bearer {token}", x_toolgate_user=token)
    assert answer.status_code == 401


async def test_many_requests_with_unknown_keys_ask_the_issuer_hardly_ever(place: Place):
    before, began = len(place.issuer.asked), anyio.current_time()
    for number in range(30):
        token = place.issuer.token(header={"kid": f"unknown-{number}"})
        answer = await place.chat(authorization=f"Bearer {SECRET}", x_toolgate_user=token)
        assert answer.status_code == 401
    rests = (anyio.current_time() - began) / 30  # seconds that an issuer is left alone
    assert len(place.issuer.asked) - before <= 2 + rests


async def test_two_users_behind_one_key_see_nothing_of_each_others_answers(place: Place):
    ann, ben = ({"x_toolgate_user": place.issuer.token(sub=name)} for name in ("ann", "ben"))
    key = {"authorization": f"Bearer {SECRET}"}
    first = (await place.post("/v1/responses", SURFACES["/v1/responses"], **key, **ann)).json()["id"]
    second = (await place.post("/v1/responses", SURFACES["/v1/responses"], **key, **ben)).json()["id"]
    follow = {**SURFACES["/v1/responses"], "previous_response_id": first}
    for who, status in ((ann, 200), (ben, 400), ({}, 400)):
        assert (await place.post("/v1/responses", follow, **key, **who)).status_code == status
    async with place.gateway.http() as client:
        for who, wanted, status in ((ann, first, 200), (ben, second, 200), (ann, second, 404), (ben, first, 404)):
            headers = {"x-toolgate-user": who["x_toolgate_user"]}
            assert (await client.get(f"/v1/responses/{wanted}", headers=headers)).status_code == status
        assert (await client.get(f"/v1/responses/{first}")).status_code == 404
        assert (await client.delete(f"/v1/responses/{first}")).status_code == 404


async def test_a_user_is_one_whichever_way_the_token_came(place: Place):
    issuer = place.issuer
    token = issuer.token(sub="cleo", realm={"roles": ["staff"]}, guest=False)
    made = (await place.post("/v1/responses", SURFACES["/v1/responses"], authorization=f"Bearer {token}")).json()[
        "id"
    ]
    async with place.gateway.http("staff-secret-0123456789") as client:
        beside = {"x-toolgate-user": issuer.token("ec", sub="cleo")}
        assert (await client.get(f"/v1/responses/{made}", headers=beside)).status_code == 200
        assert (await client.get(f"/v1/responses/{made}")).status_code == 404
    assert owner_of(KeyId("staff"), User(issuer.issuer, "cleo")) != owner_of(KeyId("agent"), None)


async def test_while_the_issuer_was_never_reached_the_answer_is_to_try_again(tmp_path: Path, base_url: str):
    issuer = Issuer("", "rsa")
    issuer.status = 503
    async with serve_app(issuer) as origin:
        issuer.issuer = origin
        async with gateway_in_process(tmp_path, document(origin, base_url), {}) as gateway:
            place = Place(gateway, issuer)
            await eventually(lambda: len(issuer.asked) >= 2)
            answer = await place.chat(authorization=f"Bearer {SECRET}", x_toolgate_user=issuer.token())
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert (await place.chat(authorization=f"Bearer {SECRET}")).status_code == 200

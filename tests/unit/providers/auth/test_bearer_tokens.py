"""Tokens are kept, renewed ahead of their end, and fetched by one request for all."""

from __future__ import annotations

import anyio
import pytest

from gateway.providers import CredentialsUnavailable, HttpClient
from gateway.providers.auth import BearerAuthorizer, ClientCredentials, Token
from tests.unit.providers.auth.conftest import TokenEndpoint


class Source:
    """Tokens by number, of the lifetime that is due; or a failure."""

    def __init__(self) -> None:
        self.fetched = 0
        self.lifetime = 1000.0
        self.failure: str | None = None
        self.gate: anyio.Event | None = None
        self.begun = anyio.Event()

    async def fetch(self) -> Token:
        self.fetched += 1
        number = self.fetched
        self.begun.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.failure:
            raise CredentialsUnavailable(self.failure)
        return Token(f"t{number}", self.lifetime)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def asked(authorizer: BearerAuthorizer) -> str:
    return (await authorizer.headers("POST", "https://h/", {}, b""))["authorization"]


async def test_a_token_is_kept_until_shortly_before_its_end():
    source, clock = Source(), Clock()
    authorizer = BearerAuthorizer(source, clock=clock)
    assert await asked(authorizer) == "Bearer t1"
    clock.now += 749
    assert await asked(authorizer) == "Bearer t1"
    clock.now += 2
    assert await asked(authorizer) == "Bearer t2"
    assert source.fetched == 2


async def test_many_requests_at_once_fetch_one_token():
    source = Source()
    source.gate = anyio.Event()
    authorizer = BearerAuthorizer(source, clock=Clock())
    given: list[str] = []

    async def ask() -> None:
        given.append(await asked(authorizer))

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(ask)
        await source.begun.wait()
        source.gate.set()
    assert given == ["Bearer t1"] * 5
    assert source.fetched == 1


async def test_nobody_waits_for_a_renewal_while_the_old_token_is_good():
    source, clock = Source(), Clock()
    authorizer = BearerAuthorizer(source, clock=clock)
    await asked(authorizer)
    clock.now += 800
    source.gate, source.begun = anyio.Event(), anyio.Event()
    renewed: list[str] = []

    async def renew() -> None:
        renewed.append(await asked(authorizer))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(renew)
        await source.begun.wait()
        assert await asked(authorizer) == "Bearer t1"
        source.gate.set()
    assert renewed == ["Bearer t2"]


async def test_a_failed_renewal_leaves_the_old_token_to_its_end():
    source, clock = Source(), Clock()
    authorizer = BearerAuthorizer(source, clock=clock)
    await asked(authorizer)
    source.failure = "the token endpoint failed"
    clock.now += 800
    assert await asked(authorizer) == "Bearer t1"
    assert await asked(authorizer) == "Bearer t1"
    assert source.fetched == 2  # after a failure, there is a pause
    clock.now += 195
    with pytest.raises(CredentialsUnavailable, match="endpoint failed"):
        await asked(authorizer)


async def test_a_failure_is_told_to_all_who_ask_for_a_while_and_then_forgotten():
    source, clock = Source(), Clock()
    authorizer = BearerAuthorizer(source, clock=clock)
    source.failure = "no"
    for _ in range(3):
        with pytest.raises(CredentialsUnavailable, match="no"):
            await asked(authorizer)
    assert source.fetched == 1
    source.failure = None
    clock.now += 6
    assert await asked(authorizer) == "Bearer t2"


async def test_a_request_that_is_given_up_leaves_the_fetching_to_the_next():
    source = Source()
    source.gate = anyio.Event()
    authorizer = BearerAuthorizer(source, clock=Clock())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(asked, authorizer)
        await source.begun.wait()
        tasks.cancel_scope.cancel()
    source.gate.set()
    assert await asked(authorizer) == "Bearer t2"


async def test_client_credentials_are_exchanged_for_a_token(endpoint: TokenEndpoint, client: HttpClient):
    scope = "https://cognitiveservices.azure.com/.default"
    source = ClientCredentials(client, endpoint.url, "app", "s3cret&=", scope)
    token = await source.fetch()
    assert (token.value, token.lifetime) == ("token-1", 3600.0)
    assert endpoint.asked == [
        {"grant_type": "client_credentials", "client_id": "app", "client_secret": "s3cret&=", "scope": scope}
    ]
    assert "s3cret" not in repr(source)
    assert "token-1" not in repr(token)


@pytest.mark.parametrize(("told", "lifetime"), [("3599", 3599.0), (None, 600.0), ("x", 600.0), (-5, 1.0)])
async def test_a_lifetime_may_be_told_in_several_ways(
    endpoint: TokenEndpoint, client: HttpClient, told: object, lifetime: float
):
    endpoint.expires_in = told
    assert (await ClientCredentials(client, endpoint.url, "app", "secret").fetch()).lifetime == lifetime


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ((401, {"error": "invalid_client", "error_description": "the secret s3cret is old"}), r"401 \(invalid_cl"),
        ((400, {"error": "a b\nc"}), "HTTP 400 and gave no token"),
        ((200, {}), "gave no token"),
        ((200, {"access_token": "with a\nline end"}), "gave no token"),
        ((200, []), "gave no token"),
        ((500, "nonsense"), "HTTP 500"),
    ],
)
async def test_a_refusal_says_what_the_endpoint_says_and_no_secret(
    endpoint: TokenEndpoint, client: HttpClient, said: tuple[int, object], message: str
):
    endpoint.say = said
    with pytest.raises(CredentialsUnavailable, match=message) as caught:
        await ClientCredentials(client, endpoint.url, "app", "s3cret").fetch()
    assert "s3cret" not in str(caught.value)


async def test_an_endpoint_that_is_not_there_is_a_failure(client: HttpClient):
    with pytest.raises(CredentialsUnavailable, match="no connection"):
        await ClientCredentials(client, "http://127.0.0.1:9/token", "app", "secret").fetch()

"""How an issuer's keys are had, kept and renewed."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from gateway.auth.identity import FetchedKeys, FetchFailed, Issuers, IssuerSettings, KeysUnavailable, TokenRefused
from gateway.auth.identity.key_sources import metadata_places
from tests.support.conditions import eventually
from tests.support.issuing import AUDIENCE, Issuer, jwk

ISSUER = "https://id.example"
KEYS = f"{ISSUER}/keys"
ES = frozenset({"ES256", "RS256"})


class Web:
    """What can be fetched, by URL; `asked` are the URLs, and None stands for what fails."""

    def __init__(self, **pages: Any) -> None:
        self.pages: dict[str, Any] = {}
        self.asked: list[str] = []
        self.gate = anyio.Event()
        self.gate.set()

    async def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        await self.gate.wait()
        page = self.pages.get(url)
        if page is None:
            raise FetchFailed("the answer was HTTP 404")
        return page if isinstance(page, bytes) else json.dumps(page).encode()

    def publish(self, *names: str) -> None:
        self.pages[KEYS] = {"keys": [jwk(name) for name in names]}


@pytest.fixture
def web() -> Web:
    return Web()


@asynccontextmanager
async def running(keys: FetchedKeys) -> AsyncGenerator[FetchedKeys]:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keys.run)
        yield keys
        tasks.cancel_scope.cancel()


async def test_keys_are_fetched_before_anybody_asks(web: Web):
    web.publish("ec")
    async with running(FetchedKeys(ISSUER, KEYS, web)) as keys:
        await eventually(lambda: keys.known is not None)
        assert [key.kid for key in await keys.keys_for("ec", "ES256")] == ["ec"]
        assert web.asked == [KEYS]


async def test_whoever_asks_first_waits_for_them(web: Web):
    web.publish("ec")
    web.gate = anyio.Event()
    async with running(FetchedKeys(ISSUER, KEYS, web)) as keys, anyio.create_task_group() as tasks:
        found: list[int] = []

        async def ask() -> None:
            found.append(len(await keys.keys_for("ec", "ES256")))

        for _ in range(20):
            tasks.start_soon(ask)
        await eventually(lambda: bool(web.asked))
        web.gate.set()
        await eventually(lambda: len(found) == 20)
        assert (found, web.asked) == ([1] * 20, [KEYS])


async def test_a_key_that_is_new_is_fetched_when_a_token_names_it(web: Web):
    web.publish("ec")
    async with running(FetchedKeys(ISSUER, KEYS, web, rest=0)) as keys:
        await eventually(lambda: keys.known is not None)
        web.publish("ec-2")
        assert [key.kid for key in await keys.keys_for("ec-2", "ES256")] == ["ec-2"]
        assert not await keys.keys_for("ec", "ES256")  # it was withdrawn


async def test_many_unknown_keys_make_no_storm_of_fetches(web: Web):
    web.publish("ec")
    async with running(FetchedKeys(ISSUER, KEYS, web, rest=3600)) as keys, anyio.create_task_group() as tasks:
        await eventually(lambda: keys.known is not None)

        async def ask(number: int) -> None:
            assert not await keys.keys_for(f"unknown-{number}", "ES256")

        for number in range(500):
            tasks.start_soon(ask, number)
    assert web.asked == [KEYS]


async def test_whoever_goes_away_in_the_middle_leaves_the_fetch_to_the_others(web: Web):
    web.publish("ec")
    async with running(FetchedKeys(ISSUER, KEYS, web, rest=0)) as keys:
        await eventually(lambda: keys.known is not None)
        web.gate = anyio.Event()
        web.publish("ec-2")
        with anyio.move_on_after(0.05) as left:
            await keys.keys_for("ec-2", "ES256")
        assert left.cancelled_caught
        web.gate.set()
        assert await keys.keys_for("ec-2", "ES256")
        assert len(web.asked) == 2


async def test_known_keys_are_given_at_once_while_others_are_fetched(web: Web):
    web.publish("ec")
    async with running(FetchedKeys(ISSUER, KEYS, web, rest=0)) as keys, anyio.create_task_group() as tasks:
        await eventually(lambda: keys.known is not None)
        web.gate = anyio.Event()
        tasks.start_soon(keys.keys_for, "unknown", "ES256")
        await eventually(lambda: len(web.asked) == 2)
        with anyio.fail_after(60):
            assert await keys.keys_for("ec", "ES256")
        web.gate.set()


@pytest.mark.parametrize("instead", [None, b"", b"<html>", {"keys": []}, {"keys": "none"}, b"[" * 100_000])
async def test_keys_are_kept_while_their_issuer_is_down(web: Web, instead: Any, caplog: pytest.LogCaptureFixture):
    web.publish("ec")
    async with running(FetchedKeys(ISSUER, KEYS, web, rest=0)) as keys:
        await eventually(lambda: keys.known is not None)
        web.pages[KEYS] = instead
        assert not await keys.keys_for("unknown", "ES256")
        assert await keys.keys_for("ec", "ES256")
    assert "those of before are used" in caplog.text


async def test_while_no_keys_were_ever_had_it_is_not_the_tokens_fault(web: Web):
    issuer = Issuer(ISSUER, "ec")
    keys = FetchedKeys(ISSUER, KEYS, web, rest=0)
    issuers = Issuers([(IssuerSettings(ISSUER, frozenset({AUDIENCE}), ES), keys)])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(issuers.run)
        with pytest.raises(KeysUnavailable):
            await issuers.vouch(issuer.token("ec"))
        web.publish("ec")
        await eventually(lambda: keys.known is not None)
        assert await issuers.vouch(issuer.token("ec"))
        tasks.cancel_scope.cancel()


async def test_what_was_verified_with_a_key_that_is_withdrawn_is_forgotten(web: Web):
    issuer = Issuer(ISSUER, "ec")
    web.publish("ec")
    keys = FetchedKeys(ISSUER, KEYS, web, rest=0, max_age=0)
    issuers = Issuers([(IssuerSettings(ISSUER, frozenset({AUDIENCE}), ES), keys)])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(issuers.run)
        await eventually(lambda: keys.known is not None)
        before, token = keys.known, issuer.token("ec")
        vouched = await issuers.vouch(token)
        assert await issuers.vouch(token) is vouched
        web.publish("ec-2")
        await eventually(lambda: keys.known is not before)
        with pytest.raises(TokenRefused):
            await issuers.vouch(token)
        tasks.cancel_scope.cancel()


async def test_the_same_keys_fetched_again_change_nothing(web: Web):
    web.publish("ec")
    async with running(FetchedKeys(ISSUER, KEYS, web, rest=0, max_age=0)) as keys:
        await eventually(lambda: keys.known is not None)
        before = keys.known
        await eventually(lambda: len(web.asked) > 3)
        assert keys.known is before


async def test_a_defect_of_ours_stops_nothing(web: Web, caplog: pytest.LogCaptureFixture):
    async def fetch(url: str) -> bytes:
        await web(url)
        raise RuntimeError("a defect")

    web.publish("ec")
    async with running(FetchedKeys(ISSUER, KEYS, fetch, rest=0)):
        await eventually(lambda: len(web.asked) > 2)
    assert "could not be taken" in caplog.text


def test_metadata_is_looked_for_where_both_specifications_have_it():
    assert metadata_places("https://id.example/") == (
        "https://id.example/.well-known/openid-configuration",
        "https://id.example/.well-known/oauth-authorization-server",
    )
    assert metadata_places("https://id.example/realms/one") == (
        "https://id.example/realms/one/.well-known/openid-configuration",
        "https://id.example/.well-known/oauth-authorization-server/realms/one",
    )


@pytest.mark.parametrize("place", [0, 1])
async def test_where_the_keys_are_is_read_in_the_issuers_metadata(web: Web, place: int):
    web.publish("ec")
    web.pages[metadata_places(ISSUER)[place]] = {"issuer": ISSUER, "jwks_uri": KEYS}
    async with running(FetchedKeys(ISSUER, None, web)) as keys:
        await eventually(lambda: keys.known is not None)
    assert web.asked == [*metadata_places(ISSUER)[: place + 1], KEYS]


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": f"{ISSUER}/", "jwks_uri": KEYS},
        {"issuer": "https://other.example", "jwks_uri": KEYS},
        {"jwks_uri": KEYS},
        {"issuer": ISSUER},
        {"issuer": ISSUER, "jwks_uri": 1},
        {"issuer": ISSUER, "jwks_uri": ""},
        {"issuer": ISSUER, "jwks_uri": "http://127.0.0.1:1/keys"},
        {"issuer": ISSUER, "jwks_uri": "http://id.example/keys"},
        {"issuer": ISSUER, "jwks_uri": "file:///etc/passwd"},
        {"issuer": ISSUER, "jwks_uri": f"{KEYS}?{'x' * 2048}"},
        [],
        b"<html>",
        b"[" * 100_000,
    ],
    ids=lambda value: str(value)[:60],
)
async def test_metadata_that_is_not_this_issuers_leads_nowhere(
    web: Web, metadata: Any, caplog: pytest.LogCaptureFixture
):
    web.publish("ec")
    web.pages[metadata_places(ISSUER)[0]] = metadata
    with caplog.at_level(logging.WARNING):
        async with running(FetchedKeys(ISSUER, None, web, rest=0)) as keys:
            await eventually(lambda: len(web.asked) >= 2)
            assert keys.known is None
    assert not any(url.startswith(("http:", "file:")) for url in web.asked)
    assert KEYS not in web.asked

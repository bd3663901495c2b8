"""Servers that come to name another issuer of tokens than was locked of them, or than was first seen."""

from __future__ import annotations

from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, urlsplit

import anyio
import httpx2
import pytest

from gateway.auth import User
from gateway.cli.locking.gathering import Gathered
from gateway.config.server_auth import ClientCredentialsAuth, UserAuth
from gateway.errors import ToolServerNotConnected
from gateway.hub import HttpServerSpec, Hub, HubSettings, OAuthFault, PublicPlace, label_of
from gateway.hub.credentials.credentials import Credentials
from gateway.hub.locking import FirstUseVerifier, LockVerifier, Reporter
from gateway.store import FirstSightings, SealedCredentials, open_database
from tests.support.authorities import protected_server
from tests.support.conditions import eventually
from tool_policies.lockfile import Lockfile

SETTINGS = HubSettings(probe_head_start=1.0, first_backoff=0.02, longest_backoff=0.1, relist_every=0.1)
PLACE = PublicPlace("http://127.0.0.1:8484")
MACHINE = ClientCredentialsAuth("tg", "s3cret")
ALICE = User("https://id.example", "alice")
BOB = User("https://id.example", "bob")
OTHER_SOURCE = ("*", "source", "hidden")


class Site:
    """A server, the issuer that it names, and another one that it may come to name; and what is kept of them."""

    def __init__(self, authority, other, database):
        self.authority = authority
        self.other = other
        self.vault = SealedCredentials(database, bytes(32))
        self.sights = FirstSightings(database)
        self.told = []

    def name_another(self):
        self.authority.issuers = [self.other.origin]

    async def report(self, server, drift):
        self.told.append((drift.tool, drift.kind, drift.action))

    def credentials(self, auth, issuers):
        spec = HttpServerSpec("remote", self.authority.url, auth=auth)
        return spec, Credentials([spec], self.vault, PLACE, issuers)

    async def sign_in(self, connecting, user):
        subject = f"agent/{user.id}"
        link = connecting.link("remote", subject, label_of(subject, user))
        ticket = connecting.ticket("remote", dict(parse_qsl(urlsplit(link).query))["ticket"])
        async with httpx2.AsyncClient() as client:
            back = (await client.get(await connecting.begin(ticket, "browser"))).headers["location"]
        await connecting.finish(dict(parse_qsl(urlsplit(back).query)), "browser")

    async def look(self, auth):
        """The server as `toolgate lock` takes it down."""
        gathered = Gathered()
        async with self.running(auth, gathered):
            return gathered.servers["remote"]

    async def locked(self, auth):
        return Lockfile({"remote": await self.look(auth)})

    def holding(self, lockfile, on_change="hide"):
        return LockVerifier(lockfile, {"remote": on_change}, Reporter(self.report))

    @asynccontextmanager
    async def running(self, auth, verifier, issuer=None):
        spec, credentials = self.credentials(auth, {} if issuer is None else {"remote": issuer})
        with anyio.fail_after(60):
            async with Hub([spec], None, settings=SETTINGS, verifier=verifier, credentials=credentials) as hub:
                await hub.settled()
                yield hub, credentials.connecting


@pytest.fixture
async def site(tmp_path):
    known = {"tg": "s3cret"}
    async with (
        open_database(f"sqlite:///{tmp_path}/toolgate.db") as database,
        protected_server(secrets=known) as (authority, _),
        protected_server(secrets=known, resource=authority.url) as (other, _),
    ):
        yield Site(authority, other, database)


def drift_of(hub):
    return [(one.tool, one.kind, one.action) for one in hub.statuses()[0].drift]


async def test_the_issuer_is_taken_down_for_the_lock(site):
    assert (await site.look(MACHINE)).source.issuer == site.authority.origin
    _, credentials = site.credentials(UserAuth(), {})
    await site.sign_in(credentials.connecting, ALICE)
    assert (await site.look(UserAuth())).source.issuer == site.authority.origin
    auth = ClientCredentialsAuth("tg", "s3cret", scopes=("tools",), token_url=f"{site.authority.origin}/token")
    assert (await site.look(auth)).source.issuer == f"{site.authority.origin}/token"


async def test_a_server_that_names_another_issuer_offers_nothing_and_no_secret_goes_there(site):
    lockfile = await site.locked(MACHINE)
    forms = len(site.authority.forms)
    site.name_another()
    async with site.running(MACHINE, site.holding(lockfile), site.authority.origin) as (hub, _):
        assert hub.catalogue.tools == ()
        assert drift_of(hub) == site.told == [OTHER_SOURCE]
        assert site.other.origin in hub.statuses()[0].drift[0].reason
        assert "was locked" in hub.statuses()[0].error
        assert (site.other.forms, len(site.authority.forms)) == ([], forms)
        site.authority.issuers = None
        await eventually(lambda: "remote" in [tool.server for tool in hub.catalogue.tools])
        assert drift_of(hub) == []


async def test_a_server_that_comes_to_name_another_issuer_is_hidden_and_nobody_signs_in_there(site):
    _, credentials = site.credentials(UserAuth(), {})
    await site.sign_in(credentials.connecting, ALICE)
    lockfile = await site.locked(UserAuth())
    async with site.running(UserAuth(), site.holding(lockfile), site.authority.origin) as (hub, connecting):
        assert hub.catalogue.tools
        site.name_another()
        with pytest.raises(OAuthFault, match="not the one that was locked"):
            await site.sign_in(connecting, BOB)
        await eventually(lambda: drift_of(hub) == site.told == [OTHER_SOURCE])
        assert hub.catalogue.tools == ()
        assert site.other.asked == site.other.forms == site.other.registrations == []
        site.authority.issuers = None
        await eventually(lambda: hub.catalogue.tools)
        await site.sign_in(connecting, BOB)


async def test_tokens_of_another_issuer_than_was_locked_are_not_used(site):
    _, credentials = site.credentials(UserAuth(), {})
    await site.sign_in(credentials.connecting, ALICE)
    lockfile = await site.locked(UserAuth())
    async with site.running(UserAuth(), site.holding(lockfile), "https://id.example") as (hub, _):
        with pytest.raises(ToolServerNotConnected):
            await hub.call("remote", "echo", {}, owner=f"agent/{ALICE.id}", user=ALICE, timeout=10)
        assert site.authority.calls == []


async def test_an_issuer_that_cannot_be_found_out_costs_no_tools(site):
    _, credentials = site.credentials(UserAuth(), {})
    await site.sign_in(credentials.connecting, ALICE)
    lockfile = await site.locked(UserAuth())
    site.authority.without = ("token_endpoint",)
    async with site.running(UserAuth(), site.holding(lockfile), site.authority.origin) as (hub, _):
        assert (bool(hub.catalogue.tools), drift_of(hub)) == (True, [])


async def test_the_issuer_that_was_first_seen_holds_as_well(site):
    def on_first_use(known):
        return FirstUseVerifier(known, site.sights, {}, Reporter(site.report))

    _, credentials = site.credentials(UserAuth(), {})
    await site.sign_in(credentials.connecting, ALICE)
    site.authority.without = ("token_endpoint",)
    async with site.running(UserAuth(), on_first_use(Lockfile())):
        pass
    known = await site.sights.load()
    assert known.servers["remote"].source.issuer is None
    site.authority.without = ()
    async with site.running(UserAuth(), on_first_use(known)) as (hub, _):
        assert drift_of(hub) == []
    known = await site.sights.load()
    assert known.servers["remote"].source.issuer == site.authority.origin, "it is kept as soon as it is known"
    site.name_another()
    async with site.running(UserAuth(), on_first_use(known)) as (hub, _):
        assert (hub.catalogue.tools, drift_of(hub)) == ((), [OTHER_SOURCE])

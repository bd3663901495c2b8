"""Credentials for servers over HTTP, against a real authorization server on loopback."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, urlsplit

import anyio
import httpx2
import pytest

from gateway.auth import User
from gateway.config.server_auth import ClientCredentialsAuth, UserAuth
from gateway.errors import ToolServerDown, ToolServerFault, ToolServerNotConnected
from gateway.hub import HttpServerSpec, Hub, HubSettings
from gateway.hub.credentials.clients import PublicPlace
from gateway.hub.credentials.credentials import Credentials
from gateway.hub.credentials.faults import OAuthFault
from gateway.store import SealedCredentials, open_database
from tests.support.authorities import protected_server
from tests.support.conditions import eventually

SETTINGS = HubSettings(probe_head_start=60.0, first_backoff=0.02, connect_timeout=60.0)
PLACE = PublicPlace("http://127.0.0.1:8484")
ALICE = User("https://id.example", "alice")
BOB = User("https://id.example", "bob")
both_eras = pytest.mark.parametrize("era", ["modern", "legacy"])


@pytest.fixture
async def vault(tmp_path):
    async with open_database(f"sqlite:///{tmp_path}/toolgate.db") as database:
        yield SealedCredentials(database, bytes(32))


class Gateway:
    """A hub with credentials, and the browsers of its users."""

    def __init__(self, hub, credentials):
        self.hub = hub
        self.connecting = credentials.connecting

    async def call(self, key="agent", user=None, tool="echo"):
        owner = key if user is None else f"{key}/{user.id}"
        result = await self.hub.call("remote", tool, {"a": 1}, owner=owner, user=user, timeout=60)
        return result.text()

    async def link(self, key="agent", user=None):
        with pytest.raises(ToolServerNotConnected) as caught:
            await self.call(key, user)
        words = caught.value.message.split()
        return next(word for word in words if word.startswith("http"))

    async def answer(self, link, browser="the browser"):
        """What a browser comes back with that follows a link to its end."""
        ticket = self.connecting.ticket("remote", dict(parse_qsl(urlsplit(link).query))["ticket"])
        target = await self.connecting.begin(ticket, browser)
        async with httpx2.AsyncClient() as client:
            back = (await client.get(target)).headers["location"]
        assert back.startswith(PLACE.redirect_uri)
        return dict(parse_qsl(urlsplit(back).query))

    async def sign_in(self, key="agent", user=None):
        return await self.connecting.finish(await self.answer(await self.link(key, user)), "the browser")

    async def connect(self, authority, key="agent", user=None):
        authority.login = user.subject if user else key
        await self.sign_in(key, user)
        await eventually(lambda: self.hub.catalogue.by_name)


@asynccontextmanager
async def gateway_at(url, auth, vault):
    spec = HttpServerSpec("remote", url, auth=auth)
    credentials = Credentials([spec], vault, PLACE)
    with anyio.fail_after(60):
        async with Hub([spec], None, settings=SETTINGS, credentials=credentials) as hub:
            await hub.settled()
            yield Gateway(hub, credentials)


@asynccontextmanager
async def machine(vault, auth=None, *, era="modern", **options):
    async with protected_server(era=era, secrets={"tg": "s3cret&="}, **options) as (authority, _):
        auth = auth or ClientCredentialsAuth("tg", "s3cret&=")
        async with gateway_at(authority.url, auth, vault) as gateway:
            gateway.authority = authority
            yield gateway


@asynccontextmanager
async def users(vault, auth=None, *, era="modern", **options):
    async with (
        protected_server(era=era, **options) as (authority, _),
        gateway_at(authority.url, auth or UserAuth(), vault) as gateway,
    ):
        gateway.authority = authority
        yield gateway


# --- the gateway's own -------------------------------------------------------------------------------------------


@both_eras
async def test_a_token_is_had_where_the_server_says_and_serves_everybody(vault, era):
    async with machine(vault, era=era) as gateway:
        assert await gateway.call() == '{"a": 1}'
        assert await gateway.call("another", ALICE) == '{"a": 1}'
        (form,) = gateway.authority.forms
        assert form == {"grant_type": "client_credentials", "scope": "tools", "resource": gateway.authority.url}
        assert gateway.authority.calls == [("machine", "echo")] * 2


async def test_a_token_that_is_not_good_any_more_is_renewed_once_for_all_who_wait(vault):
    async with machine(vault) as gateway:
        await gateway.call()
        gateway.authority.expire()
        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(gateway.call)
        assert len(gateway.authority.forms) == 2
        assert len(gateway.authority.calls) == 11


async def test_a_token_is_renewed_before_it_ends(vault):
    async with machine(vault, life=1) as gateway:
        await gateway.call()
        ends = time.time() + 1
        await eventually(lambda: time.time() > ends)
        await gateway.call()
        assert len(gateway.authority.forms) >= 2
        assert len(gateway.authority.calls) == 2


async def test_a_named_token_url_needs_no_discovery(vault):
    async with protected_server(secrets={"tg": "s"}, scopes_needed=("a",)) as (authority, _):
        auth = ClientCredentialsAuth("tg", "s", scopes=("a", "b"), token_url=f"{authority.origin}/token")
        async with gateway_at(authority.url, auth, vault) as gateway:
            await gateway.call()
        assert not [path for path in authority.paths if "well-known" in path]
        assert authority.forms[0]["scope"] == "a b"


async def test_a_missing_scope_is_asked_for_beside_those_of_before(vault):
    async with machine(vault) as gateway:
        await gateway.call()
        gateway.authority.scopes_needed = ("tools", "write")
        await gateway.call()
        assert gateway.authority.forms[-1]["scope"] == "tools write"
        gateway.authority.tokens = {
            token: {**who, "scopes": []} for token, who in gateway.authority.tokens.items()
        }
        with pytest.raises(ToolServerFault, match="scopes that it was given"):
            await gateway.call()


async def test_a_private_key_signs_in_the_place_of_a_secret(vault):
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    async with machine(vault, ClientCredentialsAuth("tg", private_key=pem)) as gateway:
        await gateway.call()
        (form,) = gateway.authority.forms
        assert form["client_assertion_type"].endswith(":jwt-bearer")
        import jwt

        claims = jwt.decode(
            form["client_assertion"], key.public_key(), algorithms=["ES256"], audience=gateway.authority.origin
        )
        assert (claims["iss"], claims["sub"]) == ("tg", "tg")


async def test_a_secret_goes_to_the_authorization_server_that_got_it_first_and_to_no_other(vault):
    async with machine(vault) as gateway:
        await gateway.call()
        gateway.authority.expire()
        async with protected_server() as (thief, _):
            gateway.authority.issuers = [thief.origin]
            with pytest.raises(ToolServerDown, match="not the one for which"):
                await gateway.call()
            assert thief.paths == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"issuer": "https://else.example"}, "issued by another one"),
        ({"resource": "https://else.example/mcp"}, "another resource"),
        ({"metadata": {"token_endpoint": "http://10.1.2.3/token"}}, "token_endpoint of its .* is not https"),
        ({"without": ("token_endpoint",)}, "no token endpoint"),
        ({"token_status": 503}, "HTTP 503"),
    ],
)
async def test_metadata_that_cannot_be_trusted_leaves_the_server_down_and_no_secret_is_sent(vault, wrong, message):
    async with machine(vault, **wrong) as gateway:
        (status,) = gateway.hub.statuses()
        assert status.state == "down"
        with pytest.raises(ToolServerDown, match=message):
            await gateway.call()
        assert "s3cret" not in str(status)


# --- each user's own ---------------------------------------------------------------------------------------------


@both_eras
async def test_a_user_connects_by_the_link_in_the_error_and_calls_again(vault, era):
    async with users(vault, era=era) as gateway:
        (status,) = gateway.hub.statuses()
        assert (status.state, status.error) == ("down", "none of its users has connected to it yet")
        await gateway.connect(gateway.authority, user=ALICE)
        assert await gateway.call(user=ALICE) == '{"a": 1}'
        assert gateway.authority.calls == [("alice", "echo")]
        (asked,) = gateway.authority.asked
        assert (asked["resource"], asked["scope"]) == (gateway.authority.url, "tools")
        assert (asked["code_challenge_method"], asked["response_type"]) == ("S256", "code")
        (document,) = gateway.authority.registrations
        assert (document["application_type"], document["redirect_uris"]) == ("native", [PLACE.redirect_uri])
        assert gateway.hub.statuses()[0].state == "ready"


@both_eras
async def test_two_users_and_a_key_are_never_mixed(vault, era):
    async with users(vault, era=era) as gateway:
        for user in (ALICE, BOB, None):
            await gateway.connect(gateway.authority, user=user)
        names = ["sleep", "echo", "fail"]

        async def many(user, tool):
            for _ in range(10):
                await gateway.call(user=user, tool=tool)

        async with anyio.create_task_group() as tasks:
            for user, tool in zip((ALICE, BOB, None), names, strict=True):
                tasks.start_soon(many, user, tool)
        assert set(gateway.authority.calls) == {("alice", "sleep"), ("bob", "echo"), ("agent", "fail")}
        assert len(gateway.authority.calls) == 30
        assert len(gateway.authority.registrations) == 1


@both_eras
async def test_whoever_has_not_connected_is_served_with_nobody_elses_credentials(vault, era):
    async with users(vault, era=era) as gateway:
        await gateway.connect(gateway.authority, user=ALICE)
        assert "/connect/remote?ticket=" in await gateway.link(user=BOB)
        assert "/connect/remote?ticket=" in await gateway.link()
        assert "/connect/remote?ticket=" in await gateway.link("other", ALICE)
        assert gateway.authority.calls == []


async def test_a_server_for_users_alone_refuses_calls_without_one(vault):
    async with users(vault, UserAuth(per="user")) as gateway:
        with pytest.raises(ToolServerNotConnected, match="no user was proven"):
            await gateway.call()


async def test_a_server_with_credentials_of_keys_does_not_look_at_users(vault):
    async with users(vault, UserAuth(per="key")) as gateway:
        await gateway.connect(gateway.authority)
        await gateway.call(user=ALICE)
        assert gateway.authority.calls == [("agent", "echo")]


@both_eras
async def test_tokens_survive_a_restart_and_nothing_of_them_is_on_the_disk_in_clear(vault, tmp_path, era):
    async with protected_server(era=era) as (authority, _):
        async with gateway_at(authority.url, UserAuth(), vault) as gateway:
            await gateway.connect(authority, user=ALICE)
        async with gateway_at(authority.url, UserAuth(), vault) as gateway:
            await eventually(lambda: gateway.hub.catalogue.by_name)
            await gateway.call(user=ALICE)
        secrets = [*authority.tokens, *authority.refreshes]
        assert len(secrets) >= 2
        for file in tmp_path.glob("toolgate.db*"):
            held = file.read_bytes()
            assert not [secret for secret in secrets if secret.encode() in held]


async def test_tokens_for_a_server_are_not_sent_to_what_comes_to_be_called_so(vault):
    async with protected_server() as (authority, _), protected_server() as (other, _):
        async with gateway_at(authority.url, UserAuth(), vault) as gateway:
            await gateway.connect(authority, user=ALICE)
        async with gateway_at(other.url, UserAuth(), vault) as gateway:
            await gateway.link(user=ALICE)
        assert other.calls == []


@both_eras
async def test_a_refused_token_is_renewed_once_for_all_and_refresh_tokens_rotate(vault, era):
    async with users(vault, era=era) as gateway:
        await gateway.connect(gateway.authority, user=ALICE)
        await gateway.call(user=ALICE)
        for _ in range(3):
            gateway.authority.expire()
            async with anyio.create_task_group() as tasks:
                for _ in range(5):
                    tasks.start_soon(gateway.call, "agent", ALICE)
        assert len(gateway.authority.calls) == 16
        used = [form["refresh_token"] for form in gateway.authority.grants("refresh_token")]
        assert len(used) == len(set(used)) == 3


async def test_when_nothing_renews_a_token_the_user_is_asked_to_sign_in_again(vault):
    async with users(vault) as gateway:
        await gateway.connect(gateway.authority, user=ALICE)
        gateway.authority.expire()
        gateway.authority.refreshes.clear()
        await gateway.link(user=ALICE)
        await gateway.connect(gateway.authority, user=ALICE)
        await gateway.call(user=ALICE)
        assert len(gateway.authority.registrations) == 1


async def test_an_authorization_server_that_is_down_costs_no_connection(vault):
    async with users(vault) as gateway:
        await gateway.connect(gateway.authority, user=ALICE)
        gateway.authority.expire()
        gateway.authority.token_status = 503
        with pytest.raises(ToolServerDown, match="could not be renewed"):
            await gateway.call(user=ALICE)
        gateway.authority.token_status = 200
        await gateway.call(user=ALICE)


async def test_a_missing_scope_leads_to_a_sign_in_that_asks_for_all_of_them(vault):
    async with users(vault) as gateway:
        await gateway.connect(gateway.authority, user=ALICE)
        gateway.authority.scopes_needed = ("write",)
        await gateway.connect(gateway.authority, user=ALICE)
        assert gateway.authority.asked[-1]["scope"] == "tools write"
        await gateway.call(user=ALICE)


async def test_a_user_who_disconnects_has_no_tokens_here_or_there(vault):
    async with users(vault) as gateway:
        await gateway.connect(gateway.authority, user=ALICE)
        server = gateway.connecting.servers["remote"]
        assert await gateway.connecting.disconnect(server, f"agent/{ALICE.id}")
        assert not await gateway.connecting.disconnect(server, f"agent/{ALICE.id}")
        assert len(gateway.authority.revoked) == 2
        assert gateway.authority.tokens == {}
        await gateway.link(user=ALICE)


# --- sign-ins that are not what they seem ------------------------------------------------------------------------


async def refused(gateway, answer, browser="the browser", message="."):
    with pytest.raises(OAuthFault, match=message) as caught:
        await gateway.connecting.finish(answer, browser)
    return caught.value.message


async def test_an_answer_is_good_once(vault):
    async with users(vault) as gateway:
        answer = await gateway.answer(await gateway.link(user=ALICE))
        assert await gateway.connecting.finish(answer, "the browser") == "remote"
        await refused(gateway, answer, message="is over")
        assert len(gateway.authority.grants("authorization_code")) == 1


@pytest.mark.parametrize("changed", [{"state": "remote.x.y"}, {"state": ""}, {"code": ""}, {"error": "s3cret"}])
async def test_a_changed_answer_is_refused_and_its_code_not_used(vault, changed):
    async with users(vault) as gateway:
        answer = await gateway.answer(await gateway.link(user=ALICE))
        told = await refused(gateway, {**answer, **changed})
        assert "s3cret" not in told
        assert gateway.authority.forms == []


async def test_who_follows_a_link_of_somebody_else_cannot_end_it_in_another_browser(vault):
    async with users(vault) as gateway:
        answer = await gateway.answer(await gateway.link(user=ALICE))
        await refused(gateway, answer, browser="another browser", message="not begun here")
        assert gateway.authority.forms == []


@pytest.mark.parametrize(
    ("iss", "advertised", "is_good"),
    [
        ("right", True, True),
        ("right", False, True),
        (None, False, True),
        (None, True, False),
        ("https://else.example", True, False),
        ("https://else.example", False, False),
    ],
)
async def test_the_issuer_in_an_answer_is_compared_to_the_letter(vault, iss, advertised, is_good):
    metadata = {"authorization_response_iss_parameter_supported": advertised}
    async with users(vault, iss=iss, metadata=metadata) as gateway:
        answer = await gateway.answer(await gateway.link(user=ALICE))
        if is_good:
            await gateway.connecting.finish(answer, "the browser")
        else:
            await refused(gateway, answer, message="not from the authorization server")
        assert bool(gateway.authority.forms) is is_good


async def test_the_issuer_is_not_normalised(vault):
    async with users(vault) as gateway:
        answer = await gateway.answer(await gateway.link(user=ALICE))
        await refused(gateway, {**answer, "iss": f"{answer['iss']}/"}, message="not from the authorization server")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"without": ("code_challenge_methods_supported",)}, "PKCE"),
        ({"metadata": {"code_challenge_methods_supported": ["plain"]}}, "PKCE"),
        ({"issuer": "https://else.example"}, "issued by another one"),
        ({"resource": "https://else.example/mcp"}, "another resource"),
        ({"without": ("registration_endpoint",)}, "takes no unknown clients"),
        ({"metadata": {"authorization_endpoint": "javascript:alert(1)"}}, "authorization_endpoint of its"),
        ({"metadata": {"token_endpoint": "http://example.com/token"}}, "is not https"),
    ],
)
async def test_nobody_is_sent_where_signing_in_is_not_safe(vault, wrong, message):
    async with users(vault, **wrong) as gateway:
        link = await gateway.link(user=ALICE)
        with pytest.raises(OAuthFault, match=message):
            await gateway.answer(link)
        assert gateway.authority.asked == []


async def test_a_link_is_good_for_one_server_and_not_for_ever(vault):
    async with users(vault) as gateway:
        text = dict(parse_qsl(urlsplit(await gateway.link(user=ALICE)).query))["ticket"]
        assert gateway.connecting.ticket("remote", text).label == "alice (through the key agent)"
        for server, changed in (("other", text), ("remote", text[:-2]), ("remote", ""), ("remote", "é")):
            with pytest.raises(OAuthFault, match="not good any more"):
                gateway.connecting.ticket(server, changed)


async def test_a_client_that_the_operator_registered_goes_before_all_others(vault):
    auth = UserAuth(client_id="ours", client_secret="s3cret", scopes=("a",))
    metadata = {"client_id_metadata_document_supported": True}
    async with users(vault, auth, metadata=metadata, scopes_needed=("a",)) as gateway:
        await gateway.connect(gateway.authority, user=ALICE)
        assert gateway.authority.registrations == []
        assert (gateway.authority.asked[0]["client_id"], gateway.authority.asked[0]["scope"]) == ("ours", "a")


async def test_without_metadata_of_its_own_a_server_is_taken_to_issue_its_tokens(vault):
    async with users(vault, without=("prm",), challenge="", scopes_needed=()) as gateway:
        await gateway.connect(gateway.authority, user=ALICE)
        await gateway.call(user=ALICE)

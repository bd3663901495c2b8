"""`toolgate lock` of servers that want tokens: the gateway's own, or those that a user has signed in for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import anyio.from_thread
import httpx2
import pytest
import yaml

from gateway.auth import User
from gateway.config.server_auth import UserAuth
from gateway.hub import Credentials, HttpServerSpec, PublicPlace, label_of
from gateway.store import SealedCredentials, open_database
from tests.support.authorities import Authority, protected_server
from tests.support.shells import SECRET, Shell

PLACE = PublicPlace("http://127.0.0.1:8484")
MACHINE = {"type": "client_credentials", "client_id": "tg", "client_secret": "s3cret&="}
ALICE = User("https://id.example", "alice")


class Remote:
    """A server that wants tokens, beside the commands of a test; and another issuer of such."""

    def __init__(
        self, portal: anyio.from_thread.BlockingPortal, authority: Authority, other: Authority, folder: Path
    ) -> None:
        self.portal = portal
        self.authority = authority
        self.other = other
        self.folder = folder

    def connect(self, subject: str, user: User | None = None) -> None:
        """Let somebody sign in, as through a running gateway."""
        self.portal.call(self._connect, subject, user)

    async def _connect(self, subject: str, user: User | None) -> None:
        spec = HttpServerSpec("remote", self.authority.url, auth=UserAuth())
        self.authority.login = user.subject if user else subject
        async with open_database(f"sqlite:///{self.folder}/state/toolgate.db") as database:
            vault = await SealedCredentials.open(database, self.folder / "state")
            connecting = Credentials([spec], vault, PLACE).connecting
            link = connecting.link("remote", subject, label_of(subject, user))
            ticket = connecting.ticket("remote", dict(parse_qsl(urlsplit(link).query))["ticket"])
            async with httpx2.AsyncClient() as client:
                back = (await client.get(await connecting.begin(ticket, "the browser"))).headers["location"]
            await connecting.finish(dict(parse_qsl(urlsplit(back).query)), "the browser")


@pytest.fixture
def remote(shell: Shell) -> Iterator[Remote]:
    (shell.folder / "state").mkdir(mode=0o700)
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(protected_server(secrets={"tg": "s3cret&="})) as (authority, _),
        portal.wrap_async_context_manager(protected_server(resource=authority.url)) as (other, _),
    ):
        yield Remote(portal, authority, other, shell.folder)


def configure(shell: Shell, remote: Remote, auth: dict[str, Any]) -> None:
    document = {
        "version": 1,
        "providers": {"local": {"base_url": "http://127.0.0.1:9/v1"}},
        "mcpServers": {"remote": {"url": remote.authority.url, "auth": auth}},
        "keys": {"agent": {"secret": SECRET, "policies": ["all"]}},
        "policy_files": ["policies.yaml"],
        "storage": {"state_dir": "state", "cache_dir": "cache"},
    }
    policy = "version: 1\npolicies:\n  all: {allow: ['remote/*']}\n"
    shell.write({"gateway.yaml": yaml.safe_dump(document), "policies.yaml": policy})


def test_a_server_that_the_gateway_has_credentials_for_is_locked_with_them(shell: Shell, remote: Remote):
    configure(shell, remote, MACHINE)
    ended = shell.run("lock")
    assert (ended.status, "  + echo: added" in ended.out) == (0, True), ended.err
    assert remote.authority.grants("client_credentials")
    assert shell.run("lock", "check").status == 0


def test_credentials_that_are_refused_are_told_and_nothing_is_locked(shell: Shell, remote: Remote):
    configure(shell, remote, {**MACHINE, "client_secret": "wrong"})
    ended = shell.run("lock")
    assert ended.status == 1
    assert "the gateway could get no token: its authorization server refused with HTTP 400" in ended.err
    assert "wrong" not in ended.err
    assert not (shell.folder / "tools.lock").exists()


def test_a_server_of_users_is_locked_with_the_token_of_a_user_who_is_named(shell: Shell, remote: Remote):
    configure(shell, remote, {"type": "oauth"})
    remote.connect("agent")
    remote.connect(f"agent/{ALICE.id}", ALICE)
    ended = shell.run("lock", "--as-user", "alice")
    assert (ended.status, "  + echo: added" in ended.out) == (0, True), ended.err
    assert shell.run("lock", "check", "--as-user", "alice (through the key agent)").status == 0
    assert shell.run("lock", "diff", "--as-user", "agent").status == 0


def test_a_token_that_is_over_is_renewed_and_what_renews_it_next_is_kept(shell: Shell, remote: Remote):
    configure(shell, remote, {"type": "oauth"})
    remote.connect(f"agent/{ALICE.id}", ALICE)
    for _ in range(2):
        remote.authority.expire()
        assert shell.run("lock", "--as-user", "alice").status == 0
    assert len(remote.authority.grants("refresh_token")) == 2


def test_whose_token_to_take_must_be_said(shell: Shell, remote: Remote):
    configure(shell, remote, {"type": "oauth"})
    remote.connect(f"agent/{ALICE.id}", ALICE)
    ended = shell.run("lock")
    assert ended.status == 1
    assert "with --as-user USER; it is not locked" in ended.err
    assert not (shell.folder / "tools.lock").exists()


def test_a_user_who_has_not_connected_is_told_what_to_do(shell: Shell, remote: Remote):
    configure(shell, remote, {"type": "oauth"})
    ended = shell.run("lock", "--as-user", "bob")
    assert ended.status == 1
    assert "'bob' has not connected to it: call one of its tools through a running gateway as" in ended.err
    remote.connect(f"agent/{ALICE.id}", ALICE)
    ended = shell.run("lock", "--as-user", "bob")
    assert "'bob' has not connected to it (connected: alice (through the key agent)): " in ended.err
    assert ended.status == 1


def test_a_sign_in_that_is_over_is_told_and_what_to_do(shell: Shell, remote: Remote):
    configure(shell, remote, {"type": "oauth"})
    remote.connect(f"agent/{ALICE.id}", ALICE)
    remote.authority.expire()
    remote.authority.refreshes.clear()
    ended = shell.run("lock", "--as-user", "alice")
    assert ended.status == 1
    assert "the sign-in of 'alice' does not list its tools, or is not good any more: call one" in ended.err


def test_naming_a_user_where_no_server_has_any_is_refused(shell: Shell, remote: Remote):
    configure(shell, remote, MACHINE)
    ended = shell.run("lock", "--as-user", "alice")
    assert (ended.status, ended.err.splitlines()) == (
        2,
        [
            "error: --as-user is of no use: users sign in to none of these servers",
            "hint: leave it out: it is for servers with `auth: {type: oauth}`",
        ],
    )


def issuer_in(shell: Shell) -> Any:
    return yaml.safe_load((shell.folder / "tools.lock").read_text())["servers"]["remote"]["source"].get("issuer")


def test_who_issues_the_tokens_is_locked_and_another_one_is_a_difference(shell: Shell, remote: Remote):
    configure(shell, remote, {"type": "oauth"})
    remote.connect(f"agent/{ALICE.id}", ALICE)
    assert shell.run("lock", "--as-user", "alice").status == 0
    assert issuer_in(shell) == remote.authority.origin
    remote.authority.issuers = [remote.other.origin]
    for command in ("check", "diff"):
        ended = shell.run("lock", command, "--as-user", "alice")
        assert ended.status == (1 if command == "check" else 0)
        was, now = (f"issuer {one.origin}" for one in (remote.authority, remote.other))
        assert [line.strip()[:2] for line in ended.out.splitlines() if was in line] == ["- "]
        assert [line.strip()[:2] for line in ended.out.splitlines() if now in line] == ["+ "]
    assert shell.run("lock", "--as-user", "alice").status == 0
    assert issuer_in(shell) == remote.other.origin


def test_an_issuer_that_cannot_be_found_out_is_no_difference_and_is_told_where_none_was(
    shell: Shell, remote: Remote
):
    configure(shell, remote, {"type": "oauth"})
    remote.connect(f"agent/{ALICE.id}", ALICE)
    remote.authority.without = ("token_endpoint",)
    ended = shell.run("lock", "--as-user", "alice")
    assert "remote: it cannot be found out who issues its tokens; it is left out" in ended.err
    assert (ended.status, issuer_in(shell)) == (0, None)
    remote.authority.without = ()
    assert shell.run("lock", "--as-user", "alice").status == 0
    remote.authority.without = ("token_endpoint",)
    assert shell.run("lock", "check", "--as-user", "alice").status == 0
    assert issuer_in(shell) == remote.authority.origin


def test_a_server_whose_issuer_is_another_one_is_hidden_from_everybody(shell: Shell, remote: Remote):
    configure(shell, remote, MACHINE)
    assert shell.run("lock").status == 0
    assert [one["tool"] for one in shell.run("tools", "list", "--json").json["tools"]]
    remote.authority.issuers = [remote.other.origin]
    assert shell.run("tools", "list", "--json").json["tools"] == []
    (told,) = shell.run("servers", "--json").json["servers"]
    (drift,) = told["drift"]
    assert (drift["tool"], drift["change"], drift["action"]) == ("*", "source", "hidden")
    assert remote.other.forms == []


@pytest.mark.parametrize("auth", [{"type": "oauth"}, MACHINE])
def test_doctor_tells_who_issues_the_tokens_and_sends_no_secret(
    shell: Shell, remote: Remote, auth: dict[str, Any]
):
    configure(shell, remote, auth)
    (found,) = servers_found(shell)
    assert (found["state"], found["subject"]) == ("ok", "remote")
    assert found["message"] == f"answers, and {remote.authority.origin} issues its tokens"
    remote.authority.without = ("token_endpoint",)
    (found,) = servers_found(shell)
    assert found["state"] == "fail"
    assert "no tokens can be had for it" in found["message"]
    assert remote.authority.forms == remote.authority.registrations == []


def test_doctor_tells_that_another_issuer_was_locked(shell: Shell, remote: Remote):
    configure(shell, remote, MACHINE)
    assert shell.run("lock").status == 0
    assert servers_found(shell)[0]["state"] == "ok"
    remote.authority.issuers = [remote.other.origin]
    (found,) = servers_found(shell)
    assert (found["state"], remote.other.forms) == ("fail", [])
    assert "is not the one that was locked" in found["message"]
    assert "lock the server again" in found["hint"]


def servers_found(shell: Shell) -> list[Any]:
    return [one for one in shell.run("doctor", "--json").json["findings"] if one["area"] == "server"]

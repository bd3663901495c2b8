"""`mcpServers.X.auth`: what it may say, and what is wrong with it."""

from __future__ import annotations

import pytest

from gateway.config.server_auth import ClientCredentialsAuth, UserAuth

URL = "url: 'https://h/mcp'"
OURS = "auth: {type: client_credentials, client_id: a, client_secret: s3cret-of-ours, scopes: 'x y'}"


def _config(folder, server):
    return folder.load_with(f"mcpServers:\n  s: {server}\n")


def test_both_ways_are_read(folder):
    (own,) = _config(
        folder,
        f"{{{URL}, {OURS}}}",
    ).servers
    assert own.auth == ClientCredentialsAuth("a", "s3cret-of-ours", scopes=("x", "y"))
    assert "s3cret" not in repr(own)
    (users,) = _config(folder, f"{{{URL}, auth: {{type: oauth, scopes: [x], per: user}}}}").servers
    assert users.auth == UserAuth(scopes=("x",), per="user")


def test_its_secrets_are_known_to_the_log(folder):
    config = _config(folder, f"{{{URL}, {OURS}}}")
    assert "s3cret-of-ours" in config.secrets


def test_a_clients_own_form_is_warned_about_and_left_out(folder):
    (server,) = _config(folder, f"{{{URL}, auth: {{CLIENT_ID: x}}}}").servers
    assert server.auth is None


@pytest.mark.parametrize(
    ("server", "message"),
    [
        ("{url: 'http://h/mcp', auth: {type: oauth}}", "unencrypted"),
        ("{command: x, auth: {type: oauth}}", "gets no tokens"),
        (f"{{{URL}, headers: {{Authorization: x}}, auth: {{type: oauth}}}}", "a header gives credentials"),
        (f"{{{URL}, auth: {{type: client_credentials, client_id: a}}}}", "client_secret or a private_key"),
        (f"{{{URL}, auth: {{type: oauth, client_secret: a}}}}", "of no use without its client_id"),
        (f"{{{URL}, auth: {{type: oauth, issuer: 'http://h'}}}}", "unencrypted"),
        (f"{{{URL}, auth: {{type: client_credentials, client_id: a, private_key: x}}}}", "key as PEM"),
        (f"{{{URL}, auth: {{type: basic}}}}", "client_credentials"),
        (f"{{{URL}, auth: {{type: oauth, scopes: ['a b']}}}}", "scopes"),
    ],
)
def test_what_is_wrong_is_said(folder, server, message):
    told = "\n".join(str(problem) for problem in folder.problems_with(f"mcpServers:\n  s: {server}\n"))
    assert message in told

"""`mcpServers.X.auth`: what it may say, and what is wrong with it."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.config import is_loopback
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


def _pem(key: object) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


BAD_KEYS = {
    "cannot be read": "-----BEGIN PRIVATE KEY-----\nc2VjcmV0LW9mLW91cnM=\n-----END PRIVATE KEY-----\n",
    "another kind": _pem(ed25519.Ed25519PrivateKey.generate()),
    "less than 2048 bits": _pem(rsa.generate_private_key(65537, 1024)),
}


@pytest.mark.parametrize("words", BAD_KEYS)
def test_a_key_that_cannot_sign_is_told_with_its_place_and_never_shown(folder, words):
    folder.write("key.pem", BAD_KEYS[words])
    auth = "auth: {type: client_credentials, client_id: a, private_key: '${file:key.pem}'}"
    (problem,) = folder.problems_with(f"mcpServers:\n  s: {{{URL}, {auth}}}\n")
    assert (problem.line, problem.field) == (4, "mcpServers.s.auth.private_key")
    assert words in problem.message
    assert BAD_KEYS[words].splitlines()[1] not in str(problem)


def test_a_key_that_can_sign_is_taken(folder):
    folder.write("key.pem", _pem(ec.generate_private_key(ec.SECP256R1())))
    auth = "auth: {type: client_credentials, client_id: a, private_key: '${file:key.pem}'}"
    (server,) = _config(folder, f"{{{URL}, {auth}}}").servers
    assert server.auth.private_key.startswith("-----BEGIN")


@pytest.mark.parametrize(
    ("more", "is_warned"),
    [
        ("listen: {host: 0.0.0.0}\n", True),
        ("listen: {host: 127.0.0.1}\n", False),
        ("listen: {host: 0.0.0.0}\nmcp_endpoint: {public_url: 'https://tools.example'}\n", False),
    ],
)
def test_links_to_sign_in_that_lead_nowhere_are_warned_about(folder, more, is_warned):
    config = folder.load_with(f"{more}mcpServers:\n  s: {{{URL}, auth: {{type: oauth}}}}\n")
    found = [(one.field, one.hint) for one in config.warnings if "users sign in by links" in one.message]
    assert found == (
        [("mcpServers.s.auth", "say it: mcp_endpoint: {public_url: https://...}")] if is_warned else []
    )


@pytest.mark.parametrize(
    ("host", "is_here"),
    [
        ("localhost", True),
        ("a.localhost", True),
        ("127.0.0.2", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:10.0.0.1", False),
        ("10.0.0.1", False),
        ("localhost.example", False),
        ("", False),
    ],
)
def test_what_means_this_machine_alone_is_known_in_every_form(host, is_here):
    assert is_loopback(host) is is_here

"""Issuers of tokens, in the configuration."""

from __future__ import annotations

import json

import pytest

from gateway.config import IssuerConfig
from gateway.config.config import KeyRuleConfig
from tests.support.issuing import jwk
from tests.unit.config.folders import Folder

SECRET = "a-secret-of-the-issuer-that-is-long-enough"
ALL = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})


def issuers(folder: Folder, written: str, more: str = "") -> tuple[IssuerConfig, ...]:
    return folder.load_with(f"identity: {{issuers: {{corp: {{{written}}}}}}}\n{more}").issuers


def test_an_issuer_needs_to_be_named_and_to_say_whom_its_tokens_are_for(folder: Folder):
    (issuer,) = issuers(folder, "issuer: https://id.example, audience: toolgate")
    assert issuer == IssuerConfig("corp", "https://id.example", frozenset({"toolgate"}), ALL)


def test_tokens_are_for_the_address_of_the_gateway_where_that_is_known(folder: Folder):
    (issuer,) = issuers(
        folder, "issuer: https://id.example", "mcp_endpoint: {public_url: 'https://tools.example/'}"
    )
    assert issuer.audiences == {"https://tools.example", "https://tools.example/"}


def test_claims_lead_to_keys_in_the_order_of_the_file(folder: Folder):
    (issuer,) = issuers(
        folder,
        "issuer: https://id.example, audience: a, keys: [{key: a, when: {groups: [staff, 'it-*'], admin: true}},"
        " {key: a}]",
    )
    assert issuer.rules == (
        KeyRuleConfig("a", (("groups", ("staff", "it-*")), ("admin", (True,)))),
        KeyRuleConfig("a"),
    )


def test_keys_may_lie_in_a_file(folder: Folder):
    folder.write("keys.json", json.dumps({"keys": [jwk("rsa")]}))
    (issuer,) = issuers(folder, "issuer: corp, audience: a, jwks_file: keys.json")
    assert issuer.jwks is not None
    assert json.loads(issuer.jwks)["keys"][0]["kid"] == "rsa"


def test_a_shared_secret_stays_out_of_sight(folder: Folder):
    config = folder.load_with(f"identity: {{issuers: {{c: {{issuer: c, audience: a, secret: {SECRET}}}}}}}")
    assert config.issuers[0].algorithms == {"HS256"}
    assert SECRET not in repr(config)
    assert SECRET in config.secrets


@pytest.mark.parametrize(
    ("written", "field", "message"),
    [
        ("audience: a", "issuer", "is missing"),
        ("issuer: https://id.example", "audience", "tokens for anybody would be good here"),
        ("issuer: https://id.example, audience: []", "audience", "must not be empty"),
        ("issuer: corp, audience: a", "issuer", "must be an http or https URL"),
        ("issuer: 'http://id.example', audience: a", "issuer", "could be anybody's"),
        ("issuer: c, audience: a, jwks_url: 'http://id.example/k'", "jwks_url", "could be anybody's"),
        ("issuer: c, audience: a, jwks_url: 'file:///etc/passwd'", "jwks_url", "must be an http or https URL"),
        ("issuer: c, audience: a, jwks_file: nothing", "jwks_file", "nothing"),
        (f"issuer: c, audience: a, jwks_url: 'https://i/k', secret: {SECRET}", "secret", "gives keys as well"),
        ("issuer: c, audience: a, secret: short", "secret", "could be guessed"),
        (f"issuer: c, audience: a, secret: {SECRET}, algorithms: [HS512]", "secret", "64 bytes that HS512 needs"),
        (f"issuer: c, audience: a, secret: {SECRET}, algorithms: [RS256]", "algorithms[0]", "for public keys"),
        ("issuer: 'https://i', audience: a, algorithms: [HS256]", "algorithms[0]", "for a secret"),
        ("issuer: 'https://i', audience: a, algorithms: [none]", "algorithms[0]", "must be"),
        ("issuer: 'https://i', audience: a, leeway: 3600", "leeway", "at most 300"),
        ("issuer: 'https://i', audience: a, keys: [{key: other}]", "keys[0].key", "no key has this name"),
        ("issuer: 'https://i', audience: a, keys: [{key: a, when: {n: 1}}]", "keys[0].when.n", "must be a text"),
        ("issuer: 'https://i', audience: a, keys: [{key: a, when: {n: []}}]", "keys[0].when.n", "must be a text"),
        ("issuer: 'https://i', audience: a, keys: [{key: a, wen: {n: x}}]", "keys[0].wen", "no such setting"),
        ("issuer: 'https://i', audience: a, keys: [{key: a}], mcp_sign_in: true", "mcp_sign_in", "which address"),
        ("issuer: 'https://i', audience: a, mcp_sign_in: true", "mcp_sign_in", "acts as a key"),
        ("issuer: c, audience: a, jwks_url: 'https://i/k', mcp_sign_in: true", "mcp_sign_in", "no URL"),
        ("issuer: 'https://i', audience: a, scopes: ['a b']", "scopes[0]", ""),
        ("issuer: 'https://i', audience: a, scopes: ['a\"']", "scopes[0]", ""),
        ("issuer: 'https://i', audiences: a", "audiences", "no such setting"),
    ],
)
def test_a_mistake_is_told_where_it_stands(folder: Folder, written: str, field: str, message: str):
    problems = folder.problems_with(f"identity: {{issuers: {{corp: {{{written}}}}}}}")
    where = f"identity.issuers.corp.{field}"
    assert any(problem.field == where and message in problem.message for problem in problems), problems
    assert not any(SECRET in str(problem) for problem in problems)


def test_two_issuers_are_not_one(folder: Folder):
    one = "{issuer: 'https://i', audience: a}"
    (problem,) = folder.problems_with(f"identity: {{issuers: {{a: {one}, b: {one}}}}}")
    assert (problem.field, problem.message) == ("identity.issuers.b.issuer", "is that of a as well")

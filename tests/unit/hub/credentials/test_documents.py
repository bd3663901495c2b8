"""Metadata and tokens as servers write them: what of them is used, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.hub.credentials.challenges import Challenge
from gateway.hub.credentials.clients import Client, PublicPlace, read_registration
from gateway.hub.credentials.faults import OAuthFault
from gateway.hub.credentials.metadata import (
    ServerMetadata,
    read_resource_metadata,
    read_server_metadata,
    resource_metadata_urls,
    server_metadata_urls,
)
from gateway.hub.credentials.tickets import TICKET_LIFE, Tickets
from gateway.hub.credentials.tokens import read_tokens
from gateway.store.sealing import Sealer

MCP = "https://mcp.example/a/mcp"
AS = ServerMetadata("https://as.example", "https://as.example/token")


def test_metadata_is_looked_for_where_the_challenge_says_or_at_the_known_places():
    assert resource_metadata_urls(MCP, Challenge("https://m.example/x")) == ["https://m.example/x"]
    assert resource_metadata_urls(MCP, Challenge()) == [
        "https://mcp.example/.well-known/oauth-protected-resource/a/mcp",
        "https://mcp.example/.well-known/oauth-protected-resource",
    ]
    assert server_metadata_urls("https://as.example") == [
        "https://as.example/.well-known/oauth-authorization-server",
        "https://as.example/.well-known/openid-configuration",
    ]
    assert server_metadata_urls("https://as.example/t1") == [
        "https://as.example/.well-known/oauth-authorization-server/t1",
        "https://as.example/.well-known/openid-configuration/t1",
        "https://as.example/t1/.well-known/openid-configuration",
    ]


@pytest.mark.parametrize(
    "resource", [MCP, "https://mcp.example/a", "https://mcp.example", "https://MCP.example:443/"]
)
def test_metadata_may_be_about_the_server_or_the_whole_that_it_is_a_part_of(resource):
    document = {"resource": resource, "authorization_servers": ["https://as.example"]}
    assert read_resource_metadata(document, server_url=MCP).resource == resource


@pytest.mark.parametrize(
    "resource",
    [
        "https://mcp.example/a/m",
        "https://mcp.example/b",
        "https://else.example/a/mcp",
        "http://mcp.example/a/mcp",
        "",
        5,
    ],
)
def test_metadata_about_another_resource_is_refused(resource):
    with pytest.raises(OAuthFault, match="another resource"):
        read_resource_metadata({"resource": resource, "authorization_servers": ["https://a"]}, server_url=MCP)


@pytest.mark.parametrize("issuer", ["https://as.example/", "https://AS.example", "https://as.example:443", None])
def test_an_issuer_is_the_same_to_the_letter(issuer):
    with pytest.raises(OAuthFault, match="another one"):
        read_server_metadata({"issuer": issuer, "token_endpoint": "https://x/t"}, issuer="https://as.example")


@given(
    st.dictionaries(
        st.sampled_from(["issuer", "token_endpoint", "scopes_supported", "resource"]),
        st.none() | st.integers() | st.text() | st.lists(st.text() | st.integers()),
    )
)
def test_no_document_makes_anything_but_a_fault(document):
    for read in (
        lambda: read_resource_metadata(document, server_url=MCP),
        lambda: read_server_metadata(document, issuer="https://as.example"),
        lambda: read_tokens(200, document, asked=(), now=0.0),
    ):
        with pytest.raises(OAuthFault):
            read()


@pytest.mark.parametrize(
    ("said", "renew_at"),
    [(3600, 1000 + 3540), ("100", 1000 + 90), (None, None), (0, None), (True, None), ("x", None)],
)
def test_a_token_is_renewed_ahead_of_its_end(said, renew_at):
    document = {"access_token": "t", "token_type": "bearer", "expires_in": said}
    assert read_tokens(200, document, asked=("a",), now=1000.0).renew_at == renew_at


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX: y", "ä", None, "a" * 20_000])
def test_what_no_header_could_carry_is_no_token(token):
    with pytest.raises(OAuthFault, match="no bearer token"):
        read_tokens(200, {"access_token": token, "token_type": "Bearer"}, asked=(), now=0.0)


def test_no_secret_is_in_what_is_shown_of_tokens_and_clients():
    tokens = read_tokens(
        200, {"access_token": "s3cret", "token_type": "Bearer", "refresh_token": "s3cret"}, asked=(), now=0.0
    )
    assert "s3cret" not in repr(tokens) + repr(Client("id", "s3cret", "s3cret"))


def test_a_refusal_is_told_by_its_code_and_not_by_its_description():
    with pytest.raises(OAuthFault) as caught:
        read_tokens(400, {"error": "invalid_grant", "error_description": "s3cret"}, asked=(), now=0.0)
    assert (caught.value.code, caught.value.is_passing) == ("invalid_grant", False)
    assert "s3cret" not in caught.value.message


def test_a_client_says_who_it_is_as_the_server_takes_it():
    assert Client("id").sign({}, AS, now=0) == ({"client_id": "id"}, {})
    form, headers = Client("a:b", "c d").sign({}, AS, now=0)
    assert (form, headers) == ({}, {"Authorization": "Basic YSUzQWI6Yytk"})
    posting = ServerMetadata("https://a", "https://a/t", methods=("client_secret_post",))
    assert Client("id", "s").sign({}, posting, now=0) == ({"client_id": "id", "client_secret": "s"}, {})


def test_a_registration_is_asked_for_without_a_secret_where_that_will_do():
    place = PublicPlace("https://tools.example")
    asked = place.registration(ServerMetadata("https://a", "https://a/t", methods=("client_secret_post", "none")))
    assert (asked["token_endpoint_auth_method"], asked["application_type"]) == ("none", "web")
    assert PublicPlace("http://localhost:1").registration(AS)["application_type"] == "native"
    assert read_registration({"client_id": "x"}, asked) == Client("x", method="none")
    with pytest.raises(OAuthFault):
        read_registration({"client_id": "x", "token_endpoint_auth_method": "tls_client_auth"}, asked)


def test_a_ticket_is_good_for_a_while_and_readable_by_its_maker_alone():
    now = [1000.0]
    tickets = Tickets(Sealer(bytes(32)), clock=lambda: now[0])
    text = tickets.make("github", "agent/alice", "Alice")
    assert "alice" not in text.lower()
    assert tickets.read(text, "github").subject == "agent/alice"
    assert tickets.read(text, "gitlab") is None
    assert Tickets(Sealer(bytes([1] * 32)), clock=lambda: now[0]).read(text, "github") is None
    now[0] += TICKET_LIFE
    assert tickets.read(text, "github") is None

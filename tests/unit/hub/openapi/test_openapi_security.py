"""What operations want of credentials is mapped to what the operator has, or refused in words."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.config.server_config import Password
from gateway.hub import DocumentFault
from gateway.hub.openapi import Held, read_api
from gateway.hub.openapi.requests import build_request
from gateway.hub.openapi.security import Placed, Security
from gateway.hub.openapi.sent import cookie_names, secrets_of, sent_with
from gateway.hub.openapi.values import ArgumentFault

from .documents import written

SCHEMES: dict[str, Any] = {
    "in-header": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "in-query": {"type": "apiKey", "in": "query", "name": "the key"},
    "in-cookie": {"type": "apiKey", "in": "cookie", "name": "sid"},
    "basic": {"type": "http", "scheme": "Basic"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "digest": {"type": "http", "scheme": "digest"},
    "oidc": {"type": "openIdConnect", "openIdConnectUrl": "https://id.example/.well-known/openid-configuration"},
    "machine": {
        "type": "oauth2",
        "flows": {"clientCredentials": {"tokenUrl": "https://id.example/token", "scopes": {}}},
    },
    "people": {
        "type": "oauth2",
        "flows": {
            "authorizationCode": {
                "authorizationUrl": "https://id.example/authorize",
                "tokenUrl": "https://id.example/token",
                "scopes": {"read": "to read"},
            }
        },
    },
    "old": {"type": "oauth2", "flows": {"implicit": {"authorizationUrl": "https://id.example/a", "scopes": {}}}},
    "tls": {"type": "mutualTLS"},
    "odd": {"type": "apiKey", "in": "body", "name": "key"},
    "gone": {"$ref": "#/components/securitySchemes/nowhere"},
}
ANOTHER = {"/other": {"get": {"operationId": "other", "security": [], "responses": {}}}}


def api_with(tmp_path, security: Any, held: Held, *, whole: Any = None, **operation: Any):
    own = {} if security is None else {"security": security}
    document = {
        "paths": {"/a": {"get": {"operationId": "op", **own, **operation}}, **ANOTHER},
        "components": {"securitySchemes": SCHEMES},
        **({} if whole is None else {"security": whole}),
    }
    return read_api(written(tmp_path, document), held=held)


def held(**forms: Any) -> Held:
    return Held({name.replace("_", "-"): form for name, form in forms.items()})


@pytest.mark.parametrize(
    ("scheme", "credential", "headers", "query", "cookies"),
    [
        ("in-header", "k3y", {"x-key": "k3y"}, (), ()),
        ("in-query", "k&y=", {}, ("the%20key=k%26y%3D",), ()),
        ("in-cookie", "k3y;", {}, (), ("sid=k3y%3B",)),
        ("bearer", "t0k", {"authorization": "Bearer t0k"}, (), ()),
        ("machine", "t0k", {"authorization": "Bearer t0k"}, (), ()),
        ("oidc", "t0k", {"authorization": "Bearer t0k"}, (), ()),
        ("basic", Password("me", "s3cret"), {"authorization": "Basic bWU6czNjcmV0"}, (), ()),
        ("tls", None, {}, (), ()),
        ("digest", None, {}, (), ()),
    ],
)
def test_a_credential_goes_where_the_document_wants_it(tmp_path, scheme, credential, headers, query, cookies):
    form = "elsewhere" if credential is None else "password" if isinstance(credential, Password) else "text"
    api = api_with(tmp_path, [{scheme: []}], Held({scheme: form}))
    assert not api.left_out
    sent = sent_with(api.operations["op"].security, {scheme: credential})
    assert (sent.headers, sent.query, sent.cookies) == (headers, query, cookies)
    assert sent_with(api.operations["other"].security, {scheme: credential}) == sent_with(Security(), {})
    request = build_request(api.operations["op"], api.base, {}, sent)
    assert request.url == f"{api.base.prefix}/a{'?' + query[0] if query else ''}"


@pytest.mark.parametrize(
    ("scheme", "what", "hint"),
    [
        (
            "in-header",
            "it wants an API key (security scheme 'in-header'), and there is none",
            "credentials: {in-h",
        ),
        ("in-cookie", "it wants an API key", 'credentials: {in-cookie: "${VARIABLE}"}'),
        ("basic", "it wants a name and a password", "username: ..., password:"),
        ("bearer", "it wants a token", "or auth"),
        ("machine", "it wants a token of OAuth", "client_secret: ..., token_url: https://id.example/token}"),
        ("people", "it wants a token of OAuth", "auth: {type: oauth}"),
        ("old", "it wants a token of OAuth", "its flows are not used"),
        ("oidc", "it wants a token of OpenID Connect", "issuer"),
        ("digest", "of a kind that is not supported (http digest)", "credentials: {digest: false}"),
        ("tls", "of a kind that is not supported (mutualTLS)", "credentials: {tls: false}"),
        ("odd", "an apiKey needs a name, and is in a header, the query or a cookie", None),
        ("gone", "not in this document", None),
        ("none of them", "there is no security scheme 'none of them'", None),
    ],
)
def test_an_operation_without_its_credential_is_left_out_in_words(tmp_path, scheme, what, hint):
    api = api_with(tmp_path, [{scheme: []}], Held())
    (left_out,) = api.left_out
    problem = left_out.fault.problem
    assert (left_out.name, list(api.operations)) == ("op", ["other"])
    assert what in problem.message
    assert hint is None or hint in problem.hint
    assert problem.line is not None


@pytest.mark.parametrize("scheme", ["tls", "digest"])
def test_what_cannot_be_sent_is_refused_whatever_is_given(tmp_path, scheme):
    api = api_with(tmp_path, [{scheme: []}], Held({scheme: "text"}))
    assert "cannot be sent" in api.left_out[0].fault.problem.message


@pytest.mark.parametrize(
    ("scheme", "form"), [("basic", "text"), ("in-header", "password"), ("bearer", "password")]
)
def test_a_credential_of_the_wrong_form_is_refused(tmp_path, scheme, form):
    api = api_with(tmp_path, [{scheme: []}], Held({scheme: form}))
    assert "the credential for it must be a" in api.left_out[0].fault.problem.message


@pytest.mark.parametrize(
    ("scheme", "given"),
    [
        ("in-header", Held(headers=frozenset({"x-key"}))),
        ("in-query", Held(query=frozenset({"the key"}))),
        ("in-cookie", Held(cookies=frozenset({"sid"}))),
        ("basic", Held(headers=frozenset({"authorization"}))),
        ("people", Held(headers=frozenset({"authorization"}))),
        ("digest", Held(headers=frozenset({"authorization"}))),
    ],
)
def test_what_goes_with_every_request_will_do(tmp_path, scheme, given):
    assert api_with(tmp_path, [{scheme: []}], given).operations["op"].security == Security()


def test_the_first_alternative_for_which_all_is_there_is_taken(tmp_path):
    wanted = [{"in-header": [], "bearer": []}, {"in-query": []}]
    only_key = api_with(tmp_path, wanted, held(in_header="text", in_query="text")).operations["op"].security
    assert only_key.placed == (Placed("in-query", "query", "the key"),)
    both = api_with(tmp_path, wanted, held(in_header="text", bearer="text")).operations["op"].security
    assert [one.scheme for one in both.placed] == ["in-header", "bearer"]


def test_an_operation_that_can_do_without_is_sent_without_or_with_what_there_is(tmp_path):
    assert api_with(tmp_path, [{}, {"bearer": []}], Held()).operations["op"].security == Security()
    given = api_with(tmp_path, [{}, {"bearer": []}], held(bearer="text")).operations["op"].security
    assert given.placed == (Placed("bearer", "header", "authorization", "bearer"),)
    assert api_with(tmp_path, [], Held(has_tokens=True)).operations["op"].security == Security()


def test_what_the_whole_document_wants_holds_for_operations_that_do_not_say(tmp_path):
    api = api_with(tmp_path, None, held(bearer="text"), whole=[{"bearer": []}])
    assert api.operations["op"].security.placed
    assert not api.operations["other"].security.placed


@pytest.mark.parametrize("scheme", ["bearer", "machine", "people", "oidc"])
def test_tokens_that_are_fetched_serve_every_scheme_that_takes_tokens(tmp_path, scheme):
    api = api_with(tmp_path, [{scheme: []}], Held(has_tokens=True))
    assert api.operations["op"].security == Security(with_token=True)


def test_tokens_are_no_api_keys(tmp_path):
    assert api_with(tmp_path, [{"in-header": []}], Held(has_tokens=True)).left_out


def test_with_tokens_a_document_that_says_nothing_of_security_gets_them(tmp_path):
    document = {"paths": {"/a": {"get": {"operationId": "op"}}}, "components": {"securitySchemes": SCHEMES}}
    api = read_api(written(tmp_path, document), held=Held(has_tokens=True))
    assert api.operations["op"].security.with_token
    assert not api_with(tmp_path, None, Held(has_tokens=True)).operations["op"].security.with_token


def test_no_argument_is_made_of_a_parameter_that_is_a_credential(tmp_path):
    listed = [
        {"name": "X-Key", "in": "header", "required": True, "schema": {}},
        {"name": "the key", "in": "query", "required": True, "schema": {}},
        {"name": "q", "in": "query", "schema": {}},
    ]
    given = held(in_header="text", in_query="text")
    api = api_with(tmp_path, [{"in-header": [], "in-query": []}], given, parameters=listed)
    schema = api.operations["op"].definition["inputSchema"]
    assert (list(schema["properties"]), "required" in schema) == (["q"], False)


def test_credentials_for_schemes_that_there_are_not_are_told(tmp_path):
    assert api_with(tmp_path, [], held(bearer="text", baerer="text")).unknown == ("baerer",)


def test_where_nothing_is_left_for_want_of_credentials_that_is_said_once(tmp_path):
    document = {
        "security": [{"bearer": []}],
        "paths": {f"/{number}": {"get": {"operationId": f"op{number}"}} for number in range(3)},
        "components": {"securitySchemes": SCHEMES},
    }
    with pytest.raises(DocumentFault, match="it wants a token"):
        read_api(written(tmp_path, document))


def test_credentials_are_hidden_in_every_form_in_which_they_are_sent():
    secrets = secrets_of({"Cookie": "a=b"}, (), {"k": "k3y;12&", "b": Password("me", "s3cret"), "e": None})
    for form in ("k3y;12&", "k3y%3B12%26", "k3y%3B12&", "s3cret", "bWU6czNjcmV0"):
        assert secrets.hide(f"<{form}>") == "<[hidden]>"
    assert "k3y" not in repr(secrets)


def test_the_names_of_cookies_are_read_from_the_operators_header():
    assert cookie_names({"COOKIE": "a=1; sid=x=y;b"}) == {"a", "sid"}
    assert cookie_names({"X": "a=1"}) == frozenset()


def test_no_object_in_the_query_can_hold_the_name_of_a_credential(tmp_path):
    listed = [{"name": "f", "in": "query", "schema": {"type": "object"}}]
    api = api_with(tmp_path, [{"in-query": []}], held(in_query="text"), parameters=listed)
    with pytest.raises(ArgumentFault, match="the name of another parameter"):
        build_request(api.operations["op"], api.base, {"f": {"the key": "mine"}})


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("header", "X Key"),
        ("header", "X-Key\r\nX-Other"),
        ("header", "Host"),
        ("cookie", "a; b"),
        ("cookie", "a\n"),
    ],
)
def test_a_key_whose_place_http_does_not_have_is_refused(tmp_path, place, name):
    document = {
        "security": [{"odd": []}],
        "paths": {"/": {"get": {"operationId": "op"}}},
        "components": {"securitySchemes": {"odd": {"type": "apiKey", "in": place, "name": name}}},
    }
    with pytest.raises(DocumentFault, match=r"securitySchemes/odd.*HTTP allows|cannot be sent"):
        read_api(written(tmp_path, document), held=held(odd="text"))


def test_what_stands_in_the_query_of_the_url_is_hidden_as_it_stands_there_and_as_it_means():
    secrets = secrets_of({}, [("key", "qu/ery+secret")], {})
    for form in ("qu/ery+secret", "qu%2Fery%2Bsecret"):
        assert secrets.hide(f"<{form}>") == "<[hidden]>"

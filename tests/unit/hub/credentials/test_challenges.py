"""`WWW-Authenticate` as servers write it, well or badly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.hub.credentials.challenges import Challenge, read_challenges, read_scopes

URL = "https://mcp.example/.well-known/oauth-protected-resource?a=b"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], Challenge()),
        (["Bearer"], Challenge()),
        ([f'Bearer resource_metadata="{URL}"'], Challenge(URL)),
        ([f"bearer resource_metadata={URL}, scope=read"], Challenge(URL, ("read",))),
        (['Bearer realm="a, b", scope="read  write read"'], Challenge(None, ("read", "write"))),
        (
            [f'Basic realm="x", Bearer error="invalid_token", resource_metadata="{URL}"'],
            Challenge(URL, (), "invalid_token"),
        ),
        (["Negotiate YWJj==", 'Bearer scope="a"'], Challenge(None, ("a",))),
        (['Bearer scope="a", DPoP scope="b", error="c"'], Challenge(None, ("a",))),
        ([r'Bearer error="say \"no\""'], Challenge(None, (), 'say "no"')),
        (['Basic scope="not ours"'], Challenge()),
    ],
)
def test_the_bearer_challenge_is_found_among_others(headers, expected):
    assert read_challenges(headers) == expected


@given(st.lists(st.text(max_size=200), max_size=4))
def test_nothing_that_a_server_writes_is_an_error(headers):
    challenge = read_challenges(headers)
    assert len(challenge.scopes) <= 64


def test_what_cannot_be_a_scope_is_left_out_and_there_are_not_too_many():
    assert read_scopes('a "b" c\\d \x00 e') == ("a", "e")
    assert len(read_scopes(" ".join(f"s{n}" for n in range(1000)))) == 64
    assert read_scopes(None) == ()

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.auth import Callers, KeyId, Keyring, Principal, User, owner_of
from gateway.errors import AuthenticationFailed

ANN = User("https://id.example", "ann")
AGENT = Principal(KeyId("agent-1"), ("*",), (), "auto")

texts = st.text(max_size=40)
users = st.builds(User, texts, texts)


@given(users, users)
def test_two_users_have_one_id_only_when_they_are_the_same(one: User, other: User):
    assert (one.id == other.id) is (one == other)


def test_issuer_and_subject_do_not_run_into_each_other():
    assert User("https://id.example/a", "b").id != User("https://id.example/", "ab").id
    assert User("a:1", "b").id != User("a", "1:b").id


@given(users)
def test_an_id_can_stand_in_a_path_a_header_and_a_column(user: User):
    assert re.fullmatch(r"[0-9a-f]{64}", user.id)


def test_an_id_is_the_same_for_ever():
    assert ANN.id == "eb71ff68383913efbf6dbc1c479fdbcef9ea188cb2cbf79bf33c3735321e8cc3"


def test_what_is_kept_belongs_to_the_key_or_to_one_user_behind_it():
    ann = dataclasses.replace(AGENT, user=ANN)
    ben = dataclasses.replace(AGENT, user=User(ANN.issuer, "ben"))
    other = dataclasses.replace(ann, key_id=KeyId("agent-2"))
    assert AGENT.owner == "agent-1"
    assert len({AGENT.owner, ann.owner, ben.owner, other.owner}) == 4
    assert ann.owner == owner_of(KeyId("agent-1"), ANN) == f"agent-1/{ANN.id}"


async def test_a_user_who_cannot_be_verified_is_not_taken_for_nobody():
    callers = Callers(Keyring([("secret-of-agent", AGENT)]))
    bearer = {"authorization": "Bearer secret-of-agent"}
    assert await callers.identify(bearer) is AGENT
    for given_user in ("", "ann", "a.b.c"):
        with pytest.raises(AuthenticationFailed) as caught:
            await callers.identify({**bearer, "x-toolgate-user": given_user})
        assert caught.value.code == "invalid_user_token"

from __future__ import annotations

import pytest

from gateway.auth import Callers, KeyId, Keyring, Principal, bearer_token
from gateway.errors import AuthenticationFailed

ANN = Principal(KeyId("ann"), ("*",), (), "auto")
BOB = Principal(KeyId("bob"), (), ("readers",), "off")
SECRETS = ("tg-ann-secret", "tg-bob-secret-ü")


@pytest.fixture
def keyring() -> Keyring:
    return Keyring(zip(SECRETS, (ANN, BOB), strict=True))


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer tg-ann-secret"},
        {"authorization": "bearer   tg-ann-secret  "},
        {"x-api-key": "tg-ann-secret"},
        {"x-api-key": " tg-ann-secret "},
        {"authorization": "Bearer tg-ann-secret", "x-api-key": "tg-bob-secret-ü"},
        {"authorization": "Basic abc", "x-api-key": "tg-ann-secret"},
        {"authorization": "Bearer ", "x-api-key": "tg-ann-secret"},
    ],
)
async def test_a_key_is_known_by_its_secret(keyring, headers):
    assert await Callers(keyring).identify(headers) is ANN


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "tg-ann-secret"},
        {"authorization": "Bearer tg-ann-secre"},
        {"authorization": "Bearer TG-ANN-SECRET"},
        {"authorization": "Bearer tg-ann-secret x"},
        {"authorization": "Bearer wrong", "x-api-key": "tg-ann-secret"},
        {"x-api-key": "\udcff"},
    ],
)
async def test_everything_else_is_refused_in_the_same_words(keyring, headers):
    with pytest.raises(AuthenticationFailed) as caught:
        await Callers(keyring).identify(headers)
    assert caught.value.status == 401
    assert caught.value.message == (
        "no valid API key was given; send one of this gateway's keys as `Authorization: Bearer <key>`"
    )


async def test_an_empty_keyring_lets_nobody_in():
    with pytest.raises(AuthenticationFailed):
        await Callers(Keyring([])).identify({"authorization": "Bearer "})


def test_secrets_are_forgotten_at_once(keyring):
    assert not any(secret in repr(vars(keyring)) for secret in SECRETS)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ([("same", ANN), ("same", BOB)], "the keys ann and bob have the same secret"),
        ([("", ANN)], "the key ann has an empty secret"),
    ],
)
def test_keys_that_cannot_be_told_apart_are_refused_without_naming_the_secret(keys, told):
    with pytest.raises(ValueError, match=f"^{told}$"):
        Keyring(keys)


@pytest.mark.parametrize(
    ("value", "token"), [("Bearer abc", "abc"), ("BEARER abc", "abc"), ("Basic abc", ""), ("Bearer", ""), ("", "")]
)
def test_a_bearer_token_is_what_follows_the_scheme(value, token):
    assert bearer_token({"authorization": value}) == token

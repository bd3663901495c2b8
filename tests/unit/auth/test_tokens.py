"""What is taken for a token of a user's, and what is not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from gateway.auth import User
from gateway.auth.identity import FixedKeys, Issuers, IssuerSettings, TokenRefused, read_key_set, secret_key
from gateway.auth.identity.issuers import MOST_KEPT
from tests.support.issuing import AUDIENCE, Issuer, encoded, jwk, private_key

ALL = frozenset({"RS256", "PS256", "ES256", "ES384", "EdDSA"})
SECRET = "a shared secret that is long enough for HS256"


def trusting(issuer: Issuer, **more: Any) -> Issuers:
    settings = IssuerSettings(issuer.issuer, frozenset({AUDIENCE}), **{"algorithms": ALL, **more})
    return Issuers([(settings, FixedKeys(read_key_set(issuer.key_set)))])


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer("https://id.example", "rsa", "ec", "ec384", "ed")


@pytest.mark.parametrize("key", ["rsa", "ec", "ec384", "ed"])
async def test_a_token_that_its_issuer_signed_names_the_user(issuer: Issuer, key: str):
    vouched = await trusting(issuer).vouch(issuer.token(key))
    assert vouched.user == User("https://id.example", "ann")
    assert vouched.key_id is None


@pytest.mark.parametrize("aud", [AUDIENCE, [AUDIENCE], ["https://other.example", AUDIENCE]])
async def test_a_token_may_be_for_others_as_well(issuer: Issuer, aud: Any):
    assert (await trusting(issuer).vouch(issuer.token(aud=aud))).user.subject == "ann"


@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "at+jwt", "application/at+jwt"])
async def test_a_token_may_say_that_it_is_one(issuer: Issuer, typ: str | None):
    assert await trusting(issuer).vouch(issuer.token(header={"typ": typ} if typ else {}))


class FromNow(int):
    """Seconds from the moment at which a test runs, which may be long after it was collected."""


REFUSED: dict[str, dict[str, Any]] = {
    "expired": {"exp": FromNow(-31)},
    "without an end": {"exp": None},
    "whose end is a text": {"exp": "4102444800"},
    "whose end is true": {"exp": True},
    "whose end is a list": {"exp": [4102444800]},
    "whose end is no number": {"exp": float("nan")},
    "for ever and ever": {"exp": float("inf")},
    "not yet valid": {"nbf": FromNow(90)},
    "not valid at a text": {"nbf": "0"},
    "signed in the future": {"iat": FromNow(90)},
    "for somebody else": {"aud": "https://other.example"},
    "for others": {"aud": ["https://other.example", f"{AUDIENCE}.evil.example"]},
    "for a part of us": {"aud": AUDIENCE[:-1]},
    "for us in another case": {"aud": AUDIENCE.upper()},
    "for us beneath": {"aud": f"{AUDIENCE}/"},
    "for us among what is no text": {"aud": [AUDIENCE, 1]},
    "for a mapping": {"aud": {AUDIENCE: True}},
    "for nobody": {"aud": None},
    "for an empty list": {"aud": []},
    "of another issuer": {"iss": "https://other.example"},
    "of the issuer with a slash": {"iss": "https://id.example/"},
    "of the issuer among others": {"iss": ["https://id.example"]},
    "of no issuer": {"iss": None},
    "without a user": {"sub": None},
    "of an empty user": {"sub": ""},
    "of a number": {"sub": 1},
    "of a list of users": {"sub": ["ann"]},
    "of a user beyond bounds": {"sub": "a" * 256},
    "of a user with a line end": {"sub": "ann\n"},
    "of a user with a NUL": {"sub": "ann\0"},
    "of a user in another direction": {"sub": "ann\u202e"},
    "of a lone surrogate": {"sub": "ann\ud800"},
}


@pytest.mark.parametrize("claims", REFUSED.values(), ids=REFUSED.keys())
async def test_no_other_token_is_taken_however_well_it_is_signed(issuer: Issuer, claims: dict[str, Any]):
    now = int(time.time())
    claims = {name: now + value if isinstance(value, FromNow) else value for name, value in claims.items()}
    with pytest.raises(TokenRefused):
        await trusting(issuer).vouch(issuer.token(**claims))


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "unknown"},
        {"kid": ""},
        {"kid": "../../../../dev/null"},
        {"kid": "rsa' OR '1'='1"},
        {"kid": "rsa\0"},
        {"kid": "RSA"},
        {"kid": "x" * 257},
        {"kid": "ec"},
        {"kid": 1},
        {"kid": ["rsa"]},
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"typ": "logout+jwt"},
        {"typ": "dpop+jwt"},
        {"typ": 1},
    ],
    ids=str,
)
async def test_no_header_opens_a_door(issuer: Issuer, header: dict[str, Any]):
    with pytest.raises(TokenRefused):
        await trusting(issuer).vouch(issuer.token(header=header))


@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "nOnE", "", "HS256", "RS256", "XX999", None, 1, ["RS256"]]
)
@pytest.mark.parametrize("signature", ["", "AA"])
async def test_a_token_that_nobody_signed_is_refused(issuer: Issuer, alg: Any, signature: str):
    token = f"{encoded({'alg': alg, 'kid': 'rsa', 'typ': 'JWT'})}.{encoded(issuer.claims())}.{signature}"
    with pytest.raises(TokenRefused):
        await trusting(issuer).vouch(token)
    with pytest.raises(TokenRefused):
        await trusting(issuer, algorithms=frozenset({"none", "HS256", "RS256"})).vouch(token)


@pytest.mark.parametrize("form", ["pem", "der", "jwk", "modulus"])
async def test_a_public_key_is_never_taken_for_a_shared_secret(issuer: Issuer, form: str):
    public = private_key("rsa").public_key()
    secrets = {
        "pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "der": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "jwk": json.dumps(jwk("rsa")).encode(),
        "modulus": jwk("rsa")["n"].encode(),
    }
    signed = f"{encoded({'alg': 'HS256', 'kid': 'rsa', 'typ': 'JWT'})}.{encoded(issuer.claims())}"
    token = f"{signed}.{encoded(hmac.digest(secrets[form], signed.encode(), hashlib.sha256))}"
    for algorithms in (ALL, ALL | {"HS256"}):  # the latter is what no configuration can say
        with pytest.raises(TokenRefused):
            await trusting(issuer, algorithms=algorithms).vouch(token)


async def test_a_key_that_a_token_brings_along_is_not_looked_at(issuer: Issuer):
    mine = "rsa-mine"
    for brought in (
        {"jwk": jwk(mine)},
        {"jku": "http://127.0.0.1:1/keys"},
        {"x5u": "http://127.0.0.1:1/keys"},
        {"x5c": [base64.b64encode(b"certificate").decode()]},
    ):
        for kid in ({}, {"kid": "rsa"}):
            token = issuer.token(mine, header={**kid, **brought})
            with pytest.raises(TokenRefused):
                await trusting(issuer).vouch(token)
        assert await trusting(issuer).vouch(issuer.token(header=brought))  # and does no harm


async def test_an_algorithm_that_the_issuer_does_not_use_is_refused_although_its_key_could(issuer: Issuer):
    claims, key = issuer.claims(), private_key("rsa")
    token = jwt.encode(claims, key, "PS256", headers={"kid": "rsa"})
    assert await trusting(issuer).vouch(token)
    with pytest.raises(TokenRefused, match="algorithm"):
        await trusting(issuer, algorithms=frozenset({"RS256"})).vouch(token)


async def test_one_issuers_keys_sign_nothing_for_another():
    one, other = Issuer("https://one.example", "rsa"), Issuer("https://other.example", "rsa-2")
    settings = [IssuerSettings(each.issuer, frozenset({AUDIENCE}), ALL) for each in (one, other)]
    both = Issuers(
        (each, FixedKeys(read_key_set(issuer.key_set)))
        for each, issuer in zip(settings, (one, other), strict=True)
    )
    assert (await both.vouch(other.token("rsa-2"))).user.issuer == other.issuer
    for kid in ("rsa", "rsa-2"):
        with pytest.raises(TokenRefused):
            await both.vouch(one.token("rsa-2", header={"kid": kid}))


async def test_a_token_without_the_id_of_its_key_is_for_the_only_one_that_fits():
    issuer = Issuer("https://id.example", "rsa", "ec", "ec-2")
    bare = jwt.encode(issuer.claims(), private_key("rsa"), "RS256")
    assert await trusting(issuer).vouch(bare)
    for key in ("ec", "ec-2"):
        with pytest.raises(TokenRefused):
            await trusting(issuer).vouch(jwt.encode(issuer.claims(), private_key(key), "ES256"))


async def test_a_changed_token_is_refused(issuer: Issuer):
    head, body, signature = issuer.token().split(".")
    other = encoded(issuer.claims(sub="ben"))
    for token in (
        f"{head}.{other}.{signature}",
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{head}.{body}.",
        f"{head}.{body}",
        f".{body}.{signature}",
        f"{head}.{body}.{signature}.",
        f"{head}.{body}.{signature}=",
        f" {head}.{body}.{signature}",
        f"{head}.{body}.{signature}\n",
        f"{head}.{body}.{signature}, {head}.{body}.{signature}",
        f"{head}.{body}.{signature}é",
        f"{head}.{encoded(b'[]')}.{signature}",
        f"{encoded(b'[' * 3000)}.{body}.{signature}",
        f"{head}.{encoded(b'[' * 3000)}.{signature}",
        "",
        "..",
        "ann",
    ):
        with pytest.raises(TokenRefused):
            await trusting(issuer).vouch(token)


async def test_what_is_signed_may_be_nested_as_it_likes_and_numbers_as_long(issuer: Issuer):
    deep = f'{{"iss": "{issuer.issuer}", "sub": {"[" * 5000}{"]" * 5000}}}'
    for payload in (deep, '{"exp": ' + "9" * 5000 + "}", '{"exp": 1e999}', "\ud800", '"text"', "[]", "null"):
        signed = f"{encoded({'alg': 'RS256', 'kid': 'rsa'})}.{encoded(payload.encode('utf-8', 'surrogatepass'))}"
        signature = jwt.get_algorithm_by_name("RS256").sign(signed.encode(), private_key("rsa"))
        with pytest.raises(TokenRefused):
            await trusting(issuer).vouch(f"{signed}.{encoded(signature)}")
    assert await trusting(issuer).vouch(issuer.token(exp=10**400))


async def test_a_token_beyond_bounds_is_refused_before_it_is_read(issuer: Issuer):
    with pytest.raises(TokenRefused, match="form"):
        await trusting(issuer).vouch(issuer.token(more="x" * 16 * 1024))
    assert await trusting(issuer).vouch(issuer.token(more="x" * 8 * 1024))


@given(st.text(max_size=200) | st.text("abcXYZ019-_.", max_size=200))
async def test_anything_else_is_refused_and_never_an_error(text: str):
    with pytest.raises(TokenRefused):
        await trusting(Issuer()).vouch(text)


@given(
    st.dictionaries(
        st.sampled_from(["iss", "aud", "sub", "exp", "iat", "nbf", "scope"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
            max_leaves=5,
        ),
    )
)
async def test_whatever_an_issuer_signs_is_taken_or_refused_and_never_an_error(claims: dict[str, Any]):
    issuer = Issuer()
    token = issuer.token(**claims)
    try:
        vouched = await trusting(issuer).vouch(token)
    except TokenRefused:
        return
    assert vouched.user.issuer == issuer.issuer
    assert vouched.user.subject


async def test_a_shared_secret_is_good_where_it_is_configured():
    issuer = Issuer("https://id.example")
    settings = IssuerSettings(issuer.issuer, frozenset({AUDIENCE}), frozenset({"HS256"}))
    issuers = Issuers([(settings, FixedKeys(secret_key(SECRET, settings.algorithms)))])
    for kid in (None, "any"):
        token = jwt.encode(issuer.claims(), SECRET, "HS256", headers={"kid": kid} if kid else None)
        assert (await issuers.vouch(token)).user.subject == "ann"
    other = jwt.encode(issuer.claims(), f"{SECRET}!", "HS256")
    stronger = jwt.encode(issuer.claims(), SECRET * 2, "HS512")
    for token in (other, stronger, issuer.token()):
        with pytest.raises(TokenRefused):
            await issuers.vouch(token)
    assert SECRET not in repr(vars(issuers))


async def test_another_claim_may_name_the_user(issuer: Issuer):
    by_mail = trusting(issuer, user_claim="email")
    token = issuer.token(email="ann@example.com")
    assert (await by_mail.vouch(token)).user.subject == "ann@example.com"
    verified = issuer.token(email="ann@example.com", email_verified=True)
    assert (await by_mail.vouch(verified)).user.subject == "ann@example.com"
    with pytest.raises(TokenRefused, match="verified"):
        await by_mail.vouch(issuer.token(email="ann@example.com", email_verified=False))


class Counting(FixedKeys):
    """Counts who asks for keys."""

    asked = 0

    async def keys_for(self, kid: str | None, algorithm: str) -> Any:
        Counting.asked += 1
        return await super().keys_for(kid, algorithm)


async def test_a_token_is_verified_once_until_it_ends(issuer: Issuer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Counting, "asked", 0)
    now = time.time()
    settings = IssuerSettings(issuer.issuer, frozenset({AUDIENCE}), ALL)
    issuers = Issuers([(settings, Counting(read_key_set(issuer.key_set)))], clock=lambda: now)
    token, other = issuer.token(exp=int(now) + 60), issuer.token("ec", exp=int(now) + 60)
    first = await issuers.vouch(token)
    assert await issuers.vouch(token) is first
    assert (await issuers.vouch(other)).user == first.user
    assert Counting.asked == 2
    now += 91
    await issuers.vouch(token)  # by the real clock it still holds; what was kept does not count any more
    assert Counting.asked == 3


async def test_whom_a_token_is_for_is_asked_each_time(issuer: Issuer):
    issuers = trusting(issuer)
    token = issuer.token(aud=f"{AUDIENCE}/mcp")
    assert await issuers.vouch(token, audiences=frozenset({f"{AUDIENCE}/mcp"}))
    with pytest.raises(TokenRefused, match="somebody else"):
        await issuers.vouch(token)


async def test_no_more_verified_tokens_are_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gateway.auth.identity.issuers.MOST_KEPT", 3)
    issuer = Issuer("https://id.example", "ed")
    issuers = trusting(issuer)
    tokens = [issuer.token("ed", sub=f"user-{number}") for number in range(5)]
    for token in tokens:
        await issuers.vouch(token)
    (kept,) = (one.kept for one in issuers._issuers.values())
    assert len(kept) == 3
    assert MOST_KEPT == 4096
    assert not any(token in repr(vars(issuers)) for token in tokens)

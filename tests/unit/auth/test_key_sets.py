"""Which keys of an issuer's may verify, and with which algorithms."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm

from gateway.auth.identity import KeySet, KeySetFault, read_key_set
from gateway.config.identity_documents import PublicAlgorithm
from tests.support.issuing import jwk, private_key


def key_set(*keys: Any) -> KeySet:
    return read_key_set(json.dumps({"keys": list(keys), "more": 1}).encode())


def test_each_key_says_with_which_algorithms_it_may_be_used():
    keys = key_set(jwk("rsa"), jwk("rsa-ps", alg="PS256"), jwk("ec"), jwk("ec384"), jwk("ed")).keys
    assert [sorted(key.algorithms) for key in keys] == [
        ["PS256", "PS384", "PS512", "RS256", "RS384", "RS512"],
        ["PS256"],
        ["ES256"],
        ["ES384"],
        ["EdDSA"],
    ]
    assert isinstance(keys[0].key, RSAPublicKey)
    assert isinstance(keys[2].key, EllipticCurvePublicKey)


def test_what_can_be_configured_are_algorithms_of_keys_that_are_read():
    p521 = {"kty": "EC", "crv": "P-521", "x": "", "y": ""}
    assert not set(get_args(PublicAlgorithm)) & {"none", "HS256"}
    readable = {
        name for key in key_set(jwk("rsa"), jwk("ec"), jwk("ec384"), jwk("ed")).keys for name in key.algorithms
    }
    assert set(get_args(PublicAlgorithm)) == readable | {"ES512"}
    with pytest.raises(KeySetFault):
        key_set(p521)


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "oct", "k": "c2VjcmV0LXRoYXQtaXMtbG9uZy1lbm91Z2gtZm9yLWhzMjU2"},
        {"kty": "oct", "k": "c2VjcmV0LXRoYXQtaXMtbG9uZy1lbm91Z2gtZm9yLWhzMjU2", "alg": "HS256"},
        jwk("rsa", use="enc"),
        jwk("rsa", use=1),
        jwk("rsa", key_ops=["sign"]),
        jwk("rsa", key_ops="verify"),
        jwk("rsa", alg="RSA-OAEP"),
        jwk("rsa", alg="none"),
        jwk("rsa", alg="HS256"),
        jwk("rsa", alg="ES256"),
        jwk("ec", alg="ES384"),
        jwk("ec", alg=["ES256"]),
        jwk("ec", crv="P-384"),
        jwk("ec", crv="secp256k1"),
        jwk("ec", crv=["P-256"]),
        jwk("ec", x="AAAA", y="AAAA"),
        jwk("rsa", kty="EC"),
        jwk("rsa", kty=["RSA"]),
        jwk("rsa", n=1),
        jwk("rsa", n=""),
        jwk("rsa", n="!"),
        jwk("rsa", n="AA"),
        jwk("rsa", e="AQ"),
        jwk("rsa", e="AAAA"),
        jwk("rsa", kid=1),
        jwk("rsa", kid="x" * 257),
        jwk("rsa1024"),
        jwk("rsa", n="_" * 2000),
        {"kty": "RSA"},
        {"kid": "rsa"},
        {},
        [],
        "rsa",
        None,
    ],
    ids=lambda key: json.dumps(key)[:60],
)
def test_a_key_that_may_not_verify_is_left_out_and_the_others_are_not(key: Any):
    assert key_set(key, jwk("ec-good")) == key_set(jwk("ec-good"))
    with pytest.raises(KeySetFault, match="none of its keys"):
        key_set(key)


def test_what_is_private_of_a_key_is_not_even_read():
    private = RSAAlgorithm.to_jwk(private_key("rsa"), as_dict=True)
    (key,) = key_set({**private, "kid": "rsa", "key_ops": ["verify"]}).keys
    assert isinstance(key.key, RSAPublicKey)
    assert private["d"] not in repr(key) + repr(key.material)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"null", b"{}", b'{"keys": {}}', b'{"keys": []}', b"[" * 10_000, b"\xff"]
)
def test_what_is_no_set_of_keys_is_refused_in_words_that_quote_nothing(data: bytes):
    with pytest.raises(KeySetFault):
        read_key_set(data)


def test_of_very_many_keys_the_first_are_read():
    ones = [{**jwk("ec"), "kid": f"ec-{number}"} for number in range(150)]
    assert len(key_set(*ones).keys) == 100


def test_a_token_is_tried_with_few_keys_whatever_they_are_called():
    nameless = {name: value for name, value in jwk("ec").items() if name != "kid"}
    keys = key_set(*([nameless] * 20), *([jwk("ec")] * 20))
    assert len(keys.fitting("ec", "ES256")) == 4
    assert not keys.fitting(None, "ES256")
    assert not keys.fitting("ec", "RS256")


@given(
    st.binary(max_size=300)
    | st.recursive(
        st.none()
        | st.booleans()
        | st.text(max_size=8)
        | st.sampled_from(["RSA", "EC", "OKP", "P-256", "AQAB", "sig"]),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["keys", "kty", "crv", "n", "e", "x", "y", "use", "alg", "kid"]), inner
            )
        ),
        max_leaves=20,
    ).map(lambda value: json.dumps(value).encode())
)
def test_no_document_is_more_than_refused(data: bytes):
    try:
        read_key_set(data)
    except KeySetFault:
        return

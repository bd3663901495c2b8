"""`identity` in the gateway's file: who vouches for users, and which key their tokens may act as."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, Field

from gateway.config.documents import Document, Name, Number, Text, fault, listed

PublicAlgorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
SecretAlgorithm = Literal["HS256", "HS384", "HS512"]
Algorithm = Literal[PublicAlgorithm, SecretAlgorithm]


def _values(value: Any) -> Any:
    """One value may stand alone. A number is not taken: 1, 1.0 and "1" are one to some, three to others."""
    values = cast("list[Any]", value) if isinstance(value, list) else [value]
    if not values or not all(isinstance(one, str | bool) for one in values):
        raise fault("must be a text, true, false, or a list of them", "put it in quotes, such as '1'")
    return values


Values = Annotated[
    list[str | bool],
    BeforeValidator(_values, json_schema_input_type=str | bool | list[str | bool]),
    Field(min_length=1, max_length=256),
]
Texts = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=2048)]],
    BeforeValidator(listed, json_schema_input_type=str | list[str]),
    Field(min_length=1, max_length=64),
]


Scopes = Annotated[
    list[Annotated[str, Field(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]{1,128}$")]],
    BeforeValidator(listed, json_schema_input_type=str | list[str]),
    Field(max_length=64),
]


class KeyRuleDocument(Document):
    """As which key a token acts that is presented in the place of one."""

    key: Text
    """One of `keys`, with its policies, models and limits."""
    when: dict[Annotated[str, Field(min_length=1, max_length=256)], Values] = Field(
        default_factory=dict[str, list[str | bool]], max_length=64
    )
    """Claims and what they must be: of each one of the values, in which `*` stands for any characters. Of a claim
    that is a list one item is enough; a name with dots leads into claims that are mappings.
    """


class IssuerDocument(Document):
    """An issuer of signed tokens (JWT). Its public keys are found through its metadata unless they are given."""

    issuer: Annotated[str, Field(min_length=1, max_length=2048)]
    """What its tokens have as `iss`, to the letter; for most its URL."""
    audience: Texts | None = None
    """Whom its tokens must be for (`aud`): one of these; mcp_endpoint.public_url unless given."""
    jwks_url: Text | None = Field(default=None, min_length=1)
    """Where its public keys are."""
    jwks_file: Text | None = Field(default=None, min_length=1)
    """A file with its public keys, from the folder of this file."""
    secret: Text | None = Field(default=None, min_length=1, repr=False)
    """What it signs with, if that is a secret which is shared with the gateway: best as `${VARIABLE}`."""
    algorithms: list[Algorithm] | None = Field(default=None, min_length=1, max_length=16)
    """Those that its tokens may be signed with: unless given all with public keys, or HS256 with a secret."""
    user_claim: Annotated[str, Field(min_length=1, max_length=256)] = "sub"
    """The claim that names the user."""
    leeway: Number = Field(default=30.0, ge=0, le=300)
    """Seconds by which clocks may differ."""
    keys: list[KeyRuleDocument] = Field(default=[], max_length=256)
    """As which keys its tokens act when they are presented in the place of one; the first that fits. Without any,
    its tokens only name the user, beside a key.
    """
    scopes: Scopes = Field(default=[])
    """What its tokens must have been granted to act as a key; clients are told to ask for it."""
    mcp_sign_in: bool = False
    """Whether MCP clients are told to let their users sign in there: it must speak OAuth 2.1 for them."""


class IdentityDocument(Document):
    """Who the users behind keys are."""

    issuers: dict[Name, IssuerDocument] = Field(default_factory=dict[str, IssuerDocument], max_length=64)
    """Who vouches for users, by name."""

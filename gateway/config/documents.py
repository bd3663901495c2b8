"""What the gateway's file looks like: the edge at which text becomes values of the right types.

Above: `sections` and `servers` judge what types cannot say. Below: pydantic. Descriptions stand in the fields'
docstrings and reach editors through `config_schema`. `models` and `mcpServers` are documents of their own,
`model_documents` and `mcp_documents`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

WHAT_NAMES_ARE = "a name has 1 to 64 letters, digits, dots, dashes and underscores"
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_SIZE = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,6}))?\s*([kmgt]?)(?:i?b)?", re.ASCII | re.IGNORECASE)
_FACTORS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
_COUNT = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([km]?)", re.ASCII | re.IGNORECASE)
_FAULT = "fault"


def fault(message: str, hint: str | None = None) -> PydanticCustomError:
    """What a validator raises: it reaches the operator as it stands, so it quotes no value."""
    return PydanticCustomError(_FAULT, "{message}", {"message": message, "hint": hint})


def _not_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise fault("must be a number")
    return value


def is_name(value: str) -> bool:
    """Whether a text is what servers, keys and the like can be called."""
    return _NAME.fullmatch(value) is not None


def _checked_name(value: str) -> str:
    if not is_name(value):
        suggestion = re.sub(r"[^A-Za-z0-9_.-]+", "-", value[:64]).strip("-")
        raise fault(
            WHAT_NAMES_ARE,
            f"call it {suggestion}, for example" if suggestion else "choose another name",
        )
    return value


def _checked_word(value: str) -> str:
    if _NAME.fullmatch(value) is None:
        raise fault("must be one word of letters, digits, dots, dashes and underscores")
    return value


def _size(value: Any) -> Any:
    """`512m` in bytes, as Docker reads it: k, m, g and t are powers of 1024."""
    if not isinstance(value, str):
        return _not_boolean(value)
    match = _SIZE.fullmatch(value.strip())
    if match is None:
        raise fault("must be a size", "write bytes, or a number with k, m or g, such as 512m")
    return int(float(f"{match[1]}.{match[2] or 0}") * _FACTORS[match[3].lower()])


def _count(value: Any) -> Any:
    """`32k`, as people count: k is a thousand, m a million."""
    if not isinstance(value, str):
        return _not_boolean(value)
    match = _COUNT.fullmatch(value.strip())
    if match is None:
        raise fault("must be a whole number", "write 32000 or 32k")
    return round(float(match[1]) * {"": 1, "k": 1000, "m": 1_000_000}[match[2].lower()])


def listed(value: Any) -> Any:
    """One item may stand alone."""
    return [value] if isinstance(value, str) else value


WholeNumber = Annotated[int, BeforeValidator(_not_boolean)]
Number = Annotated[float, BeforeValidator(_not_boolean), Field(allow_inf_nan=False)]
Count = Annotated[int, BeforeValidator(_count, json_schema_input_type=int | str)]
Size = Annotated[int, BeforeValidator(_size, json_schema_input_type=int | str)]
Name = Annotated[str, AfterValidator(_checked_name), Field(json_schema_extra={"pattern": f"^{_NAME.pattern}$"})]
Word = Annotated[str, AfterValidator(_checked_word)]
Words = Annotated[
    list[Word],
    BeforeValidator(listed, json_schema_input_type=str | list[str]),
    Field(min_length=1, max_length=16),
]
Surfaces = Annotated[
    list[Literal["files", "images", "audio", "batches"]],
    BeforeValidator(listed, json_schema_input_type=str | list[str]),
    Field(max_length=16),
]
Text = Annotated[str, Field(max_length=4096)]


class Document(BaseModel):
    """What all parts have in common: a setting that nobody knows is an error."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        populate_by_name=False,
    )


class ListenDocument(Document):
    """Where the gateway listens."""

    host: Text = "127.0.0.1"
    """An address of this machine. Beyond loopback, every key must be at least 16 characters long."""
    port: WholeNumber = Field(default=8484, ge=0, le=65535)
    """0 takes any free port."""


class McpEndpointDocument(Document):
    """How MCP clients reach `/mcp`."""

    public_url: Text | None = Field(default=None, min_length=1)
    """The gateway's address as clients know it, such as https://tools.example.com; without a path."""
    allowed_hosts: list[Text] = Field(default=[], max_length=64)
    """Further names for the gateway in requests, with a port or for any port; this machine's own always are."""
    allowed_origins: list[Text] = Field(default=[], max_length=64)
    """Pages that may use the gateway from a browser, such as https://app.example.com."""


class ProviderTimeoutDocument(Document):
    """How long to wait for a provider, in seconds."""

    connect: Number = Field(default=10.0, gt=0, le=600)
    """For a connection."""
    first_byte: Number = Field(default=600.0, gt=0, le=3600)
    """For the head of the answer."""
    idle: Number = Field(default=120.0, gt=0, le=3600)
    """For each further piece of the answer."""


class GoogleAuthDocument(Document):
    """Google's credentials, as its own programs find them unless a file is named."""

    credentials_file: Text | None = Field(default=None, min_length=1)
    """The key of a service account, or another file of credentials; from the folder of this file."""
    scope: Text | None = Field(default=None, min_length=1)
    """What tokens are for; all of Google Cloud unless given."""


class AwsAuthDocument(Document):
    """Signed requests (version 4), with the keys that are given, or else as Amazon's own programs find them."""

    region: Text | None = Field(default=None, min_length=1)
    """Such as us-east-1; as base_url or AWS_REGION has it unless given."""
    service: Text | None = Field(default=None, min_length=1)
    """What signatures are for: bedrock, or bedrock-mantle where base_url says so, unless given."""
    profile: Text | None = Field(default=None, min_length=1)
    """Of Amazon's own files."""
    access_key_id: Text | None = Field(default=None, min_length=1)
    """With secret_access_key."""
    secret_access_key: Text | None = Field(default=None, min_length=1, repr=False)
    """Best as `${VARIABLE}`."""
    session_token: Text | None = Field(default=None, min_length=1, repr=False)
    """Of keys that are good for a while only."""


class OAuth2AuthDocument(Document):
    """OAuth 2.0 client credentials, such as Microsoft Entra takes them."""

    token_url: Text = Field(min_length=1, repr=False)
    """Where tokens are had."""
    client_id: Text = Field(min_length=1)
    """Who asks."""
    client_secret: Text = Field(min_length=1, repr=False)
    """Best as `${VARIABLE}`."""
    scope: Text | None = Field(default=None, min_length=1)
    """What tokens are for, such as https://cognitiveservices.azure.com/.default."""


def _nothing_said(value: Any) -> Any:
    """`google:` with nothing beneath it."""
    return {} if value is None else value


class AuthDocument(Document):
    """How a provider's credentials are had that are not a key. Exactly one of them."""

    aws: Annotated[AwsAuthDocument | None, BeforeValidator(_nothing_said)] = None
    """Amazon Web Services."""
    google: Annotated[GoogleAuthDocument | None, BeforeValidator(_nothing_said)] = None
    """Google Cloud."""
    oauth2: OAuth2AuthDocument | None = None
    """A token endpoint."""


class QueueDocument(Document):
    """Who waits for a provider that has as many calls as it may have."""

    most: WholeNumber = Field(default=64, ge=0, le=100_000)
    """Calls that may wait; further ones go elsewhere at once, or are refused."""
    wait: Number = Field(default=5.0, gt=0, le=600)
    """For how long, in seconds."""


class ProviderDocument(Document):
    """A host of models. A provider that toolgate knows by name needs its api_key alone."""

    kind: Word | None = None
    """The known provider that this is, when it goes by another name here."""
    dialect: Words | None = None
    """The wire format, or a list of those that it speaks, the preferred one first: openai_chat unless the provider
    is known to speak another.
    """
    base_url: Text | None = Field(default=None, repr=False)
    """Where the provider is, up to and with its version, such as http://127.0.0.1:9000/v1."""
    api_key: Text | None = Field(default=None, repr=False)
    """The credential, best as `${VARIABLE}`."""
    headers: dict[str, str] = Field(default_factory=dict[str, str], repr=False)
    """Sent with every request to this provider."""
    quirks: list[Word] | None = Field(default=None, max_length=64)
    """How it differs from OpenAI's Chat, in the place of what is known of it: [] if it does not."""
    auth: AuthDocument | None = Field(default=None, repr=False)
    """In the place of api_key: tokens that are fetched and renewed."""
    env: dict[Word, Text] = Field(default_factory=dict[str, str], repr=False)
    """For what is reached through LiteLLM: variables in which that finds credentials, such as WATSONX_APIKEY."""
    proxy: Text | None = Field(default=None, repr=False)
    """The http URL of a forward proxy through which it is reached."""
    ca_certificates: Annotated[str, Field(max_length=1024 * 1024)] | None = None
    """Certificates that are trusted besides the system's own, as PEM: best as `${file:ca.pem}`."""
    api_keys: list[Text] = Field(default=[], max_length=64, repr=False)
    """In the place of api_key: several, which take turns when one of them is refused for now."""
    timeout: ProviderTimeoutDocument = ProviderTimeoutDocument()
    max_concurrency: WholeNumber | None = Field(default=None, ge=1, le=100_000)
    """Calls to it at the same time; further ones wait, or go elsewhere."""
    queue: QueueDocument = QueueDocument()


class PriceDocument(Document):
    """What a model costs, in US dollars for a million tokens."""

    input: Number = Field(ge=0)
    """What is read."""
    output: Number = Field(ge=0)
    """What is written."""
    cached_input: Number | None = Field(default=None, ge=0)
    """Input that was read from the provider's cache; counted as other input unless given."""
    cache_write: Number | None = Field(default=None, ge=0)
    """Input that was written to the provider's cache; counted as other input unless given."""


class KeyDocument(Document):
    """A virtual key: what an agent presents, and what it may do."""

    secret: Text = Field(repr=False)
    """What the client sends as its API key; at least 16 characters, best as `${VARIABLE}`."""
    models: list[Annotated[str, Field(min_length=1, max_length=256)]] = ["*"]
    """The models that it may use; `*` stands for any characters."""
    policies: list[Text] = []
    """The policies that hold for it, by name; without any it has no tools."""
    tools: Literal["auto", "on_request", "off"] = "auto"
    """Whether tools are attached to every request, to those that ask for them, or never."""
    selection: Literal["all", "search"] = "all"
    """Whether models are shown all of its tools, or search for those that they need."""
    pin: list[Annotated[str, Field(min_length=3, max_length=256)]] = Field(default=[], max_length=64)
    """With `selection: search`, the tools that models are shown without one: patterns such as files/read_*."""
    unknown_tools: Literal["refuse", "pass"] = "refuse"
    """What becomes of requests with tools of types that toolgate does not know: their providers may run those."""
    passthrough: Surfaces = []
    """What of a provider's it may use besides models that talk: any of files, images, audio and batches."""
    remember: bool = True
    """Whether what the gateway did in a conversation is kept, so that the model knows of it in the next turn."""
    team: Word | None = None
    """Whose it is, for rules of models."""
    tags: list[Word] = []
    """Labels, for rules of models."""
    regions: list[Word] = []
    """Its requests go only to deployments in these regions; anywhere, unless given."""


class PassthroughDocument(Document):
    """What passes through that is no model's."""

    provider: Text | None = Field(default=None, min_length=1)
    """Where files are, and batches of OpenAI's: one of the providers, which speaks OpenAI's formats."""


class LimitsDocument(Document):
    """What one run, one request, and all requests together may use."""

    rounds: WholeNumber = Field(default=16, ge=1, le=1000)
    """Model calls of a run whose tool calls may still be executed."""
    calls: WholeNumber = Field(default=64, ge=1, le=10_000)
    """Tool calls of a run."""
    concurrent_calls: WholeNumber = Field(default=8, ge=1, le=256)
    """Tool calls of a run at the same time."""
    wall_clock_seconds: Number = Field(default=600.0, ge=1, le=86_400)
    """How long a run may take."""
    tool_call_seconds: Number = Field(default=60.0, gt=0, le=3600)
    """How long a tool call may take; a server's own `timeout` can only shorten it."""
    result_bytes: WholeNumber = Field(default=256 * 1024, ge=1024, le=64 * 1024 * 1024)
    """All tool results of a run together."""
    repeats: WholeNumber = Field(default=3, ge=1, le=100)
    """How often in a row the same call may give the same result."""
    remembered_bytes: Size = Field(default=2 * 1024 * 1024, ge=0, le=64 * 1024 * 1024)
    """About how much of what was done in earlier turns is put back into one request; the last turn always is."""
    usd: Number | None = Field(default=None, gt=0)
    """What a run may cost, in US dollars, before its model is asked for its answer without tools; only models
    whose price is known can be used then."""
    body_bytes: WholeNumber = Field(default=16 * 1024 * 1024, ge=1024, le=256 * 1024 * 1024)
    """The body of one request."""
    upload_bytes: Size = Field(default=64 * 1024 * 1024, ge=1024, le=512 * 1024 * 1024)
    """The same, where files are sent; it is held in memory."""
    requests_in_flight: WholeNumber = Field(default=512, ge=1, le=100_000)
    """Requests at the same time; further ones are told to come back."""
    stream_heartbeat_seconds: Number = Field(default=15.0, ge=1, le=300)
    """How often a stream that has nothing to say shows that it lives."""


class AuditDocument(Document):
    """The audit trail beside the database."""

    jsonl: Text | None = Field(default=None, min_length=1)
    """A file to which each record is appended, one JSON object a line."""


class MemoryDocument(Document):
    """What is remembered of conversations: encrypted, for the keys that have `remember`."""

    days: WholeNumber = Field(default=7, ge=1, le=3650)
    """How long after a turn its conversation can go on with all that was done in it."""
    bytes: Size = Field(default=512 * 1024 * 1024, ge=1024 * 1024, le=1024**4)
    """All of it together; beyond that, what would expire next is forgotten."""


class StorageDocument(Document):
    """Where things are kept. Paths are taken from the folder of this file."""

    state_dir: Text | None = Field(default=None, min_length=1)
    """What must last: workspaces, the database."""
    cache_dir: Text | None = Field(default=None, min_length=1)
    """What can be fetched again: packages of servers."""
    database: Text | None = Field(default=None, min_length=1, repr=False)
    """A path for SQLite, or an SQLAlchemy URL; toolgate.db in the state folder unless given."""
    audit: AuditDocument = AuditDocument()
    retention_days: WholeNumber = Field(default=30, ge=1, le=36_500)
    """How long runs and audit records are kept."""
    memory: MemoryDocument = MemoryDocument()

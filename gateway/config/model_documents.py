"""What the file says of models and of the ways to them: `models` and `routing`.

Above: `model_sections` judges what types cannot say. Below: `documents`. Descriptions stand in the fields'
docstrings and reach editors through `config_schema`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, Discriminator, Field, Tag

from gateway.config.documents import Count, Document, Number, PriceDocument, Size, Text, WholeNumber, Word, fault

CapabilityName = Literal["tools", "vision", "audio", "documents", "structured_output", "streaming"]
StrategyName = Literal["priority", "weighted", "least_busy", "lowest_latency", "lowest_cost"]

_DURATION = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)\s*(ms|s|m)?", re.ASCII)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}


def _seconds(value: Any) -> Any:
    """`2s` and `500ms` are as good as 2 and 0.5."""
    if isinstance(value, bool):
        raise fault("must be a number of seconds")
    if not isinstance(value, str):
        return value
    match = _DURATION.fullmatch(value.strip())
    if match is None:
        raise fault("must be a number of seconds", "write a number, 2s or 500ms")
    return float(match[1]) * _UNITS[match[2] or "s"]


Seconds = Annotated[
    float, BeforeValidator(_seconds, json_schema_input_type=float | str), Field(allow_inf_nan=False)
]
Words = list[Word]
_Names = Annotated[list[Annotated[str, Field(min_length=1, max_length=256)]], Field(max_length=256)]


def _form_of_price(value: Any) -> str:
    """Which of the two forms was meant, so that mistakes in it are told of that one alone."""
    return "listed" if isinstance(value, str) else "given"


_Price = Annotated[
    Annotated[PriceDocument, Tag("given")] | Annotated[Text, Tag("listed")], Discriminator(_form_of_price)
]


class ModelTargetDocument(Document):
    """One place where a model can be had."""

    provider: Text
    """The name of one of `providers`."""
    model: Text | None = Field(default=None, min_length=1)
    """What the provider calls it; without it, the name that the client asked for is passed on."""
    price: _Price | None = None
    """What it costs, where that is not known, or not what the list says; `openai/gpt-5` is the listed price of
    that model."""
    weight: Number = Field(default=1.0, ge=0, le=1_000_000)
    """Its share, for the strategies weighted and least_busy; with 0 it is used when the others fail."""
    tags: Words = Field(default=[])
    """Labels for rules."""
    region: Word | None = None
    """Where it processes what it is sent, for rules and for keys that are bound to regions."""
    capabilities: list[CapabilityName] | None = None
    """All that it can do of this list; without it, whatever a request needs."""
    context_tokens: Count | None = Field(default=None, ge=1)
    """How long a request it takes, such as 32k (32000); longer ones go elsewhere, where that is possible."""


class PickDocument(Document):
    """The deployments that a rule picks: those that all of this is true of."""

    providers: Words = Field(default=[])
    """They are at one of these."""
    regions: Words = Field(default=[])
    """They are in one of these."""
    tags: Words = Field(default=[])
    """They have all of these."""


class RuleDocument(Document):
    """A rule on requests: the first that holds for one says which deployments it may go to."""

    name: Word | None = None
    """What clients are told when it leaves no deployment; its number unless given."""
    keys: _Names = Field(default=[])
    """It holds for these keys; `*` stands for any characters."""
    teams: Words = Field(default=[])
    """It holds for keys of these teams."""
    tags: Words = Field(default=[])
    """It holds for keys with one of these tags."""
    needs: list[CapabilityName] = Field(default=[])
    """It holds for requests that need all of this."""
    at_least: Size = Field(default=0, ge=0)
    """It holds for bodies of this size and above, such as 200k."""
    below: Size | None = Field(default=None, ge=1)
    """It holds for bodies below this size."""
    use: PickDocument = PickDocument()
    """The deployments that such requests may go to."""


class HedgeDocument(Document):
    """Asks another deployment as well when one takes long; whoever begins first answers, and both cost."""

    after: Seconds = Field(gt=0, le=3600)
    """Seconds without an answer, such as 2s."""


def _target(value: Any) -> Any:
    """A provider's name may stand for a target."""
    return {"provider": value} if isinstance(value, str) else value


TargetEntry = Annotated[
    ModelTargetDocument, BeforeValidator(_target, json_schema_input_type=str | ModelTargetDocument)
]


class ModelDocument(Document):
    """What a model's name stands for: several deployments, and how to choose among them."""

    deployments: list[TargetEntry] = Field(min_length=1)
    """Where it can be had."""
    strategy: StrategyName = "priority"
    """Which of them is tried first: the first one, one by chance and weight, the one with the fewest calls under
    way, the quickest of late, or the cheapest. The others are tried when that fails."""
    rules: list[RuleDocument] = Field(default=[], max_length=256)
    """Which requests go to which of them."""
    fallback: _Names = Field(default=[])
    """Other names in `models`, whose deployments are tried after all of these have failed."""
    hedge: HedgeDocument | None = None
    """Off unless given."""


_OF_MODELS = frozenset({"deployments", "strategy", "rules", "fallback", "hedge"})


def _model(value: Any) -> Any:
    """One target may stand without a list, and a list of targets for a model."""
    if isinstance(value, dict) and cast("dict[Any, Any]", value).keys() & _OF_MODELS:
        return cast("Any", value)
    targets: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [value]
    return {"deployments": targets}


ModelEntry = Annotated[
    ModelDocument,
    BeforeValidator(
        _model,
        json_schema_input_type=str | ModelTargetDocument | list[str | ModelTargetDocument] | ModelDocument,
    ),
]


class BreakerDocument(Document):
    """When a deployment that fails is left alone."""

    failures: WholeNumber = Field(default=5, ge=0, le=1000)
    """So many in a row; with 0, never."""
    seconds: Seconds = Field(default=10.0, gt=0, le=3600)
    """For so long; then one call tries it again, and it is left alone for longer each time that fails."""


class RoutingDocument(Document):
    """What is done about providers that fail."""

    retries: WholeNumber = Field(default=2, ge=0, le=10)
    """How often a call is made again after all of a model's deployments have failed."""
    retry_within: Seconds = Field(default=30.0, ge=0, le=600)
    """Seconds after which no call is made again."""
    breaker: BreakerDocument = BreakerDocument()
    latency_percentile: Number = Field(default=0.9, gt=0, le=1)
    """Which of its latest times until the first byte counts for a deployment under lowest_latency."""

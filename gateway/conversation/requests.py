"""A request to a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.conversation.messages import Message
from gateway.conversation.tools import ToolChoice, ToolDefinition


@dataclass(frozen=True, slots=True)
class ResponseSchema:
    """The JSON Schema that an answer must satisfy. `strict` is None where the client leaves it to the provider."""

    schema: Mapping[str, Any]
    name: str = "answer"
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What a client asks of a model.

    `dialect` is the wire format it was read from, and `extras` the top-level fields of that format which this
    vocabulary does not name, or that can be said in several ways: the same dialect writes them back as they came.
    Another dialect says what is named here, and refuses a request whose `native` is not empty: the fields that
    would change the answer and that only their own dialect can say.

    `max_tokens` holds for each model call, not for a whole run. `effort` is how hard the model is to think, from
    `none` over `low`, `medium` and `high` to whatever the provider takes. `parallel_calls` is None where the
    client does not say. `user` tells the provider's abuse detection whose request it is. `headers` go along with
    the request, to providers of the same dialect.

    `seed`, `top_k` and the penalties are settings that not every format has; one that lacks them refuses them (see
    `gateway.dialects.crossing`).
    """

    model: str
    messages: tuple[Message, ...]
    dialect: str
    tools: tuple[ToolDefinition, ...] = ()
    tool_choice: ToolChoice | None = None
    max_tokens: int | None = None
    n: int = 1
    stream: bool = False
    include_usage: bool = False
    structured_output: bool = False
    response_schema: ResponseSchema | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    seed: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    stop: tuple[str, ...] = ()
    effort: str | None = None
    parallel_calls: bool | None = None
    user: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    native: tuple[str, ...] = ()
    extras: Mapping[str, Any] = field(default_factory=dict[str, Any])

"""Where a model is called and listed, by dialect: paths below a provider's base URL, and what goes along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from gateway.dialects import Dialect
from gateway.dialects.anthropic_messages import ANTHROPIC_BEDROCK, ANTHROPIC_MESSAGES, ANTHROPIC_VERTEX
from gateway.dialects.bedrock_converse import BEDROCK_CONVERSE
from gateway.dialects.cohere_v2 import COHERE_V2
from gateway.dialects.gemini import GEMINI
from gateway.dialects.ollama import OLLAMA
from gateway.dialects.openai_chat import OPENAI_CHAT
from gateway.dialects.openai_responses import OPENAI_RESPONSES


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How one dialect is spoken over HTTP.

    `path` is where a model is called, and `stream_path` where its answer is asked for as a stream, if that is
    elsewhere; `{model}` in them stands for the model. `count_path` is where tokens are counted, if that can be
    asked. `models_path` is where models are listed, if they are, as objects in the list `models_field`, each
    with its name, behind `model_prefix`, in `model_field`. `headers` go with every request that does not have
    them. `errors_in` names the dialect of its errors, if that is another, and `accept` the content types that are
    asked for.
    """

    dialect: Dialect
    path: str
    stream_path: str | None = None
    models_path: str | None = "/models"
    models_field: str = "data"
    model_field: str = "id"
    model_prefix: str = ""
    count_path: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    errors_in: str | None = None
    accept: str = "application/json, text/event-stream"

    def path_for(self, model: str, *, stream: bool) -> str:
        """Where `model` is called; its name is percent-encoded, slashes and all."""
        return _filled(self.stream_path if stream and self.stream_path is not None else self.path, model)

    def count_path_for(self, model: str) -> str | None:
        """Where tokens are counted for `model`, if that can be asked."""
        return None if self.count_path is None else _filled(self.count_path, model)


def _filled(path: str, model: str) -> str:
    return path.replace("{model}", quote(model, safe="")) if "{" in path else path


ENDPOINTS: Mapping[str, Endpoint] = {
    OPENAI_CHAT.name: Endpoint(OPENAI_CHAT, "/chat/completions"),
    OPENAI_RESPONSES.name: Endpoint(OPENAI_RESPONSES, "/responses"),
    ANTHROPIC_MESSAGES.name: Endpoint(
        ANTHROPIC_MESSAGES,
        "/messages",
        models_path="/models?limit=1000",
        count_path="/messages/count_tokens",
        headers={"anthropic-version": "2023-06-01"},
    ),
    COHERE_V2.name: Endpoint(
        COHERE_V2,
        "/v2/chat",
        models_path="/v1/models?endpoint=chat&page_size=1000",
        models_field="models",
        model_field="name",
    ),
    OLLAMA.name: Endpoint(OLLAMA, "/chat", models_path="/tags", models_field="models", model_field="name"),
    GEMINI.name: Endpoint(
        GEMINI,
        "/models/{model}:generateContent",
        "/models/{model}:streamGenerateContent?alt=sse",
        models_path="/models?pageSize=1000",
        models_field="models",
        model_field="name",
        model_prefix="models/",
        count_path="/models/{model}:countTokens",
    ),
    BEDROCK_CONVERSE.name: Endpoint(
        BEDROCK_CONVERSE,
        "/model/{model}/converse",
        "/model/{model}/converse-stream",
        models_path=None,
        accept="application/json, application/vnd.amazon.eventstream",
    ),
    "anthropic_bedrock": Endpoint(
        ANTHROPIC_BEDROCK,
        "/model/{model}/invoke",
        "/model/{model}/invoke-with-response-stream",
        models_path=None,
        errors_in=BEDROCK_CONVERSE.name,
        accept="application/json",
    ),
    "anthropic_vertex": Endpoint(
        ANTHROPIC_VERTEX, "/models/{model}:rawPredict", "/models/{model}:streamRawPredict", models_path=None
    ),
}
"""By what providers are said to speak: a dialect, or one with where it is spoken."""

"""Messages where other companies host them: the same body, with the model in the URL.

What changes is a few fields of the request. Thoughts and their proofs are Anthropic's wherever they were thought,
so that the codec's name, by which values are known as its own, is the same everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_BETAS = "anthropic-beta"


@dataclass(frozen=True, slots=True)
class Hosting:
    """How a host takes the body.

    `version` stands in it as `anthropic_version`. With `says_stream` False the URL alone says whether to stream.
    With `betas_in_body` so do the names of betas, which Anthropic itself takes in a header. With `has_frames` its
    streams are frames of Amazon's, each with an event in it.
    """

    version: str
    says_stream: bool = True
    betas_in_body: bool = False
    has_frames: bool = False


ON_VERTEX = Hosting("vertex-2023-10-16")
"""Google's Vertex AI: `rawPredict` and `streamRawPredict`."""
ON_BEDROCK = Hosting("bedrock-2023-05-31", says_stream=False, betas_in_body=True, has_frames=True)
"""Amazon Bedrock: `invoke` and `invoke-with-response-stream`."""


def hosted(body: Mapping[str, Any], hosting: Hosting, headers: Mapping[str, str]) -> dict[str, Any]:
    """A request's body as the host takes it; `headers` are the client's, names in lower case."""
    left_out = ("model",) if hosting.says_stream else ("model", "stream")
    changed = {name: value for name, value in body.items() if name not in left_out}
    changed["anthropic_version"] = hosting.version
    if hosting.betas_in_body and "anthropic_beta" not in changed:
        betas = [name.strip() for name in headers.get(_BETAS, "").split(",") if name.strip()]
        changed |= {"anthropic_beta": betas} if betas else {}
    return changed

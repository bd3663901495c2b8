"""Where Amazon's clients call models: `POST /model/{modelId}/converse` and `/model/{modelId}/converse-stream`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.api.requests import Request

PREFIX = "/model/"
WHOLE = "/converse"
STREAM = "/converse-stream"


def addressing(request: Request) -> Mapping[str, Any]:
    """The model, whose name is percent-encoded in the URL, slashes and all; and whether to stream."""
    named = request.path_after(PREFIX)
    stream = named.endswith(STREAM)
    return {"model": named.removesuffix(STREAM if stream else WHOLE), "stream": stream}

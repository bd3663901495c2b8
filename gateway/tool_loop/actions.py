"""What the state machine asks of its driver.

Above: `state` decides on them, the driver performs them. Below: the conversation vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.conversation import FinishReason, ModelRequest, ModelResponse, ToolCall, Usage
from gateway.tool_loop.limits import LimitName

ROUND_SEPARATOR = "\n\n"
"""What stands between the texts of two rounds, in a stream as in a whole answer."""


@dataclass(frozen=True, slots=True)
class CallModel:
    """Call the model with this request. `closing` calls come after a limit: their tool calls will not run."""

    request: ModelRequest
    round: int
    closing: bool


@dataclass(frozen=True, slots=True)
class RunTools:
    """Run these calls, in any order and several at once, and report every one of them."""

    calls: tuple[ToolCall, ...]
    round: int


@dataclass(frozen=True, slots=True)
class Finish:
    """The run is over.

    `client_calls` are the calls to the client's own tools, which it must answer. `last` is the last answer of
    the model, `text` that of all rounds (of the last one alone when the request asks for structured output).
    """

    reason: FinishReason
    last: ModelResponse
    text: str
    client_calls: tuple[ToolCall, ...]
    usage: Usage | None
    rounds: int
    limit: LimitName | None


Action = CallModel | RunTools | Finish

"""What the tool loop is given by the layers around it: a model, tools, and somebody to tell of what happens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from gateway.conversation import ModelRequest, ModelResponse, StreamEvent, ToolCall
from gateway.tool_calls import ToolOutcome
from gateway.tool_loop.progress import RunEvent

Sink = Callable[[RunEvent], Awaitable[None]]
ProgressListener = Callable[[float, float | None, str | None], None]


class ModelCaller(Protocol):
    """Calls the model that the request names. Both raise `gateway.errors.UpstreamError`."""

    async def complete(self, request: ModelRequest) -> ModelResponse:
        """One whole answer."""
        ...

    def stream(self, request: ModelRequest) -> AbstractAsyncContextManager[AsyncIterator[StreamEvent]]:
        """One answer as it comes; leaving the context stops the model."""
        ...


@dataclass(frozen=True, slots=True)
class ToolBudget:
    """What one tool call may use: seconds until its deadline, and bytes of its result shown to the model."""

    round: int
    timeout_seconds: float
    result_bytes: int


class ToolRunner(Protocol):
    """Runs one call through the pipeline, on behalf of this run's principal. Never raises but for cancellation."""

    async def run(
        self,
        call: ToolCall,
        budget: ToolBudget,
        on_progress: ProgressListener,
    ) -> ToolOutcome:
        """The outcome, whatever it is: a refusal and a fault are outcomes too."""
        ...

"""The tool loop: one request, as many rounds as it takes, one answer."""

from gateway.tool_loop.attempts import Attempts, RequestIdentity
from gateway.tool_loop.driver import ModelCaller, Sink, ToolBudget, ToolLoop, ToolRunner
from gateway.tool_loop.handoff import Handoffs, HandoffStore
from gateway.tool_loop.limits import LoopLimits
from gateway.tool_loop.progress import (
    Progress,
    RoundStarted,
    RunEvent,
    ToolCallBegan,
    ToolCallEnded,
    ToolCallProgressed,
)
from gateway.tool_loop.state import Finish, ToolLoopMachine

__all__ = [
    "Attempts",
    "Finish",
    "HandoffStore",
    "Handoffs",
    "LoopLimits",
    "ModelCaller",
    "Progress",
    "RequestIdentity",
    "RoundStarted",
    "RunEvent",
    "Sink",
    "ToolBudget",
    "ToolCallBegan",
    "ToolCallEnded",
    "ToolCallProgressed",
    "ToolLoop",
    "ToolLoopMachine",
    "ToolRunner",
]

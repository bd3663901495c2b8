"""The tool loop: one request, as many rounds as it takes, one answer."""

from gateway.tool_loop.actions import Finish
from gateway.tool_loop.attempts import Attempts, RequestIdentity
from gateway.tool_loop.driver import ToolLoop
from gateway.tool_loop.lenient import Lenient
from gateway.tool_loop.limits import LoopLimits
from gateway.tool_loop.memory import Memory, MemoryStore, Recalled, declaring
from gateway.tool_loop.ports import ModelCaller, Sink, ToolBudget, ToolRunner
from gateway.tool_loop.progress import (
    Progress,
    RoundStarted,
    RunEvent,
    ToolCallBegan,
    ToolCallEnded,
    ToolCallProgressed,
)
from gateway.tool_loop.recognition import words_of
from gateway.tool_loop.shown_calls import ShownTool, ShownTools
from gateway.tool_loop.state import ToolLoopMachine, appended
from gateway.tool_loop.told_parts import Telling
from gateway.tool_loop.turns import added_by, added_until_broken_off, is_known_to_client

__all__ = [
    "Attempts",
    "Finish",
    "Lenient",
    "LoopLimits",
    "Memory",
    "MemoryStore",
    "ModelCaller",
    "Progress",
    "Recalled",
    "RequestIdentity",
    "RoundStarted",
    "RunEvent",
    "ShownTool",
    "ShownTools",
    "Sink",
    "Telling",
    "ToolBudget",
    "ToolCallBegan",
    "ToolCallEnded",
    "ToolCallProgressed",
    "ToolLoop",
    "ToolLoopMachine",
    "ToolRunner",
    "added_by",
    "added_until_broken_off",
    "appended",
    "declaring",
    "is_known_to_client",
    "words_of",
]

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.audit import ToolCallRecord
from gateway.auth import KeyId
from gateway.hub import CallResult, Catalogue, ToolProgress
from gateway.hub.catalogue import build_catalogue, read_listing
from gateway.telemetry import Metrics
from gateway.tool_calls import CallContext, ToolCaller, ToolCallRequest, ToolOutcome

Answer = Callable[[Mapping[str, Any]], Awaitable[CallResult]]

READ_FILE = {
    "name": "read_file",
    "inputSchema": {
        "type": "object",
        "properties": {"path": {"type": "string"}, "head": {"type": "integer"}},
        "required": ["path"],
        "additionalProperties": False,
    },
    "annotations": {"readOnlyHint": True},
}
WRITE_FILE = {
    "name": "write_file",
    "inputSchema": {"type": "object", "properties": {"path": {"type": "string"}, "text": {"type": "string"}}},
}


async def give_ok(arguments: Mapping[str, Any]) -> CallResult:
    return CallResult(({"type": "text", "text": "fine"},))


@dataclass
class FakeServers:
    catalogue: Catalogue
    answer: Answer = give_ok
    calls: list[tuple[str, str, Mapping[str, Any], str]] = field(default_factory=list)
    progress: list[ToolProgress] = field(default_factory=list)

    async def call(
        self, server, tool, arguments, *, owner, user=None, timeout, meanwhile=None, caller=None, given=None
    ):
        self.calls.append((server, tool, arguments, owner))
        for report in self.progress:
            meanwhile.on_progress(report)
        return await self.answer(arguments)


@dataclass
class FakeDecision:
    verdict: str = "allow"
    rule: str | None = "readers/all"
    message: str = "Refused by rule readers/all."
    reason: str = "the whole reason"


@dataclass
class FakePolicy:
    hidden: frozenset[str] = frozenset()
    decision: FakeDecision = field(default_factory=FakeDecision)
    judged: list[Mapping[str, Any]] = field(default_factory=list)
    fails: bool = False

    def visible(self, tool: str) -> bool:
        return tool not in self.hidden

    def decide(self, tool: str, arguments: Mapping[str, Any]) -> FakeDecision:
        if self.fails:
            raise RuntimeError("a defect")
        self.judged.append(arguments)
        return self.decision


@dataclass
class FakeTrail:
    records: list[ToolCallRecord] = field(default_factory=list)
    is_full: bool = False

    def offer(self, event: ToolCallRecord) -> bool:
        if not self.is_full:
            self.records.append(event)
        return not self.is_full

    async def record(self, event: ToolCallRecord) -> None:
        self.records.append(event)


class Harness:
    """A caller whose servers, policy and trail are at hand."""

    def __init__(self) -> None:
        catalogue = build_catalogue(1, [read_listing("files", [READ_FILE, WRITE_FILE])])
        self.servers = FakeServers(catalogue)
        self.policy = FakePolicy()
        self.trail = FakeTrail()
        self.metrics = Metrics()
        self.caller = ToolCaller(self.servers, self.trail, self.metrics)

    def context(self, **changes: Any) -> CallContext:
        return CallContext(**{"key_id": KeyId("agent"), "run_id": "run_1", "policy": self.policy} | changes)

    async def call(self, name: str, arguments: Any = "{}", **context: Any) -> ToolOutcome:
        return await self.caller.call(ToolCallRequest("call_1", name, arguments), self.context(**context))

    @property
    def record(self) -> ToolCallRecord:
        (record,) = self.trail.records
        return record


@pytest.fixture
def harness() -> Harness:
    return Harness()

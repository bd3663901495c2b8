"""One tool call on its way through the pipeline: what is known of it, and how it can end."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, NoReturn

from gateway.audit.events import ToolCallRecord, now
from gateway.errors import ToolCallTimeout, ToolServerDown, ToolServerError, ToolServerNotConnected
from gateway.hub import CatalogueTool
from gateway.telemetry.visible import one_line
from gateway.tool_calls.arguments import InvalidArguments, canonical_json, parse_object
from gateway.tool_calls.outcome import OutcomeKind, ToolOutcome, Verdict
from gateway.tool_calls.ports import Decision
from gateway.tool_calls.request import CallContext, OfferRequest, ToolCallRequest
from gateway.tool_calls.shaping import ShapedResult, shape_text
from gateway.tool_calls.targets import write_targets


class Ended(Exception):
    """The call ends here; its outcome stands in the `Call`."""

    def __init__(self, shaped: ShapedResult) -> None:
        super().__init__()
        self.shaped = shaped


@dataclass(slots=True)
class Call:
    """One call on its way: what is known of it so far."""

    request: ToolCallRequest
    context: CallContext
    tool: CatalogueTool | OfferRequest | None = None
    verdict: Verdict = "invalid"
    outcome: OutcomeKind = "invalid_arguments"
    rule: str | None = None
    reason: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    argument_bytes: bytes = b""
    duration: float = 0.0
    error: ToolServerError | None = None
    loads: tuple[str, ...] = ()
    started: float = field(default_factory=monotonic)

    @property
    def may_write(self) -> bool:
        """True unless the server says that the tool only reads; whatever is no tool does no more than that."""
        return isinstance(self.tool, CatalogueTool) and self.tool.annotations.read_only is not True

    def end(self, verdict: Verdict, outcome: OutcomeKind, message: str) -> NoReturn:
        """End the call before or instead of a result; `message` is for the model. Raises Ended."""
        self.verdict, self.outcome = verdict, outcome
        raise Ended(shape_text(message, text_limit=self.context.result_bytes))

    def read_arguments(self) -> Mapping[str, Any]:
        """The arguments as an object that can be sent. Raises Ended."""
        given = self.request.arguments
        self.argument_bytes = given.encode("utf-8", "surrogatepass") if isinstance(given, str) else b""
        try:
            self.arguments = parse_object(given) if isinstance(given, str) else given
            self.argument_bytes = canonical_json(self.arguments)
        except InvalidArguments as error:
            self.arguments = {}
            self.end("invalid", "invalid_arguments", f"The call was not made: {error}.")
        return self.arguments

    def judge(self, decision: Decision) -> None:
        """Take the policy's word. Raises Ended unless it allows the call."""
        self.rule, self.reason = decision.rule, decision.reason
        if decision.verdict == "ask":
            message = "It would need a person's approval, which cannot be given here. Do not retry."
            self.end("ask", "denied", f"{decision.message} {message}")
        if decision.verdict != "allow":
            self.end("deny", "denied", decision.message)
        self.verdict = "allow"

    def fault(self, error: ToolServerError) -> NoReturn:
        """End a call that the server failed. Raises Ended."""
        self.error = error
        match error:
            case ToolCallTimeout():
                hint = " It may have taken effect all the same." if self.may_write else ""
                self.end("allow", "timeout", f"{error.message}{hint}")
            case ToolServerDown():
                self.end("allow", "server_down", error.message)
            case ToolServerNotConnected():
                self.end("allow", "not_connected", error.message)
            case _:
                self.end("allow", "server_fault", error.message)

    def record(self, result: ShapedResult) -> ToolCallRecord:
        """The audit record; stops the call's clock."""
        self.duration = monotonic() - self.started
        return ToolCallRecord(
            at=now(),
            run_id=self.context.run_id,
            call_id=one_line(self.request.call_id, 200),
            key_id=self.context.key_id,
            requested=one_line(self.request.name, 200),
            verdict=self.verdict,
            outcome=self.outcome,
            duration_seconds=self.duration,
            arguments_sha256=hashlib.sha256(self.argument_bytes).hexdigest(),
            arguments_bytes=len(self.argument_bytes),
            round=self.context.round,
            server=self.tool and self.tool.server,
            tool=self.tool and self.tool.name,
            rule=self.rule,
            reason=self.reason and one_line(self.reason, 1000),
            may_write=self.may_write,
            is_error=self.outcome != "ok",
            targets=write_targets(self.arguments) if self.may_write else {},
            result_bytes=result.text_bytes,
            result_was_cut=result.is_cut,
            escaped=result.escaped,
            user=self.context.user,
        )

    def finish(self, result: ShapedResult) -> ToolOutcome:
        """The outcome for the caller; `record` comes first."""
        return ToolOutcome(
            call_id=self.request.call_id,
            verdict=self.verdict,
            outcome=self.outcome,
            content=result.parts,
            is_error=self.outcome != "ok",
            duration_seconds=self.duration,
            may_write=self.may_write,
            rule=self.rule,
            server=self.tool and self.tool.server,
            tool=self.tool and self.tool.name,
            qualified=self.tool and self.tool.qualified,
            structured=result.structured,
            result=result.result,
            answer=result.answer,
            error=self.error,
            loads=self.loads,
        )

"""The pipeline that every tool call takes; nothing else in the gateway reaches a tool server.

resolve -> parse -> validate -> decide -> execute -> shape -> record, in this order. A step that fails ends the
call with an outcome, never with an exception: the model is told what to mend, the trail what happened.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, TypeVar

import anyio
from anyio.lowlevel import checkpoint

from gateway.errors import ToolCallTimeout, ToolServerError
from gateway.hub import SILENCE, CallResult, Catalogue, CatalogueTool, Meanwhile, ToolProgress, Watch
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.visible import one_line
from gateway.tool_calls.call import Call, Ended
from gateway.tool_calls.outcome import ToolOutcome
from gateway.tool_calls.ports import AuditTrail, Decision, OwnTool, ToolServers
from gateway.tool_calls.request import CallContext, OfferRequest, ToolCallRequest
from gateway.tool_calls.shaping import ShapedResult, keep_answer, keep_result, shape_result, shape_text
from gateway.tool_calls.validation import SchemaChecks

_log = logging.getLogger(__name__)

_Got = TypeVar("_Got")

_GRACE = 5.0  # seconds beyond its deadline that the hub may take to say so
_DEFECT = "The call failed within the gateway; its log says why. It may have taken effect all the same."
_RECORDING = 10.0  # seconds that a record may wait for a trail that is behind


class ToolCaller:
    """Runs tool calls. One for all requests; what differs between them is in the `CallContext`."""

    def __init__(self, servers: ToolServers, audit: AuditTrail, metrics: Metrics) -> None:
        self._servers = servers
        self._audit = audit
        self._metrics = metrics
        self._checks = SchemaChecks()

    async def call(self, request: ToolCallRequest, context: CallContext) -> ToolOutcome:
        """Take one call through the pipeline and record it, whatever becomes of it.

        Raises nothing but cancellation, and that only while nothing can have been written: a call that may
        write, once begun, is shielded until it ends or its deadline passes, and its outcome is returned. Unless it
        `breaks_off`: then cancelling tells the server at once, and the record says no more than that.
        """
        return await self._take(Call(request, context), self._call_tool)

    async def ask(self, offer: OfferRequest, context: CallContext) -> ToolOutcome:
        """Ask for a resource or a prompt in the same way: judged, recorded, and kept as it was sent."""
        request = ToolCallRequest(offer.call_id, offer.qualified, offer.arguments)
        call = Call(request, context)
        return await self._take(call, partial(self._ask_for, offer))

    async def watch(
        self, offer: OfferRequest, context: CallContext, on_update: Callable[[], None]
    ) -> tuple[ToolOutcome, Watch | None]:
        """Be told when the resource of an offer, its `uri`, may have changed; judged and recorded like reading it.

        The watch is None unless it was allowed and has begun; the caller closes it.
        """
        request = ToolCallRequest(offer.call_id, offer.qualified, offer.arguments)
        call = Call(request, context)
        begun: list[Watch] = []
        try:
            outcome = await self._take(call, partial(self._watch, offer, on_update, begun))
        except BaseException:
            for watch in begun:
                watch.close()
            raise
        return outcome, begun[0] if begun else None

    def allows(self, offer: OfferRequest, context: CallContext) -> bool:
        """Whether an offer would be let through at this moment."""
        if not context.policy.visible(offer.qualified):
            return False
        return _decide(context, offer.qualified, offer.arguments).verdict == "allow"

    async def _take(self, call: Call, work: Callable[[Call], Awaitable[ShapedResult]]) -> ToolOutcome:
        request, context = call.request, call.context
        try:
            result = await work(call)
        except Ended as ended:
            result = ended.shaped
        except anyio.get_cancelled_exc_class():
            call.outcome = "cancelled"
            await self._record(call, ShapedResult(()))
            raise
        except Exception:  # noqa: BLE001 - a defect of ours must neither end the run nor go unrecorded
            _log.exception("call %s failed within the gateway", one_line(request.call_id, 200))
            call.outcome, result = "server_fault", shape_text(_DEFECT, text_limit=context.result_bytes)
        await self._record(call, result)
        return call.finish(result)

    async def _call_tool(self, call: Call) -> ShapedResult:
        checked = self._check(call)
        result = await self._execute(call, partial(self._send, call, checked))
        call.outcome = "tool_error" if result.is_error else "ok"
        call.loads = result.loads
        if call.context.as_sent:
            return keep_result(result)
        return shape_result(result, text_limit=call.context.result_bytes)

    async def _ask_for(self, offer: OfferRequest, call: Call) -> ShapedResult:
        """See `ask`. Raises Ended."""
        _judge(offer, call)
        answer = await self._execute(call, partial(self._request, call, offer))
        call.outcome = "ok"
        return keep_answer(answer)

    async def _watch(
        self, offer: OfferRequest, on_update: Callable[[], None], begun: list[Watch], call: Call
    ) -> ShapedResult:
        """See `watch`. Raises Ended."""
        _judge(offer, call)
        context = call.context
        begin = partial(
            self._servers.watch,
            offer.server,
            offer.arguments["uri"],
            on_update,
            owner=context.owner,
            user=context.user,
            timeout=context.timeout_seconds,
        )
        begun.append(await self._execute(call, begin))
        call.outcome = "ok"
        return keep_answer({})

    def _check(self, call: Call) -> _Checked:
        """Everything before the call is sent. Raises Ended."""
        own = call.context.own_tools.get(call.request.name)
        tool = call.tool = self._visible_tool(call) if own is None else own.tool
        arguments = call.read_arguments()
        if problems := self._checks.problems(tool, arguments, self._servers.catalogue.generation):
            listed = "\n".join(f"- {problem}" for problem in problems)
            call.end("invalid", "invalid_arguments", f"The arguments do not fit the tool's schema:\n{listed}")
        if own is None:
            call.judge(_decide(call.context, tool.qualified, arguments))
        else:
            call.verdict = "allow"
        return _Checked(tool, arguments, own)

    def _visible_tool(self, call: Call) -> CatalogueTool:
        """The tool that the call names. Raises Ended for one that its key does not have."""
        name = call.request.name
        tool = _find(self._servers.catalogue, call.request)
        if tool is None or not call.context.policy.visible(tool.qualified):
            call.end("unknown", "unknown_tool", f"There is no tool called {one_line(name, 140)!r}.")
        return tool

    async def _execute(self, call: Call, send: Callable[[], Awaitable[_Got]]) -> _Got:
        """Send the call, and wait for what comes back. Raises Ended."""
        try:
            async with call.context.limiter or nullcontext():
                await checkpoint()  # the last point at which a cancelled call that may write does not begin
                return await send()
        except ToolServerError as error:
            call.fault(error)

    async def _send(self, call: Call, checked: _Checked) -> CallResult:
        context, tool = call.context, checked.tool
        if checked.own is not None:
            return await checked.own.run(checked.arguments)
        is_shielded = call.may_write and not context.breaks_off
        try:
            with anyio.fail_after(context.timeout_seconds + _GRACE, shield=is_shielded):
                return await self._servers.call(
                    tool.server,
                    tool.name,
                    checked.arguments,
                    owner=context.owner,
                    user=context.user,
                    timeout=context.timeout_seconds,
                    meanwhile=_meanwhile(context),
                    caller=context.caller,
                    given=call.request.given,
                )
        except TimeoutError as error:
            raise _silent(tool.server) from error

    async def _request(self, call: Call, offer: OfferRequest) -> Mapping[str, Any]:
        context = call.context
        try:
            with anyio.fail_after(context.timeout_seconds + _GRACE):
                return await self._servers.request(
                    offer.server,
                    offer.method,
                    offer.params,
                    owner=context.owner,
                    user=context.user,
                    timeout=context.timeout_seconds,
                    meanwhile=_meanwhile(context),
                    caller=context.caller,
                )
        except TimeoutError as error:
            raise _silent(offer.server) from error

    async def _record(self, call: Call, result: ShapedResult) -> None:
        """Count and record the call; nothing that happens around it may keep the record from being made."""
        record = call.record(result)
        self._metrics.tool_call(
            call.context.surface, record.server or "", record.verdict, record.outcome, record.duration_seconds
        )
        if self._audit.offer(record):
            return
        with anyio.move_on_after(_RECORDING, shield=True) as scope:
            await self._audit.record(record)
        if scope.cancelled_caught:
            _log.critical("the audit trail is stuck; this record is here alone: %r", record)


def _find(catalogue: Catalogue, request: ToolCallRequest) -> CatalogueTool | None:
    if request.qualified is not None:
        return catalogue.by_name.get(request.qualified)
    return catalogue.by_wire_name.get(request.name) or catalogue.by_name.get(request.name)


def _judge(offer: OfferRequest, call: Call) -> None:
    """Whether the key may have what is on offer. Raises Ended unless it may."""
    if not call.context.policy.visible(offer.qualified):
        call.end("unknown", "unknown_tool", f"There are no {offer.kind} here.")
    call.tool = offer
    call.judge(_decide(call.context, offer.qualified, call.read_arguments()))


def _decide(context: CallContext, qualified: str, arguments: Mapping[str, Any]) -> Decision:
    try:
        return context.policy.decide(qualified, arguments)
    except Exception as error:  # noqa: BLE001 - whatever fails in a policy, the call is denied
        _log.exception("the policy of key %s failed on %s", context.key_id, qualified)
        return _PolicyFailed(reason=f"the policy failed: {type(error).__name__}")


def _silent(server: str) -> ToolCallTimeout:
    return ToolCallTimeout(f"The tool server {server!r} gave no answer within its deadline.", server=server)


@dataclass(frozen=True, slots=True)
class _PolicyFailed:
    """An error in a policy denies."""

    reason: str
    verdict: Literal["deny"] = "deny"
    rule: str | None = "policy-error"
    message: str = "Refused: the policy for this call could not be evaluated."


@dataclass(frozen=True, slots=True)
class _Checked:
    """A call that may be sent."""

    tool: CatalogueTool
    arguments: Mapping[str, Any]
    own: OwnTool | None


def _meanwhile(context: CallContext) -> Meanwhile:
    """Who hears what the server says before its answer."""
    if context.on_progress is None and context.on_log is None:
        return SILENCE
    return Meanwhile(_harmless(context), on_log=context.on_log)


def _harmless(context: CallContext) -> Callable[[ToolProgress], None] | None:
    """The context's progress listener, which gets messages that are safe to show."""
    listener = context.on_progress
    if listener is None:
        return None

    def report(progress: ToolProgress) -> None:
        message = progress.message and one_line(progress.message, 200)
        listener(replace(progress, message=message))

    return report

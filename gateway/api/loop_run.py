"""A request as a run of the tool loop: set up, or taken up again, run, answered, recorded.

Above: the endpoint of a dialect. Below: the tool loop. The dialect is a parameter: whatever the client speaks,
the run is the same.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from gateway.api.answer import Answer
from gateway.api.client_leaving import CancelledWhenClientLeaves
from gateway.api.model_inquiry import Inquiry
from gateway.api.model_request import meaningful_headers
from gateway.api.remembering import keep, keep_broken_off, recall
from gateway.api.requests import Request
from gateway.api.responses import json_response
from gateway.api.run_records import RunLog
from gateway.api.run_stream import RunStream
from gateway.api.run_summary import summarize_run
from gateway.api.services import Services
from gateway.api.tool_runner import RunTools
from gateway.api.toolgate_field import FIELD, HEADER
from gateway.conversation import Message, ModelRequest, ModelResponse, TextDelta
from gateway.dialects import Dialect, Traits, answering
from gateway.errors import InvalidRequest
from gateway.exposure import Selection
from gateway.tool_loop import (
    Finish,
    ModelCaller,
    Recalled,
    RequestIdentity,
    RunEvent,
    ShownTools,
    Telling,
    ToolLoop,
    ToolLoopMachine,
    appended,
)

_IDEMPOTENCY_KEY = "idempotency-key"
_LONGEST_IDEMPOTENCY_KEY = 255
_RETRIES = "x-stainless-retry-count"  # what the official SDKs say of themselves
_ATTEMPT = "amz-sdk-request"  # and Amazon's: attempt=2; max=5


async def run_loop(
    request: Request, services: Services, answer: Answer, inquiry: Inquiry, recalled: Recalled | None = None
) -> None:
    """Answer with a run; a retry of an earlier attempt joins that one's run.

    `recalled` is the request with its history, where that has been looked up already.
    """
    recalled = recalled or await recall(request.headers, services, inquiry)
    identity = _identity(request, inquiry)
    rejoin = identity.idempotency_key is not None or _is_retry(request)
    with CancelledWhenClientLeaves(request, answer):
        async with services.attempts.claim(
            identity,
            begin=lambda: _begin(request, services, inquiry, recalled),
            body_bytes=len(inquiry.body),
            rejoin=rejoin,
        ) as loop:
            request.run_id = loop.run_id
            # A run that is taken up again goes on under the configuration of today.
            loop.go_on_with(*_means(request, services, inquiry))
            await _Run(request, services, answer, inquiry, recalled, loop).run()


def _identity(request: Request, inquiry: Inquiry) -> RequestIdentity:
    key = request.headers.get(_IDEMPOTENCY_KEY)
    if key is not None and not 0 < len(key) <= _LONGEST_IDEMPOTENCY_KEY:
        message = f"Idempotency-Key must have 1 to {_LONGEST_IDEMPOTENCY_KEY} characters"
        raise InvalidRequest(message, param=_IDEMPOTENCY_KEY)
    digest = hashlib.sha256(inquiry.dialect.name.encode() + b"\n")
    digest.update(inquiry.body)
    if not inquiry.dialect.traits.names_model:
        digest.update(f"\n{inquiry.model}\n{inquiry.fields.get('stream')}".encode())
    digest.update(request.headers.get(HEADER, "").encode("latin-1"))
    for name, value in meaningful_headers(request.headers, inquiry).items():
        digest.update(f"\n{name}: {value}".encode("latin-1"))
    return RequestIdentity(inquiry.principal.owner, digest.digest(), key)


def _is_retry(request: Request) -> bool:
    if request.headers.get(_RETRIES, "0") not in ("", "0"):
        return True
    attempt = request.headers.get(_ATTEMPT, "").partition(";")[0].strip()
    return attempt.startswith("attempt=") and attempt != "attempt=1"


def _begin(request: Request, services: Services, inquiry: Inquiry, recalled: Recalled) -> ToolLoop:
    wanted, ours = inquiry.options.limits, inquiry.exposure.definitions
    limits = services.loop_limits.narrowed(
        rounds=wanted.rounds, calls=wanted.calls, wall_clock_seconds=wanted.wall_clock_seconds, usd=wanted.usd
    )
    if limits.usd is not None:
        _check_prices(services, inquiry)
    selection = inquiry.exposure.selection
    machine = ToolLoopMachine(
        request=recalled.request if selection is None else _with_tools_told_of(recalled.request, selection),
        client_tools=frozenset(tool.name for tool in recalled.given.tools[: -len(ours) or None]),
        limits=limits,
        later_tools=None if selection is None else selection.told_of,
    )
    model, tools = _means(request, services, inquiry)
    traits = inquiry.dialect.traits
    return ToolLoop(
        machine,
        run_id=request.run_id,
        response_id=_response_id(request.run_id, traits),
        model=model,
        tools=tools,
        usage_of_run=traits.usage_of_run,
        telling=_telling(inquiry),
    )


def _with_tools_told_of(request: ModelRequest, selection: Selection) -> ModelRequest:
    """With the tools that were found in earlier turns, and those that must be there to be chosen."""
    more = (*selection.told_of(request.messages), *selection.meant_by(request.tool_choice))
    return replace(request, tools=appended(request.tools, more))


def _telling(inquiry: Inquiry) -> Telling:
    """What the client is told; of the servers that it named, as far as its dialect has words for it."""
    traits, shown = inquiry.dialect.traits, inquiry.brought.shown
    if not traits.shows_calls:
        shown = ShownTools()
    elif not traits.shows_listings:
        shown = replace(shown, listings=())
    return Telling(inquiry.dialect.name, shown, traits.round_break)


def _check_prices(services: Services, inquiry: Inquiry) -> None:
    """What a run may cost can be held to only where prices are known. Raises InvalidRequest."""
    unpriced = services.router.prices.unpriced(inquiry.route)
    if unpriced is not None:
        message = f"toolgate.limits.usd: no price is known for {unpriced.model!r}; the operator can set one for it"
        raise InvalidRequest(message, code="price_unknown", param="toolgate.limits.usd")


def _means(request: Request, services: Services, inquiry: Inquiry) -> tuple[ModelCaller, RunTools]:
    """The model and the tools of a run; what they may be asked for is decided by the policy of this request."""
    tools = RunTools(services, inquiry.principal, request.run_id, inquiry.exposure)
    return services.router.caller(inquiry.route), tools


@dataclass(frozen=True, slots=True)
class _Run:
    """One attempt at a run."""

    request: Request
    services: Services
    answer: Answer
    inquiry: Inquiry
    recalled: Recalled
    loop: ToolLoop

    async def run(self) -> None:
        """Run, answer, record; a fault is told to the client and recorded, and the run kept for a retry."""
        log = RunLog(self.request, self.inquiry.principal, self.inquiry.dialect.name, self.inquiry.model)
        log.counted = self.loop.machine.rounds, self.loop.machine.usage
        async with log.recorded(self.services):
            try:
                if self.loop.machine.request.stream:
                    await self._stream()
                else:
                    await self._whole()
            except Exception:
                if self.loop.may_have_written:
                    self.answer.headers["x-should-retry"] = "false"
                raise
            finally:
                log.rounds = self.loop.machine.rounds
                log.calls = len(self.loop.outcomes)
                log.usage = self.loop.machine.usage

    async def _whole(self) -> None:
        finish = await self.loop.run(_ignore)
        await keep(self.services, self.inquiry, self.recalled, self.loop, finish)
        response = _response(self.loop, finish, self.inquiry.dialect.traits)
        written = self._codec().write_response(response, toolgate=self._summary())
        await self.answer.whole(json_response(written))

    async def _stream(self) -> None:
        stream = RunStream(
            self.answer,
            self._codec().stream_writer(include_usage=self.loop.machine.request.include_usage),
            heartbeat_seconds=self.services.http_limits.heartbeat_seconds,
            tells_progress=self.inquiry.options.events,
        )
        told: list[str] = []
        try:
            async with stream.kept_alive():

                async def emit(event: RunEvent) -> None:
                    if isinstance(event, TextDelta):
                        told.append(event.text)
                    await stream.emit(event)

                finish = await self.loop.run(emit)
                await keep(self.services, self.inquiry, self.recalled, self.loop, finish)
                await stream.end(self._summary())
        finally:
            await keep_broken_off(self.services, self.inquiry, self.recalled, self.loop, told)

    def _codec(self) -> Dialect:
        """The client's dialect, for an answer to what it asked: of its tools alone."""
        return answering(self.inquiry.dialect, self._asked)

    def _asked(self) -> ModelRequest:
        """What the client asked, without what was added to it."""
        given, ours = self.recalled.given, self.inquiry.exposure.definitions
        repeated = {**given.extras, **self.inquiry.repeated}
        return replace(given, tools=given.tools[: -len(ours) or None], extras=repeated)

    def _summary(self) -> dict[str, object] | None:
        """The `toolgate` object: for those that ask, and for those that do not know that a server is down."""
        unavailable = self.inquiry.exposure.unavailable
        if FIELD not in self.inquiry.fields and not unavailable:
            return None
        return summarize_run(self.loop, unavailable)


def _response(loop: ToolLoop, finish: Finish, traits: Traits) -> ModelResponse:
    """The one answer to the client, put together from all rounds."""
    last, listings = finish.last, loop.telling.shown.listings
    is_whole = finish.rounds == 1 and last.message.tool_calls == finish.client_calls
    if not is_whole:
        message = Message("assistant", (*listings, *loop.told_parts(finish)))
    elif listings:
        message = replace(last.message, parts=(*listings, *last.message.parts))
    else:
        message = last.message
    return replace(
        last,
        id=_response_id(loop.run_id, traits),
        message=message,
        finish_reason=finish.reason,
        usage=loop.told_usage(finish),
        source=last.source if is_whole else None,  # fields unknown to us stay where nothing was put together
    )


def _response_id(run_id: str, traits: Traits) -> str:
    """One id for the answer, whatever the number of rounds; derived from the run's: each leads to the other."""
    return traits.response_id_prefix + run_id.removeprefix("run_")


async def _ignore(event: RunEvent) -> None:
    """A whole answer has no use for what happens on the way."""

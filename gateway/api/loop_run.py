"""A request as a run of the tool loop: set up, or taken up again, run, answered, recorded.

Above: the endpoint of a dialect. Below: the tool loop. The dialect is a parameter: whatever the client speaks,
the run is the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.api.answer import Answer
from gateway.api.errors import describe_error
from gateway.api.inquiry import Inquiry
from gateway.api.presence import CancelledWhenClientLeaves
from gateway.api.requests import ClientLeft, Request
from gateway.api.responses import json_response
from gateway.api.run_records import RunLog
from gateway.api.run_stream import RunStream
from gateway.api.run_summary import summarize_run
from gateway.api.services import Services
from gateway.api.tool_runner import RunTools
from gateway.api.toolgate_field import FIELD, HEADER
from gateway.conversation import FinishReason, Message, ModelRequest, ModelResponse, Part, Reasoning, Text
from gateway.dialects import Traits
from gateway.errors import InvalidRequest
from gateway.exposure import check_names
from gateway.tool_loop import Finish, ModelCaller, RequestIdentity, RunEvent, ToolLoop, ToolLoopMachine

_IDEMPOTENCY_KEY = "idempotency-key"
_LONGEST_IDEMPOTENCY_KEY = 255
_RETRIES = "x-stainless-retry-count"  # what the official SDKs say of themselves


async def run_loop(request: Request, services: Services, answer: Answer, inquiry: Inquiry) -> None:
    """Answer with a run; a retry of an earlier attempt joins that one's run."""
    given = await _model_request(request, services, inquiry)
    identity = _identity(request, inquiry)
    rejoin = identity.idempotency_key is not None or _is_retry(request)
    with CancelledWhenClientLeaves(request, answer):
        async with services.attempts.claim(
            identity,
            begin=lambda: _begin(request, services, inquiry, given),
            body_bytes=len(inquiry.body),
            rejoin=rejoin,
        ) as loop:
            request.run_id = loop.run_id
            # A run that is taken up again goes on under the configuration of today.
            loop.go_on_with(*_means(request, services, inquiry))
            await _Run(request, services, answer, inquiry, loop).run()


async def _model_request(request: Request, services: Services, inquiry: Inquiry) -> ModelRequest:
    """The client's request with our tools added and our part of earlier turns put back. Raises InvalidRequest."""
    given = inquiry.dialect.read_request(inquiry.fields)
    ours = inquiry.exposure.definitions
    if ours:
        _check_compatible(given)
    check_names(ours, given.tools, name_field=inquiry.dialect.traits.tool_name)
    messages = await services.handoffs.restore(inquiry.principal.key_id, given.messages)
    headers = _meaningful_headers(request, inquiry)
    return replace(given, messages=messages, tools=(*given.tools, *ours), headers=headers)


def _meaningful_headers(request: Request, inquiry: Inquiry) -> dict[str, str]:
    names = inquiry.dialect.traits.request_headers
    return {name: request.headers[name] for name in names if name in request.headers}


def _check_compatible(given: ModelRequest) -> None:
    """What cannot be had together with tools of ours. Raises InvalidRequest."""
    without = f"or leave the gateway's tools out with the header {HEADER}: none"
    if given.n > 1:
        raise InvalidRequest(f"n must be 1 while tools are attached, {without}", param="n")
    for legacy in ("functions", "function_call"):
        if legacy in given.extras:
            message = f"{legacy} cannot be used while tools are attached: use tools and tool_choice, {without}"
            raise InvalidRequest(message, param=legacy)


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
    for name, value in _meaningful_headers(request, inquiry).items():
        digest.update(f"\n{name}: {value}".encode("latin-1"))
    return RequestIdentity(inquiry.principal.key_id, digest.digest(), key)


def _is_retry(request: Request) -> bool:
    return request.headers.get(_RETRIES, "0") not in ("", "0")


def _begin(request: Request, services: Services, inquiry: Inquiry, given: ModelRequest) -> ToolLoop:
    wanted, ours = inquiry.options.limits, inquiry.exposure.tools
    limits = services.loop_limits.narrowed(
        rounds=wanted.rounds, calls=wanted.calls, wall_clock_seconds=wanted.wall_clock_seconds, usd=wanted.usd
    )
    if limits.usd is not None:
        _check_prices(services, inquiry)
    machine = ToolLoopMachine(
        request=given,
        client_tools=frozenset(tool.name for tool in given.tools[: -len(ours) or None]),
        limits=limits,
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
    )


def _check_prices(services: Services, inquiry: Inquiry) -> None:
    """What a run may cost can be held to only where prices are known. Raises InvalidRequest."""
    unpriced = services.router.prices.unpriced(inquiry.route)
    if unpriced is not None:
        message = f"toolgate.limits.usd: no price is known for {unpriced.model!r}; the operator can set one for it"
        raise InvalidRequest(message, code="price_unknown", param="toolgate.limits.usd")


def _means(request: Request, services: Services, inquiry: Inquiry) -> tuple[ModelCaller, RunTools]:
    """The model and the tools of a run; what they may be asked for is decided by the policy of this request."""
    tools = RunTools(services, inquiry.principal.key_id, request.run_id, inquiry.exposure.policy)
    return services.router.caller(inquiry.route), tools


@dataclass(frozen=True, slots=True)
class _Run:
    """One attempt at a run."""

    request: Request
    services: Services
    answer: Answer
    inquiry: Inquiry
    loop: ToolLoop

    async def run(self) -> None:
        """Run, answer, record; a fault is told to the client and recorded, and the run kept for a retry."""
        log = RunLog(self.request, self.inquiry.principal, self.inquiry.dialect.name, self.inquiry.model)
        try:
            if self.loop.machine.request.stream:
                await self._stream()
            else:
                await self._whole()
            log.outcome = "ok"
        except ClientLeft:
            raise
        except Exception as error:
            log.outcome = describe_error(error, request_id=self.request.request_id).outcome
            if self.loop.may_have_written:
                self.answer.headers["x-should-retry"] = "false"
            raise
        finally:
            log.rounds = self.loop.machine.rounds
            log.calls = len(self.loop.outcomes)
            log.usage = self.loop.machine.usage
            await log.record(self.services)

    async def _whole(self) -> None:
        finish = await self.loop.run(_ignore)
        await self._keep_handoff(finish)
        response = _response(self.loop, finish, self.inquiry.dialect.traits)
        written = self.inquiry.dialect.write_response(response, toolgate=self._summary())
        await self.answer.whole(json_response(written))

    async def _stream(self) -> None:
        stream = RunStream(
            self.answer,
            self.inquiry.dialect.stream_writer(include_usage=self.loop.machine.request.include_usage),
            heartbeat_seconds=self.services.http_limits.heartbeat_seconds,
            tells_progress=self.inquiry.options.events,
        )
        async with stream.kept_alive():

            async def emit(event: RunEvent) -> None:
                await stream.emit(event)

            finish = await self.loop.run(emit)
            await self._keep_handoff(finish)
            await stream.end(self._summary())

    def _summary(self) -> dict[str, object] | None:
        """The `toolgate` object: for those that ask, and for those that do not know that a server is down."""
        unavailable = self.inquiry.exposure.unavailable
        if FIELD not in self.inquiry.fields and not unavailable:
            return None
        return summarize_run(self.loop, unavailable)

    async def _keep_handoff(self, finish: Finish) -> None:
        """Before the client can come back with its tools' results: keep what it will not know of this turn."""
        asked, transcript = self.loop.machine.request.messages, self.loop.machine.transcript
        keeps_proofs = self.inquiry.dialect.traits.keeps_proofs
        is_known = _is_known_to_client(transcript, finish, keeps_proofs=keeps_proofs)
        if finish.reason is FinishReason.TOOL_CALLS and not is_known:
            key_id = self.inquiry.principal.key_id
            await self.services.handoffs.keep(key_id, asked, finish.client_calls, transcript)


def _is_known_to_client(transcript: Sequence[Message], finish: Finish, *, keeps_proofs: bool) -> bool:
    """Whether all that this run added is the one message that the client gets, and will send back whole."""
    if len(transcript) != 1 or transcript[0].tool_calls != finish.client_calls:
        return False
    return keeps_proofs or not any(
        isinstance(part, Reasoning) and part.signature is not None for part in transcript[0].parts
    )


def _response(loop: ToolLoop, finish: Finish, traits: Traits) -> ModelResponse:
    """The one answer to the client, put together from all rounds.

    What later rounds thought is told without its proof, which holds behind calls that the client does not know.
    """
    response = replace(
        finish.last,
        id=_response_id(loop.run_id, traits),
        finish_reason=finish.reason,
        usage=loop.told_usage(finish),
    )
    if finish.rounds == 1 and finish.last.message.tool_calls == finish.client_calls:
        return response  # nothing was put together: fields unknown to us stay
    kept: tuple[Part, ...] = tuple(
        replace(part, signature=None) if isinstance(part, Reasoning) and finish.rounds > 1 else part
        for part in finish.last.message.parts
        if not isinstance(part, Text) and part not in _calls(finish)
    )
    text = (Text(finish.text),) if finish.text else ()
    message = Message("assistant", (*kept, *text, *finish.client_calls))
    return replace(response, message=message, source=None)


def _response_id(run_id: str, traits: Traits) -> str:
    """One id for the answer, whatever the number of rounds; derived from the run's: each leads to the other."""
    return traits.response_id_prefix + run_id.removeprefix("run_")


def _calls(finish: Finish) -> tuple[Part, ...]:
    return finish.last.message.tool_calls


async def _ignore(event: RunEvent) -> None:
    """A whole answer has no use for what happens on the way."""

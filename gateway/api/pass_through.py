"""A request to which the gateway adds nothing: its bytes go to the provider, the answer's bytes come back.

Only the model's name is rewritten, and a stream's usage asked for, and taken out where the client had not asked.
Fields and headers unknown to us survive, a refusal is not reworded, and the usage is read from what passes by.
This is the hot path: every line runs for every request and every chunk.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping

from gateway.api.answer import Answer
from gateway.api.client_leaving import BrokenOffWhenClientLeaves
from gateway.api.errors import ErrorAnswer
from gateway.api.model_inquiry import Inquiry
from gateway.api.requests import Request
from gateway.api.responses import hop_by_hop, passed_on
from gateway.api.run_records import RunLog
from gateway.api.services import Services
from gateway.dialects import Dialect, WireFormatError
from gateway.dialects.traits import Cutter, UsageAsking
from gateway.providers.answers import ProviderAnswer
from gateway.providers.failures import protocol_error

_OURS = "x-toolgate-"
_LONGEST_HELD = 64 * 1024  # bytes of a line
_LONGEST_FIRST = 4 * 1024 * 1024  # bytes of the first frame, which may repeat the request
_ERROR = re.compile(rb'"error"(?!\s*:\s*null)')
"""An error, or the kind of an event that is one; responses say from the first event on that they have none."""


async def pass_through(request: Request, services: Services, answer: Answer, inquiry: Inquiry) -> None:
    """Pass one request through, and record it."""
    run = RunLog(request, inquiry.principal, inquiry.surface, inquiry.model, rounds=1)
    async with run.recorded(services):
        with BrokenOffWhenClientLeaves(request, answer):
            dialect, headers = inquiry.dialect.name, passed_in(request.headers)
            sent = services.router.forward(
                inquiry.route, dialect, inquiry.form or inquiry.body, inquiry.fields, headers, inquiry.path
            )
            async with sent as given:
                try:
                    await _answer(answer, given, inquiry, run, sent.usage_asking)
                finally:
                    if run.usage is not None:
                        run.usage = services.router.prices.priced(run.usage, sent.deployment)


def passed_in(headers: Mapping[str, str]) -> dict[str, str]:
    """The client's headers that are not meant for us; routing leaves out those that carry credentials."""
    kept = {name: value for name, value in headers.items() if not name.startswith(_OURS)}
    for name in hop_by_hop(headers):
        kept.pop(name, None)
    return kept


async def _answer(
    answer: Answer, given: ProviderAnswer, inquiry: Inquiry, run: RunLog, usage_asking: UsageAsking | None
) -> None:
    if answer.recorder is not None:
        answer.recorder.provider = given.provider.name
    if given.is_stream(inquiry.dialect):
        await _stream(answer, given, inquiry, run, usage_asking)
        return
    if not given.is_whole:
        await pass_bytes(answer, given)
        return
    body = await given.read()
    run.usage = inquiry.dialect.usage_of(body)
    await answer.begin(given.status, {**passed_on(given.headers), "content-length": str(len(body))})
    await answer.write(body, more=False)


async def pass_bytes(answer: Answer, given: ProviderAnswer) -> None:
    """Sound and the like. One that breaks off is not ended: its length tells no client that it is not whole."""
    await answer.begin(given.status, passed_on(given.headers))
    async for chunk in given.chunks():
        await answer.write(chunk)
    await answer.write(b"", more=False)


async def _stream(
    answer: Answer, given: ProviderAnswer, inquiry: Inquiry, run: RunLog, usage_asking: UsageAsking | None
) -> None:
    """The head leaves with the first bytes, so that a fault before them can still be an HTTP error."""
    scanner = inquiry.dialect.usage_scanner()
    taker = None if usage_asking is None else usage_asking.taker()
    fault = _Fault(inquiry.dialect)
    cutter = inquiry.dialect.traits.frames
    chunks = given.chunks() if cutter is None else _whole_frames(given, cutter())
    in_lines = inquiry.dialect.traits.frame_break.endswith(b"\n")
    marks = inquiry.dialect.traits.end_marks
    is_over = not marks
    held = b""
    try:
        async for chunk in chunks:
            known = scanner.usage
            scanner.feed(chunk)
            if not answer.has_begun:
                await answer.begin_events(fault, passed_on(given.headers))
            if held or not chunk.endswith(b"\n"):
                chunk, held = _whole_lines(held + chunk, in_lines=in_lines)  # noqa: PLW2901 - what is left of it
            is_over = is_over or _holds_one_of(marks, chunk)
            if taker is not None:
                chunk = taker.take_out(chunk, is_told=scanner.usage is not known)  # noqa: PLW2901 - likewise
            if chunk:
                fault.note(chunk)
                await answer.write(chunk)
        if held:
            known = scanner.usage
            scanner.feed(b"\n")  # the last line is as whole as it will be
            if taker is not None:
                held = taker.take_out(held, is_told=scanner.usage is not known)
    finally:
        run.usage = scanner.usage
    if not is_over and not _holds_one_of(marks, held):
        # It ended in good order, but before its answer did.
        raise protocol_error(given.provider, "the stream ended before its answer did")
    if not answer.has_begun:
        await answer.begin_events(fault, passed_on(given.headers))
    await answer.write(held, more=False)


def _whole_lines(data: bytes, *, in_lines: bool) -> tuple[bytes, bytes]:
    """What can be sent by now, and what is held back: of a line that breaks off, no client could make anything."""
    end = data.rfind(b"\n") + 1
    if not in_lines or len(data) - end > _LONGEST_HELD:
        return data, b""
    return data[:end], data[end:]


def _holds_one_of(marks: tuple[bytes, ...], data: bytes) -> bool:
    """Whether the end of an answer, or an error in its place, is told of in these lines."""
    for mark in marks:
        if mark in data:
            return True
    return b'"error"' in data and _ERROR.search(data) is not None


async def _whole_frames(given: ProviderAnswer, frames: Cutter) -> AsyncGenerator[bytes]:
    """The same bytes, for formats in which a broken frame would swallow the error that follows it."""
    chunks = given.chunks()
    try:
        async for chunk in chunks:
            if whole := b"".join(frames.feed(chunk)):
                yield whole
        if frames.has_rest:
            raise protocol_error(given.provider, "its stream ended within a frame")
    except WireFormatError as error:
        raise protocol_error(given.provider, f"its stream cannot be passed on: {error}") from error
    finally:
        await chunks.aclose()


class _Fault:
    """A `StreamFault`, set apart from whatever the provider had begun to say."""

    __slots__ = ("_dialect", "_first", "_last", "_last_but_one", "_seeks_first")

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._first = self._last = self._last_but_one = b""
        self._seeks_first = dialect.traits.end_broken_stream is not None

    def note(self, chunk: bytes) -> None:
        """The client is sent these lines."""
        self._last_but_one, self._last = self._last, chunk
        if self._seeks_first:
            self._first += chunk
            begun = self._first.find(b"data:")
            is_whole = begun >= 0 and self._first.find(b"\n", begun) >= 0
            self._seeks_first = not is_whole and len(self._first) < _LONGEST_FIRST

    def __call__(self, told: ErrorAnswer) -> bytes:
        """The end. Where a frame has just ended no break is written: an empty line is no JSON."""
        traits = self._dialect.traits
        if traits.end_broken_stream is None:
            event = self._dialect.stream_writer(include_usage=False).error(told)
        else:
            event = traits.end_broken_stream(told, self._first, self._last_but_one + self._last)
        mark = traits.frame_break
        return event if not self._last or self._last.endswith(mark) else mark + event

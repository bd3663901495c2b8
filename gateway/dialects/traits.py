"""What the layers above must know of a wire format, without reading it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.conversation import UnknownPart
from gateway.dialects.faults import ToldFault


class Cutter(Protocol):
    """Cuts a stream into its frames, whatever they say."""

    @property
    def has_rest(self) -> bool:
        """Whether a frame has begun that is not complete."""
        ...

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The frames that `chunk` completes. Raises WireFormatError."""
        ...


class UsageTaker(Protocol):
    """Takes out of one answer what was told because the usage was asked for."""

    def take_out(self, lines: bytes, *, is_told: bool) -> bytes:
        """The next whole lines without it; `is_told` says whether a usage was found in them."""
        ...


class UsageAsking(Protocol):
    """Has a provider tell the usage of a stream that passes through, and the client not."""

    def is_due(self, fields: Mapping[str, Any], quirks: Collection[str]) -> bool:
        """Whether a provider with these quirks would else not tell it, and takes the wish for it."""
        ...

    def ask(self, body: bytes, fields: Mapping[str, Any]) -> tuple[bytes, Mapping[str, Any]]:
        """The same request with the wish for it, as bytes and as what they say. Raises InvalidRequest."""
        ...

    def is_refused(self, status: int, body: bytes) -> bool:
        """Whether a provider's refusal may be of the wish alone."""
        ...

    def taker(self) -> UsageTaker:
        """For one answer."""
        ...


@dataclass(frozen=True, slots=True)
class Traits:
    """The habits of one wire format.

    `response_id_prefix` begins the ids of answers. `request_id_header` is where its clients look for the id of a
    request, besides `x-request-id`. `request_headers` change what a request means, and go to providers of the
    same format. `turn_mark` stands in every body whose history holds an answer; one of `own_marks` in every body
    that holds something which this gateway wrote and no provider knows. `proof_mark` stands in every body that
    holds proofs of thoughts, or asks for them. `tool_name` is where a tool has its name.

    `stream_type` is the content type of its streams, and `frame_break` what sets a frame apart from the rest of
    one that broke off; where nothing can, `frames` cuts the stream, so that none is ever broken off.
    One of `end_marks` stands in every stream that came to its end, and in none before; without any, that is not
    known. `end_broken_stream` tells of a fault in one whose bytes passed, given lines of both its ends, where that
    takes more than the error event. `usage_asking` is there where streams tell their usage only to those who ask
    for it. `error_type_header` is where its clients look for what kind an error is, which
    its body has as `__type`.
    `spent_status` is the HTTP status at which they stop because the money is used up.

    With `names_model` False the model, and whether to stream, stand in the URL: its codec finds them as `model`
    and `stream` among a request's fields all the same, and writes neither.

    With `usage_of_run` False clients take the usage for the size of the context: they are told that of the last
    round. With `keeps_proofs` clients send back what the model thought, with the provider's proof of it. With
    `shows_calls` they can be shown the calls to tools of servers that they named, and with `shows_listings` which
    tools these have. With `stores_answers` they may refer to earlier answers instead of sending them back. With
    `keeps_call_ids` False some send calls back without their ids, which then are others than those they got.
    `round_break` ends a message within an answer, where an answer may have several: what each round says is one.
    """

    response_id_prefix: str
    turn_mark: bytes
    tool_name: str
    own_marks: tuple[bytes, ...] = ()
    proof_mark: bytes = b""
    stream_type: str = "text/event-stream"
    frame_break: bytes = b"\n\n"
    frames: Callable[[], Cutter] | None = None
    error_type_header: str = ""
    spent_status: int = 402
    names_model: bool = True
    end_marks: tuple[bytes, ...] = ()
    end_broken_stream: Callable[[ToldFault, bytes, bytes], bytes] | None = None
    usage_asking: UsageAsking | None = None
    request_id_header: str = ""
    request_headers: tuple[str, ...] = ()
    usage_of_run: bool = True
    keeps_proofs: bool = False
    shows_calls: bool = False
    shows_listings: bool = False
    stores_answers: bool = False
    keeps_call_ids: bool = True
    round_break: UnknownPart | None = None

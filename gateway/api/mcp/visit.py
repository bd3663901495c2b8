"""One HTTP request at `/mcp`: who sent it, what there is for them, and in which forms they take an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.api.answer import Answer
from gateway.api.mcp.surface import Surface
from gateway.api.mcp.wire import http_refusal
from gateway.api.requests import Request
from gateway.api.responses import JSON
from gateway.api.services import Services
from gateway.auth import Principal

_EVENTS = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Visit:
    """See the module. All of it has been checked but the message."""

    request: Request
    answer: Answer
    services: Services
    principal: Principal
    surface: Surface

    @property
    def takes_events(self) -> bool:
        """Whether an event stream can be the answer."""
        return accepts(self.request.headers, _EVENTS)

    @property
    def heartbeat(self) -> float:
        """Seconds of silence after which a client is shown that the connection lives."""
        return self.services.http_limits.heartbeat_seconds


def accepts(headers: Mapping[str, str], kind: str) -> bool:
    """Whether a client takes answers of a media type; without a word about it, any (RFC 9110, section 12.5.1)."""
    wanted = headers.get("accept", "*/*").lower()
    return kind in wanted or "*/*" in wanted or f"{kind.partition('/')[0]}/*" in wanted


def check_forms(headers: Mapping[str, str]) -> None:
    """See that a POST brings JSON and takes some. Raises Refusal.

    A page in a browser can send other types to anywhere without being asked; JSON it cannot.
    """
    if headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise http_refusal(415, "Content-Type must be application/json")
    if not accepts(headers, JSON):
        raise http_refusal(406, "Accept must allow application/json and text/event-stream")


def check_takes_events(headers: Mapping[str, str]) -> None:
    """See that what can only be a stream is taken as one. Raises Refusal."""
    if not accepts(headers, _EVENTS):
        raise http_refusal(406, "Accept must allow text/event-stream")

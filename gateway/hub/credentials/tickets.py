"""Tickets: who may begin to sign in at which server, sealed into a link that is good for a short while."""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import orjson

from gateway.hub.credentials.vault import Sealer

TICKET_LIFE = 600
"""Seconds that a ticket is good for, and a sign-in that was begun with it."""

_PLACE = b"connect-ticket"
_LONGEST = 4096  # characters


@dataclass(frozen=True, slots=True)
class Ticket:
    """`subject` is whose connection it will be, `label` what people call them; `id` is this ticket's own."""

    server: str
    subject: str
    label: str
    id: str
    expires: int


class Tickets:
    """Makes tickets and reads them. `clock` gives seconds since the epoch."""

    def __init__(self, sealer: Sealer, *, clock: Callable[[], float] = time.time) -> None:
        self._sealer = sealer
        self._clock = clock

    def make(self, server: str, subject: str, label: str) -> str:
        """A ticket, as it stands in a link; what it says can be read by us alone."""
        ticket = Ticket(server, subject, label, secrets.token_urlsafe(12), int(self._clock()) + TICKET_LIFE)
        sealed = self._sealer.seal(orjson.dumps(asdict(ticket)), _PLACE)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def read(self, text: str, server: str) -> Ticket | None:
        """The ticket for a server in a link; None for what is no such ticket, or none any more."""
        try:
            sealed = base64.urlsafe_b64decode(text[:_LONGEST] + "=" * (-len(text) % 4))
        except (binascii.Error, ValueError):
            return None
        data = self._sealer.open(sealed, _PLACE)
        ticket = None if data is None else Ticket(**orjson.loads(data))
        return ticket if ticket and ticket.server == server and self._clock() < ticket.expires else None

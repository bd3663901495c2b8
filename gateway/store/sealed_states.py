"""Small texts that travel through clients and come back: readable by nobody else, good for one place and a while.

They are sealed under a key of their own, derived (RFC 5869) from the one that seals payloads: every process that
has the state folder can open what another one sealed.
"""

from __future__ import annotations

import base64
import binascii
import struct
import time
from collections.abc import Callable

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.store.key_file import KEY_BYTES
from gateway.store.sealing import Sealer

_PURPOSE = b"toolgate sealed states 1"
_EXPIRY = struct.Struct(">Q")  # seconds since the epoch


class SealedStates:
    """Seals and opens. `key` is the one that seals payloads; `clock` gives seconds since the epoch."""

    def __init__(self, key: bytes, *, clock: Callable[[], float] = time.time) -> None:
        self._sealer = Sealer(HKDF(SHA256(), KEY_BYTES, None, _PURPOSE).derive(key))
        self._clock = clock

    def seal(self, state: str, place: bytes, *, ttl_seconds: int) -> str:
        """The state, for `place` alone."""
        expires = _EXPIRY.pack(int(self._clock()) + ttl_seconds)
        sealed = self._sealer.seal(expires + state.encode("utf-8", "surrogatepass"), place)
        return base64.urlsafe_b64encode(sealed).decode("ascii").rstrip("=")

    def open(self, sealed: str, place: bytes) -> str | None:
        """The state; None for what was sealed for another place, was changed, or is out of date."""
        try:
            data = base64.urlsafe_b64decode(sealed.encode("ascii") + b"=" * (-len(sealed) % 4))
        except (ValueError, binascii.Error):
            return None
        plain = self._sealer.open(data, place)
        if plain is None:
            return None
        (expires,) = _EXPIRY.unpack(plain[: _EXPIRY.size])
        return plain[_EXPIRY.size :].decode("utf-8", "surrogatepass") if self._clock() < expires else None

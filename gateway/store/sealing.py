"""Seals bytes for a place: AES-256-GCM (NIST SP 800-38D), whose additional data is where they belong.

Above: what stores secrets. Nonces are random: by the standard, one key is good for 2^32 of them.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_FORM = b"\x01"  # of what follows: a nonce, then the ciphertext with its tag
_NONCE_BYTES = 12


class Sealer:
    """Seals and opens with one key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, data: bytes, place: bytes) -> bytes:
        """`data`, to be opened for the same `place` alone."""
        nonce = os.urandom(_NONCE_BYTES)
        return _FORM + nonce + self._cipher.encrypt(nonce, data, place)

    def open(self, sealed: bytes, place: bytes) -> bytes | None:
        """What was sealed for this place; None for anything else."""
        form, nonce, text = sealed[:1], sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, text, place) if form == _FORM else None
        except (InvalidTag, ValueError):
            return None

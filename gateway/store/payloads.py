"""Payloads that must outlive the process and be read by nobody else: sealed, bounded, forgotten in time.

AES-256-GCM (NIST SP 800-38D) under a key that lies in the state folder, not in the database: whoever has one of
the two can read nothing. A payload is bound to its place: moved to another key's row, it does not open.
"""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import anyio.to_thread
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select

from gateway.errors import StoreError
from gateway.store.database import Database
from gateway.store.tables import payloads
from sandbox.locations import make_passable

_log = logging.getLogger(__name__)

_KEY_FILE = "payloads.key"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_LARGEST = 32 * 1024 * 1024
_MOST_BYTES = 512 * 1024 * 1024


class SealedPayloads:
    """See `gateway.tool_loop.HandoffStore`."""

    def __init__(self, database: Database, key: bytes, *, most_bytes: int = _MOST_BYTES) -> None:
        """`most_bytes` are kept, and at times an eighth more."""
        self._database = database
        self._cipher = AESGCM(key)
        self._most_bytes = most_bytes
        self._added = 0  # bytes since the last purge

    @classmethod
    async def open(cls, database: Database, state_dir: Path) -> SealedPayloads:
        """With the key in `state_dir`, which is made the first time. Raises StoreError."""
        return cls(database, await anyio.to_thread.run_sync(_read_key, state_dir / _KEY_FILE))

    async def put(self, key_id: str, fingerprint: str, payload: bytes, *, ttl_seconds: int) -> None:
        """Keep `payload`; one of the same place is replaced. One that is too large is not kept, and logged."""
        if len(payload) > _LARGEST:
            _log.warning("a payload of %d bytes is not kept: more than %d", len(payload), _LARGEST)
            return
        row = {
            "key_id": key_id,
            "fingerprint": fingerprint,
            "expires": int(time.time()) + ttl_seconds,
            "sealed": self._seal(payload, _place(key_id, fingerprint)),
        }

        def write(connection: Connection) -> None:
            connection.execute(delete(payloads).where(_stands_at(key_id, fingerprint)))
            connection.execute(insert(payloads).values(row))

        await self._database.write(write)
        self._added += len(payload)
        if self._added > self._most_bytes // 8:
            await self.purge()

    async def get(self, key_id: str, fingerprints: Sequence[str]) -> dict[str, bytes]:
        """The payloads that are there, by fingerprint; what is out of date or does not open counts as absent."""
        query = select(payloads.c.fingerprint, payloads.c.sealed).where(
            payloads.c.key_id == key_id,
            payloads.c.fingerprint.in_(fingerprints),
            payloads.c.expires > int(time.time()),
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        opened = {row.fingerprint: self._unseal(row.sealed, key_id, row.fingerprint) for row in rows}
        return {fingerprint: payload for fingerprint, payload in opened.items() if payload is not None}

    async def purge(self) -> None:
        """Forget what is out of date, and of what is too much the part that would be out of date first."""
        self._added = 0
        await self._database.write(lambda connection: _purge(connection, self._most_bytes))

    def _seal(self, payload: bytes, place: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, payload, place)

    def _unseal(self, sealed: bytes, key_id: str, fingerprint: str) -> bytes | None:
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _place(key_id, fingerprint))
        except (InvalidTag, ValueError):
            _log.error("a payload of key %s cannot be opened: another key sealed it, or it was changed", key_id)
            return None


def _place(key_id: str, fingerprint: str) -> bytes:
    return f"{len(key_id)}:{key_id}:{fingerprint}".encode()


def _stands_at(key_id: str, fingerprint: str) -> ColumnElement[bool]:
    return and_(payloads.c.key_id == key_id, payloads.c.fingerprint == fingerprint)


def _purge(connection: Connection, most_bytes: int) -> None:
    connection.execute(delete(payloads).where(payloads.c.expires <= int(time.time())))
    for key_id, fingerprint in _too_much(connection, most_bytes):
        connection.execute(delete(payloads).where(_stands_at(key_id, fingerprint)))


def _too_much(connection: Connection, most_bytes: int) -> list[tuple[str, str]]:
    """The places of those that have to go."""
    size = func.length(payloads.c.sealed)
    excess = (connection.execute(select(func.sum(size))).scalar_one() or 0) - most_bytes
    doomed: list[tuple[str, str]] = []
    if excess <= 0:
        return doomed
    query = select(payloads.c.key_id, payloads.c.fingerprint, size).order_by(payloads.c.expires)
    with connection.execute(query) as rows:
        for key_id, fingerprint, length in rows:
            doomed.append((key_id, fingerprint))
            excess -= length
            if excess <= 0:
                break
    return doomed


def _read_key(path: Path) -> bytes:
    """The key in `path`. Of two processes that make it at the same time, both get the one that was first."""
    try:
        make_passable(path.parent)
        if not path.exists():
            _make_key(path)
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        key = path.read_bytes()
    except OSError as error:
        raise StoreError(f"the key file {path} cannot be used: {error.strerror}") from error
    if len(key) != _KEY_BYTES:
        raise StoreError(
            f"the key file {path} does not hold {_KEY_BYTES} bytes; restore it, or remove it, "
            "and what was sealed with it is lost"
        )
    return key


def _make_key(path: Path) -> None:
    """A link appears whole or not at all, and only one of several can: the key is never seen half written."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()

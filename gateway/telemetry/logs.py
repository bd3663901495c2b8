"""Log lines: for people or for programs, without control characters, without secrets."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TextIO
from urllib.parse import quote

import orjson

from gateway.telemetry.visible import make_visible

_SHORTEST_SECRET = 8
"""Characters; a shorter one would black out half of what is logged."""
_REDACTED = "[redacted]"
_CONTINUED = "\n  "
_COLOURS: Mapping[int, str] = {logging.WARNING: "33", logging.ERROR: "31", logging.CRITICAL: "31;1"}
_CHATTY = (
    "aiohttp.access",
    "asyncio",
    "docker",
    "httpcore2",
    "httpx2",
    "urllib3",
    "uvicorn",
    "uvicorn.access",
    "uvicorn.error",
)
_LONGEST = 100_000  # characters of a message, and of a traceback


def configure_logging(*, level: str, json: bool, secrets: Iterable[str] = (), color: bool | None = None) -> None:
    """Log to standard error from now on. Known `secrets` are replaced wherever they would stand in a line.

    `color` is for people's lines alone; None leaves it to the terminal and to NO_COLOR and FORCE_COLOR.
    """
    handler = _StandardError(sys.stderr)
    handler.setFormatter(
        JsonLines(secrets) if json else Lines(secrets, colour=_wants_colour() if color is None else color)
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.captureWarnings(capture=True)
    for name in _CHATTY:
        logger = logging.getLogger(name)
        logger.setLevel(logging.WARNING)
        logger.handlers.clear()  # a handler of its own would pass secrets by
        logger.propagate = True
    logging.getLogger("asyncio").addFilter(_is_no_lost_race)


def _is_no_lost_race(record: logging.LogRecord) -> bool:
    """Under uvloop, a raw socket of anyio's became ready just as its wait was cancelled: nothing is lost."""
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, asyncio.InvalidStateError) and "set_result" in record.getMessage())


class _StandardError(logging.StreamHandler[TextIO]):
    """Says nothing of its own troubles: Python would show the message as it is, secrets and all."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Called when a line cannot be written; then there is nowhere to tell."""


class Lines(logging.Formatter):
    """`time level message`, and a traceback below it. Further lines are indented: none passes for a record."""

    def __init__(self, secrets: Iterable[str] = (), *, colour: bool = False) -> None:
        super().__init__()
        self._redact = Redactor(secrets)
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """One record; of what it says, what would deceive a reader is made visible."""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        level = record.levelname.lower()
        if self._colour and record.levelno in _COLOURS:
            level = f"\x1b[{_COLOURS[record.levelno]}m{level}\x1b[0m"
        said = self._redact.clean(_said(self, record)).replace("\n", _CONTINUED)
        return f"{at} {level} {said}"


class JsonLines(logging.Formatter):
    """One JSON object a line: `ts`, `level`, `logger`, `message`, `exception`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._redact = Redactor(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """One record."""
        fields = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._redact.clean(_message(record)),
        }
        if record.exc_info:
            fields["exception"] = self._redact.clean(self.formatException(record.exc_info))
        return orjson.dumps(fields).decode()


class Redactor:
    """Takes known secrets, and characters that deceive, out of a text."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = {form for secret in secrets if len(secret) >= _SHORTEST_SECRET for form in _forms(secret)}
        longest_first = sorted(known, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if known else None

    def clean(self, text: str) -> str:
        """The text as it may be logged."""
        if self._pattern is not None:
            text = self._pattern.sub(_REDACTED, text)
        if len(text) > _LONGEST:
            text = f"{text[:_LONGEST]}… ({len(text)} characters)"
        return make_visible(text)[0]


def _forms(secret: str) -> set[str]:
    """A secret as it is, and as it stands in a URL, in JSON, and in what Python shows of a value."""
    return {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1]}


def _said(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    message = _message(record)
    return f"{message}\n{formatter.formatException(record.exc_info)}" if record.exc_info else message


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001 - a mistake in a log call must not lose what it wanted to tell
        return f"{record.msg} (its arguments do not fit: {type(error).__name__})"


def _wants_colour() -> bool:
    return not os.environ.get("NO_COLOR") and (bool(os.environ.get("FORCE_COLOR")) or sys.stderr.isatty())

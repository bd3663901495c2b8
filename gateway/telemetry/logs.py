"""Log lines: for people or for programs, without control characters, without secrets."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote

import orjson

from gateway.telemetry.visible import make_visible

_SHORTEST_SECRET = 8
"""Characters; a shorter one would black out half of what is logged."""
_REDACTED = "[redacted]"
_CONTINUED = "\n  "
_COLOURS: Mapping[int, str] = {logging.WARNING: "33", logging.ERROR: "31", logging.CRITICAL: "31;1"}
_CHATTY = ("asyncio", "httpx2", "httpcore2", "urllib3", "docker", "uvicorn.error", "uvicorn.access")


def configure_logging(*, level: str, json: bool, secrets: Iterable[str] = ()) -> None:
    """Log to standard error from now on. Known `secrets` are replaced wherever they would stand in a line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(secrets) if json else Lines(secrets, colour=_wants_colour()))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


class Lines(logging.Formatter):
    """`time level message`, and a traceback below it; further lines are indented, so that none passes for a record."""

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
            "message": self._redact.clean(record.getMessage()),
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
        return make_visible(text)[0]


def _forms(secret: str) -> set[str]:
    """A secret as it is, and as it stands in a URL, in JSON, and in what Python shows of a value."""
    return {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1]}


def _said(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    message = record.getMessage()
    return f"{message}\n{formatter.formatException(record.exc_info)}" if record.exc_info else message


def _wants_colour() -> bool:
    return not os.environ.get("NO_COLOR") and (bool(os.environ.get("FORCE_COLOR")) or sys.stderr.isatty())

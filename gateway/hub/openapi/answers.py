"""What an API answered, as the result of a tool call: an object is structured, an image is an image.

Above: `peer`. Below: nothing. Refuses to know: how the answer came.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import orjson
from jsonschema import Draft202012Validator

from gateway.telemetry.visible import one_line

_LONGEST_ERROR = 4000  # characters of the body of a failure
_LONGEST_FIELD = 200  # characters of a header that is shown
_LARGEST_CHECKED = 256 * 1024  # bytes; what is larger is taken for what the document promises
_LARGEST_MEDIA = 4 * 1024 * 1024  # bytes of an image, a sound or anything else that is no text
_ANY_BYTES = "application/octet-stream"
_SHORTEST_SECRET = 6  # characters; what is shorter is in every text
_LONG_ENOUGH = 24  # characters of a value that may be a secret whatever its name
_NAMES_SECRET = re.compile(r"key|token|secret|passw|credential|auth|cookie|sig", re.IGNORECASE)
_HIDDEN = "[hidden]"
_JSON_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
"""Or what is left of one at the end, so that no character is looked at twice."""
_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_TEXTS = re.compile(
    r"text/.+|image/svg\+xml|application/(.+\+)?(json|xml|yaml)|application/(x-)?(ndjson|yaml|javascript|graphql)"
)
_CHARSETS = re.compile(
    r"utf-?(8|16|32)(-?[bl]e)?|us-ascii|iso-8859-[0-9]{1,2}|windows-125[0-8]|shift_jis|euc-(jp|kr)|gb(2312|k|18030)"
    r"|big5|koi8-[ru]"
)
"""Python knows more, and some of them are slow."""
_TELLING = ("location", "retry-after", "etag", "last-modified", "content-length")
"""Headers that say something where there is no body, or a failure."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: header names in lower case. `body` is None when it was longer than `limit` bytes."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)
    limit: int


@dataclass(frozen=True, slots=True)
class Secrets:
    """What was sent and must not be seen again, in case an API repeats it."""

    values: tuple[str, ...] = field(repr=False)

    def hide(self, text: str) -> str:
        """The text without any of them, also where a string of JSON has them with escapes."""
        text = self._without(text)
        if not self.values or "\\" not in text:
            return text
        return _JSON_STRING.sub(lambda match: self._in_string(match[0]), text)

    def hide_bytes(self, data: bytes) -> bytes:
        """The same for what is no text."""
        for value in self.values:
            data = data.replace(value.encode(errors="surrogatepass"), _HIDDEN.encode())
        return data

    def _without(self, text: str) -> str:
        for value in self.values:
            text = text.replace(value, _HIDDEN)
        return text

    def _in_string(self, literal: str) -> str:
        if "\\" not in literal or len(literal) <= _SHORTEST_SECRET:
            return literal
        try:
            said: str = json.loads(literal, strict=False)
        except ValueError:
            return literal
        shown = self._without(said)
        return literal if shown == said else json.dumps(shown)

    def and_in(self, sent: Iterable[tuple[str, str]]) -> Secrets:
        """These, and those in further headers."""
        more = secrets_in(sent).values
        return Secrets((*more, *self.values)) if more else self


def secrets_in(sent: Iterable[tuple[str, str]]) -> Secrets:
    """Those in headers and parameters, given as names and values: each as a whole and, of `Bearer x`, the `x`."""
    values = [value for name, value in sent if _NAMES_SECRET.search(name) or len(value) >= _LONG_ENOUGH]
    found = {part for value in values for part in (value, value.rpartition(" ")[2])}
    return Secrets(tuple(sorted((one for one in found if len(one) >= _SHORTEST_SECRET), key=len, reverse=True)))


def read_answer(
    answer: Answer, output: Mapping[str, Any] | None, secrets: Secrets, *, name: str = "answer"
) -> dict[str, Any]:
    """The raw result of `tools/call`. `output` is the schema that the tool `name` promises, if it does."""
    if answer.body is None:
        return _failure(f"{_status(answer)}, with more than {answer.limit} bytes, which is too much")
    if 300 <= answer.status < 400:
        return _failure(f"{_status(answer)}: the API redirects elsewhere, which is not followed")
    if answer.status >= 400:
        return _failure(_refusal(answer, answer.body, secrets))
    return _success(answer, answer.body, output, secrets, name)


def _success(
    answer: Answer, body: bytes, output: Mapping[str, Any] | None, secrets: Secrets, name: str
) -> dict[str, Any]:
    kind, charset = _content_type(answer)
    encoding = answer.headers.get("content-encoding", "identity").lower()
    if body and encoding != "identity":
        return _failure(
            f"{_status(answer)}, compressed ({one_line(encoding, _LONGEST_FIELD)}), which it must not be"
        )
    if not body:
        return _result(secrets.hide("\n".join([_status(answer), *_told(answer)])), is_error=output is not None)
    if not _is_text(kind, body):
        return _media(answer, kind, secrets.hide_bytes(body), name)
    text = secrets.hide(_decoded(body, charset))
    if kind.endswith("json") or output is not None:
        return _json(text, output)
    return _result(text)


def _json(text: str, output: Mapping[str, Any] | None) -> dict[str, Any]:
    try:
        value: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = None
    if output is not None and not _is_as_promised(value, output, len(text)):
        note = "The answer is not of the form that the API's own document promises."
        result = _result(text, is_error=True)
        return {**result, "content": [*result["content"], {"type": "text", "text": note}]}
    result = _result(text)
    return {**result, "structuredContent": value} if isinstance(value, dict) else result


def _is_as_promised(value: Any, output: Mapping[str, Any], size: int) -> bool:
    if not isinstance(value, dict):
        return False
    if size > _LARGEST_CHECKED:
        return True
    checker: Any = Draft202012Validator(cast("Any", output))
    return checker.is_valid(value)


def _media(answer: Answer, kind: str, body: bytes, name: str) -> dict[str, Any]:
    """An image or a sound; of anything else, a resource."""
    shown = one_line(kind, _LONGEST_FIELD) or _ANY_BYTES
    if len(body) > _LARGEST_MEDIA:
        what = f"{shown} of {len(body)} bytes, more than {_LARGEST_MEDIA}"
        return _failure(f"{_status(answer)}: the API did it, and answered with {what}, which cannot be shown")
    data = base64.b64encode(body).decode()
    if kind in _IMAGES or kind.startswith("audio/"):
        block = {"type": "audio" if kind.startswith("audio/") else "image", "data": data, "mimeType": kind}
    else:
        resource = {"uri": f"openapi:{quote(name, safe='')}", "mimeType": shown, "blob": data}
        block = {"type": "resource", "resource": resource}
    return {"content": [block], "isError": False}


def _refusal(answer: Answer, body: bytes, secrets: Secrets) -> str:
    kind, charset = _content_type(answer)
    is_plain = answer.headers.get("content-encoding", "identity").lower() == "identity"
    shown = _decoded(body[: 4 * _LONGEST_ERROR], charset) if is_plain and _is_text(kind, body) else ""
    lines = [_status(answer), *_told(answer, ("retry-after",))]
    text = secrets.hide(shown).strip()  # hidden before it is cut, lest a half of a secret be left
    cut = f"{text[:_LONGEST_ERROR]}…" if len(text) > _LONGEST_ERROR else text
    return "\n".join([secrets.hide(line) for line in lines] + ([cut] if cut else []))


def _told(answer: Answer, names: Sequence[str] = _TELLING) -> list[str]:
    return [
        f"{name}: {one_line(answer.headers[name], _LONGEST_FIELD)}" for name in names if name in answer.headers
    ]


def _status(answer: Answer) -> str:
    try:
        return f"HTTP {answer.status} {HTTPStatus(answer.status).phrase}"
    except ValueError:
        return f"HTTP {answer.status}"


def _content_type(answer: Answer) -> tuple[str, str]:
    """The media type and the character set, both in lower case and perhaps empty."""
    message = Message()
    message["content-type"] = answer.headers.get("content-type", "")
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    charset = message.get_param("charset", "") if kind else ""
    return kind, charset.lower() if isinstance(charset, str) else ""


def _is_text(kind: str, body: bytes) -> bool:
    if kind:
        return _TEXTS.fullmatch(kind) is not None
    try:
        return "\0" not in body.decode()
    except UnicodeDecodeError:
        return False


def _decoded(body: bytes, charset: str) -> str:
    known = charset if _CHARSETS.fullmatch(charset) else "utf-8"
    try:
        text = body.decode(known, "replace")
    except LookupError:  # such as iso-8859-12, which there is not
        text = body.decode("utf-8", "replace")
    return text.removeprefix("\ufeff")


def _failure(message: str) -> dict[str, Any]:
    return _result(message, is_error=True)


def _result(text: str, *, is_error: bool = False) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], "isError": is_error}

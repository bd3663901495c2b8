r"""Makes characters visible that would deceive whoever reads a text: a person at a terminal, a log, a model.

Escaped as `\u{hex}`: control characters (ANSI sequences begin with one), bidirectional controls ("Trojan
Source", CVE-2021-42574), characters without any shape, tag characters and supplementary variation selectors
(both can carry hidden text), and lone surrogates, which UTF-8 cannot write. Line ends and tabs stay. Joiners
stay between two characters beyond ASCII, where emoji and several scripts need them.
"""

from __future__ import annotations

import re

_DECEPTIVE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"  # C0 and C1 without tab, line feed, carriage return
    "|\r(?!\n)"  # alone, it overwrites the line on a terminal
    "|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"  # bidirectional controls
    "|[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2028\u2029\u2060-\u2065\u206a-\u206f]"
    "|[\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff9-\ufffb]"
    "|[\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"  # musical formatting; tags, variation selectors
    "|(?<=[\ufe0e\ufe0f])[\ufe0e\ufe0f]"  # a second selector after a first carries data, not style
    "|(?<![^\x00-\x7f\u200c\u200d])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f\u200c\u200d])"  # odd joiners
    "|[\ud800-\udfff]"
)
_LINE_ENDS = re.compile("[\n\r\t]")
_ELLIPSIS = "…"


def make_visible(text: str) -> tuple[str, int]:
    """The text with deceptive characters escaped, and how many there were."""
    return _DECEPTIVE.subn(_escape, text)


def one_line(text: str, longest: int) -> str:
    """The text on one line, escaped, and cut to `longest` characters: for names, reasons and log fields."""
    if len(text) <= longest and text.isascii() and text.isprintable():
        return text
    escaped = _LINE_ENDS.sub(_escape, make_visible(text[: longest + 1])[0])
    return escaped if len(escaped) <= longest else escaped[: longest - 1] + _ELLIPSIS


def _escape(match: re.Match[str]) -> str:
    return f"\\u{{{ord(match[0]):x}}}"

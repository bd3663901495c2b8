"""Replaces each credential in a server's entry by a variable, so that it is never written down with the server.

What a credential is, is guessed: from the name that a value goes by, or from the value's own form. Where the guess
is wrong, a plain value becomes a variable, too: a nuisance, where the opposite would be a leak.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

_NAMES_CREDENTIAL = r"key|token|secret|passw|credential|auth|cookie|dsn"
_CREDENTIAL_NAME = re.compile(_NAMES_CREDENTIAL, re.IGNORECASE)
# `--api-key=VALUE`, `API_TOKEN=VALUE`, `Authorization: Bearer VALUE`
_CREDENTIAL_ARGUMENT = re.compile(
    rf"([\w-]*(?:{_NAMES_CREDENTIAL})[\w-]*\s*[=:]\s*(?:(?:Bearer|Basic|Token)\s+)?)(\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_CREDENTIAL_OPTION = re.compile(rf"--?[\w-]*(?:{_NAMES_CREDENTIAL})[\w-]*", re.IGNORECASE)
_CREDENTIAL_IN_QUERY = re.compile(rf"([?&][^=&]*(?:{_NAMES_CREDENTIAL})[^=&]*=)([^&#]+)", re.IGNORECASE)
_CREDENTIAL_IN_PATH = re.compile(
    r"(?<=/)(?:(?=[^/?#]*[0-9])(?=[^/?#]*[A-Za-z])[A-Za-z0-9_~.-]{20,}|(?:sk|pk|key|tok)[-_][A-Za-z0-9_~.-]+)(?=[/?#]|\Z)"
)
_SCHEME = re.compile(r"((?:Bearer|Basic|Token)\s+)(.+)", re.IGNORECASE | re.DOTALL)
_FORMS = re.compile(
    r"[a-z][a-z0-9+.-]*://[^\s/:@]*:[^\s/@]+@|"  # postgresql://user:password@host
    r"(?<![A-Za-z0-9])(?:sk-|ghp_|gho_|github_pat_|glpat-|xox[abeprs]-|hf_|AKIA|eyJ[\w-]+\.)[\w.-]{4,}",
    re.ASCII,
)
_SECRET_FIELD = re.compile(r"secret|passw|private_?key|token\Z", re.IGNORECASE)  # of `auth`, whose URLs are none
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_URLS = ("url", "serverUrl", "httpUrl")


@dataclass(slots=True)
class CredentialSorting:
    """Takes the credentials out of one server's entry. `variables` are those whose names are taken already."""

    server: str
    variables: Mapping[str, str] = field(repr=False)
    secrets: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    """The values of the variables that the entry refers to afterwards."""

    def run(self, entry: dict[str, Any]) -> None:
        """Change the entry."""
        for name, value in _texts(entry.get("env")):
            if (_CREDENTIAL_NAME.search(name) or _FORMS.search(value)) and _is_literal(value):
                entry["env"][name] = self.reference(value, name)
        for name, value in _texts(entry.get("headers")):
            if (_CREDENTIAL_NAME.search(name) or _FORMS.search(value)) and _is_literal(value):
                scheme = _SCHEME.fullmatch(value)
                before, secret = scheme.groups() if scheme else ("", value)
                entry["headers"][name] = before + self.reference(secret, self._prefixed(name))
        for name, value in _texts(entry.get("auth")):
            if _SECRET_FIELD.search(name) and _is_literal(value):
                entry["auth"][name] = self.reference(value, self._prefixed(name))
        for name in _URLS:
            if isinstance(entry.get(name), str):
                entry[name] = self._url(entry[name])
        if isinstance(entry.get("args"), list):
            entry["args"] = self._arguments(cast("list[Any]", entry["args"]))

    def reference(self, value: str, name: str) -> str:
        """`${NAME}`, the name being free or having this very value."""
        name = name if _VARIABLE.fullmatch(name) else self._prefixed(name)
        candidates = (
            name,
            self._prefixed(name),
            *(f"{self._prefixed(name)}_{number}" for number in range(2, 100)),
        )
        known = {**self.variables, **self.secrets}
        chosen = next(candidate for candidate in candidates if known.get(candidate, value) == value)
        self.secrets[chosen] = value
        return f"${{{chosen}}}"

    def _url(self, url: str) -> str:
        url = _CREDENTIAL_IN_QUERY.sub(self._in_place, url)
        origin = re.match(r"[a-z]+://[^/?#]*", url)
        at = origin.end() if origin else 0
        return url[:at] + _CREDENTIAL_IN_PATH.sub(
            lambda found: self.reference(found[0], self._prefixed("URL_TOKEN")), url[at:]
        )

    def _arguments(self, arguments: list[Any]) -> list[Any]:
        sorted_out: list[Any] = []
        follows_option = False
        for argument in arguments:
            text = argument if isinstance(argument, str) else ""
            is_value = follows_option and bool(text) and not text.startswith("-")
            match = _CREDENTIAL_ARGUMENT.fullmatch(text)
            if (is_value or (match is None and _FORMS.search(text))) and _is_literal(text):
                sorted_out.append(self.reference(text, self._prefixed("ARGUMENT")))
            else:
                sorted_out.append(self._in_place(match) if match else argument)
            follows_option = _CREDENTIAL_OPTION.fullmatch(text) is not None
        return sorted_out

    def _in_place(self, match: re.Match[str]) -> str:
        """The credential is the second group of the match."""
        name = re.sub(r"\W+", "_", match[1].partition("=")[0].partition(":")[0]).strip("_")
        return match[1] + self.reference(match[2], self._prefixed(name)) if _is_literal(match[2]) else match[0]

    def _prefixed(self, name: str) -> str:
        return re.sub(r"[^A-Za-z0-9]+", "_", f"MCP_{self.server}_{name}").upper().strip("_")


def _texts(value: Any) -> list[tuple[str, str]]:
    entries = cast("dict[str, Any]", value).items() if isinstance(value, dict) else ()
    return [(name, text) for name, text in entries if isinstance(text, str)]


def _is_literal(value: str) -> bool:
    return bool(value.strip()) and "${" not in value

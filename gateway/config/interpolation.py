"""Variables in the values of a configuration: `${NAME}`, `${NAME:-default}`, `${env:NAME}`, `${file:path}`.

The default holds when the variable is unset or empty, as in a shell. A file's text is taken without one newline
at its end. `$${` stands for the two characters themselves; any other `$` is itself. Keys are left alone, and
nothing is expanded twice.

Above: every string of the gateway's file and of clients' files. Refuses to know: what the settings mean. No
message quotes a value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from gateway.config.files import FileFault, read_text
from gateway.config.report import Report

LONGEST_FILE = 64 * 1024
"""Bytes that the file in `${file:path}` may have."""
LONGEST_RESULT = 8 * 1024 * 1024
"""Characters that all values of one document may take from variables and files together."""

_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
_VARIABLE = re.compile(r"(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.ASCII | re.DOTALL)
# `sandbox.store` reads this one: the Python that runs the gateway.
_LEFT_ALONE = frozenset({"sys.executable"})
_ASKED = ("input:", "command:", "config:")
_EDITORS = frozenset(
    {
        "workspaceFolder",
        "workspaceFolderBasename",
        "workspaceRoot",
        "userHome",
        "pathSeparator",
        "/",
        "cwd",
        "file",
        "fileDirname",
        "relativeFile",
        "extensionPath",
        "CLAUDE_PLUGIN_ROOT",
        "CLAUDE_PROJECT_DIR",
        "__dirname",
        "HOMEDIR",
    }
)


class _Fault(Exception):
    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(slots=True)
class Interpolation:
    """Expands one document's values. `folder` is where its relative paths begin; None when it may read no file."""

    variables: Mapping[str, str] = field(repr=False)
    folder: Path | None
    report: Report
    _files: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    _taken: int = 0

    def expand(self, value: Any, path: tuple[str | int, ...] = ()) -> Any:
        """A copy of `value` in which every string is expanded; where that fails, a problem is reported."""
        if isinstance(value, str):
            return self._expand_text(value, path)
        if isinstance(value, dict):
            items = cast("dict[str, Any]", value).items()
            return {key: self.expand(inner, (*path, key)) for key, inner in items}
        if isinstance(value, list):
            return [self.expand(inner, (*path, index)) for index, inner in enumerate(cast("list[Any]", value))]
        return value

    def _expand_text(self, text: str, path: tuple[str | int, ...]) -> str:
        if "${" not in text:
            return text
        try:
            return _REFERENCE.sub(self._replacement, text)
        except _Fault as fault:
            self.report.error(path, fault.message, fault.hint)
            return ""

    def _replacement(self, match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        if match[1] is None:
            raise _Fault(
                "a `${` here is not closed, or holds another", "write `$${` for the two characters themselves"
            )
        value = self._resolve(match[1])
        self._taken += len(value)
        if self._taken > LONGEST_RESULT:
            raise _Fault("variables and files give this document too much text", "use fewer or smaller ones")
        return value

    def _resolve(self, reference: str) -> str:
        if reference in _LEFT_ALONE:
            return "${" + reference + "}"
        if reference.startswith("file:"):
            return self._file(reference.removeprefix("file:"))
        match = _VARIABLE.fullmatch(reference)
        if match is None or (match[1] in _EDITORS and match[1] not in self.variables):
            raise _not_a_variable(reference)
        name, default = match[1], match[2]
        value = self.variables.get(name)
        if default is not None:
            return value or default
        if value is None:
            raise _Fault(
                f"the variable {name} is not set",
                f"export {name}, put {name}=... in the .env file beside the gateway's file, "
                f"or give a default: ${{{name}:-...}}",
            )
        return _checked_unicode(name, value)

    def _file(self, path: str) -> str:
        if self.folder is None:
            raise _Fault(
                "files are not read on behalf of a client's file", "use a variable, or the gateway's file"
            )
        if path not in self._files:
            try:
                text = read_text(self.folder / path, longest=LONGEST_FILE).text
            except FileFault as fault:
                hint = fault.hint or "the path is taken from the folder of the gateway's file"
                raise _Fault(f"the file {path}: {fault.message}", hint) from fault
            self._files[path] = re.sub(r"\r?\n\Z", "", text)
        return self._files[path]


def _not_a_variable(reference: str) -> _Fault:
    if reference.startswith(_ASKED):
        kind, _, name = reference.partition(":")
        variable = re.sub(r"[^A-Za-z0-9]+", "_", name).upper()[:40] or "NAME"
        return _Fault(
            f"`${{{kind}:...}}` is for an editor that can ask its user",
            f"write ${{{variable}}}, and put {variable}=... in the .env file beside the gateway's file",
        )
    name = reference.removeprefix("env:").partition(":")[0]
    if name in _EDITORS:
        return _Fault(f"`${{{name}}}` is known to an editor only", "write the path itself, or set such a variable")
    return _Fault(
        "what stands in `${...}` here is not understood",
        "write ${NAME}, ${NAME:-default}, ${env:NAME} or ${file:path}; `$${` for the two characters themselves",
    )


def _checked_unicode(name: str, value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _Fault(f"the variable {name} is not valid UTF-8", "set it to plain text") from None
    return value

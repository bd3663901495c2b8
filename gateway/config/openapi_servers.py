"""Servers that are APIs with an OpenAPI document: which file it is, and what may stand beside it.

Above: `servers`. Below: the file system. Refuses to know: what is in the document, which the hub reads, so that a
broken one keeps nothing else from starting. Only files are read: what is fetched could change what tools do.
"""

from __future__ import annotations

import re
from pathlib import Path

from gateway.config.addresses import travels_in_clear
from gateway.config.mcp_documents import ServerDocument
from gateway.config.report import Report
from gateway.config.sections import check_headers
from gateway.config.server_config import Password, SchemeCredential

_FIT_TO_SEND = re.compile(r"[\x21-\x7e]+", re.ASCII)


def openapi_file(name: str, written: str, folder: Path, report: Report) -> Path:
    """Where the document is; relative paths begin at `folder`. Blocking."""
    path = ("mcpServers", name, "openapi")
    if "://" in written:
        hint = "download it, read it, and name the file: nothing is fetched"
        report.error(path, "must be a file, not a URL", hint)
        return Path(written)
    if "\0" in written:
        report.error(path, "holds a NUL character")
        return Path()
    file = folder / written
    if not file.is_file():
        report.error(path, f"there is no file {file}", "the path is taken from the folder of this file")
    return file


def check_openapi_server(name: str, document: ServerDocument, report: Report) -> None:
    """Report what does not fit to an OpenAPI document."""
    path = ("mcpServers", name)
    if document.command is not None:
        message = "a server has a command or an OpenAPI document, not both"
        report.error((*path, "command"), message, "keep one of them")
    if document.sandbox is not None:
        report.error((*path, "sandbox"), "an API runs elsewhere", "remove it")
    kinds = {"type": document.type, "transport": document.transport, "transportType": document.transport_type}
    for field, kind in kinds.items():
        if kind not in (None, "openapi"):
            report.error((*path, field), "is not that of a server with an OpenAPI document", "remove it")
    for field, value in (("args", document.args), ("env", document.env), ("cwd", document.cwd)):
        if value:
            report.warn((*path, field), "means nothing for a server with an OpenAPI document", "remove it")
    check_headers((*path, "headers"), document.headers, report)
    if document.url and (document.headers or document.credentials) and travels_in_clear(document.url):
        report.warn((*path, "url"), "the credentials for this server travel unencrypted", "use https")


def scheme_credentials(name: str, document: ServerDocument, report: Report) -> dict[str, SchemeCredential]:
    """The credentials by security scheme; what cannot be sent is reported, and never quoted."""
    credentials: dict[str, SchemeCredential] = {}
    for scheme, written in document.credentials.items():
        path = ("mcpServers", name, "credentials", scheme)
        if isinstance(written, str):
            if _FIT_TO_SEND.fullmatch(written) is None:
                report.error(path, "holds blanks, or characters that a credential cannot have", "see its variable")
            credentials[scheme] = written
        elif written is False:
            credentials[scheme] = None
        else:
            if ":" in written.username:
                report.error((*path, "username"), "cannot hold a colon", "that parts it from the password")
            credentials[scheme] = Password(written.username, written.password)
    return credentials


def chosen_operations(document: ServerDocument) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The patterns of what is included, and of what is excluded."""
    operations = document.operations
    return (tuple(operations.include), tuple(operations.exclude)) if operations else ((), ())

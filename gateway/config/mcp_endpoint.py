"""How MCP clients reach `/mcp`: what types cannot say about its addresses."""

from __future__ import annotations

from urllib.parse import urlsplit

from gateway.config.addresses import is_host, url_fault
from gateway.config.config import McpEndpointConfig, Steps
from gateway.config.documents import McpEndpointDocument
from gateway.config.report import Report

_PATH: Steps = ("mcp_endpoint",)


def build_mcp_endpoint(document: McpEndpointDocument, report: Report) -> McpEndpointConfig:
    """The section, and what is wrong with it."""
    url = document.public_url
    if url is not None and (fault := _origin_fault(url)):
        report.error((*_PATH, "public_url"), *fault)
    for index, host in enumerate(document.allowed_hosts):
        if _origin_fault(f"http://{host}") or not is_host(urlsplit(f"http://{host}").hostname or ""):
            hint = "write host, or host:port"
            report.error((*_PATH, "allowed_hosts", index), "must be a host, as it stands in a URL", hint)
    for index, origin in enumerate(document.allowed_origins):
        if fault := _origin_fault(origin):
            report.error((*_PATH, "allowed_origins", index), *fault)
    return McpEndpointConfig(
        None if url is None else url.rstrip("/"), tuple(document.allowed_hosts), tuple(document.allowed_origins)
    )


def _origin_fault(url: str) -> tuple[str, str | None] | None:
    """What is wrong with a URL that names a host and nothing on it."""
    if fault := url_fault(url):
        return fault
    parts = urlsplit(url)
    if parts.path.strip("/") or parts.query:
        return "must not hold a path", "write it as https://host"
    return None

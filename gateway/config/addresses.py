"""What is wrong with a URL, a header or a host name, in words that never quote them: each may hold a secret."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253})", re.ASCII)
_SET_BY_CLIENT = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade"})


def url_fault(url: str) -> tuple[str, str | None] | None:
    """What is wrong with an http or https URL, and a hint; None when nothing is."""
    parts = split_url(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        return "must be an http or https URL with a host", "write it as https://host/path"
    if parts.username is not None or parts.password is not None:
        return "must not hold a user or password", "send credentials as a header"
    if parts.fragment or not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        return "must not hold a fragment, spaces, or characters beyond ASCII", None
    return None


def proxy_fault(url: str) -> tuple[str, str | None] | None:
    """What is wrong with the URL of a forward proxy, which may hold a user and a password."""
    parts = split_url(url)
    if parts is None or parts.scheme != "http" or not parts.hostname:
        return "must be the http URL of a proxy", "write it as http://host:port"
    if parts.path.strip("/") or parts.query or parts.fragment:
        return "must not hold a path, a query or a fragment", "write it as http://host:port"
    if not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        return "must not hold spaces, or characters beyond ASCII", None
    return None


def header_fault(name: str, value: str) -> str | None:
    """What is wrong with a header (RFC 9110, section 5); None when nothing is."""
    if _TOKEN.fullmatch(name) is None:
        return "this is not a name that HTTP allows for a header"
    if name.lower() in _SET_BY_CLIENT:
        return "this header is set by the gateway alone"
    if not value.isascii() or any(character < " " or character == "\x7f" for character in value):
        return "the value holds characters that HTTP does not allow in a header, such as a line end"
    return None


def travels_in_clear(url: str) -> bool:
    """Whether what is sent to this URL can be read on the way: plain HTTP beyond this machine."""
    parts = split_url(url)
    return parts is not None and parts.scheme == "http" and not is_loopback(parts.hostname or "")


def is_loopback(host: str) -> bool:
    """Whether an address or host name means this machine alone (RFC 6761, section 6.3, for names)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        ip = ip_address(host)
    except ValueError:
        return False
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return (mapped or ip).is_loopback


def is_host(text: str) -> bool:
    """Whether this is an IP address, or could be a host's name."""
    try:
        ip_address(text)
    except ValueError:
        return _HOST.fullmatch(text) is not None
    return True


def split_url(url: str) -> SplitResult | None:
    """The parts of a URL; None when it is none."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts

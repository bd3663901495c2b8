"""Which URLs may be fetched that a server named, and not the operator.

They are followed over https alone, and to where the server itself is: one on the public network cannot send us
into ours. The check is made on the address that is connected to, so a name cannot change its meaning in between.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal
from urllib.parse import urlsplit

from gateway.config.addresses import is_loopback, split_url

Zone = Literal["public", "private", "loopback", "forbidden"]
"""Where an address is. Nothing ever leads to `forbidden` ones: of links, of many, of nobody."""

_LONGEST = 2048  # characters
_NAT64 = ip_network("64:ff9b::/96")
_REACH: dict[Zone, frozenset[Zone]] = {
    "public": frozenset({"public"}),
    "private": frozenset({"public", "private"}),
    "loopback": frozenset({"public", "private", "loopback"}),
    "forbidden": frozenset({"public"}),
}


def zone_of(address: str) -> Zone:
    """The zone of an IP address; of one that stands for another address, of that."""
    try:
        ip = _meant(ip_address(address.partition("%")[0]))
    except ValueError:
        return "forbidden"
    if ip.is_loopback:
        return "loopback"
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip.is_reserved:
        return "forbidden"
    return "public" if ip.is_global else "private"


def _meant(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(ip, IPv4Address):
        return ip
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip


def zones_reached_from(zones: frozenset[Zone]) -> frozenset[Zone]:
    """Where a server may send us that has addresses in these zones: not further in than all of them are."""
    reach = _REACH["loopback"] if zones else _REACH["public"]
    for zone in zones:
        reach &= _REACH[zone]
    return reach


def endpoint_fault(url: str) -> str | None:
    """What is wrong with a URL that a document names, in words that do not quote it; None when nothing is."""
    parts = split_url(url)
    if parts is None or not parts.hostname or len(url) > _LONGEST:
        return "is no URL"
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        return "is not https"
    if parts.username is not None or parts.password is not None or parts.fragment:
        return "holds a user, a password or a fragment"
    if not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        return "holds characters that a URL cannot have"
    return None


def origin_of(url: str) -> str:
    """Scheme, host and port, as they are written in a URL without a default port."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    is_default = parts.port in (None, 443 if parts.scheme == "https" else 80)
    return f"{parts.scheme.lower()}://{host}" + ("" if is_default else f":{parts.port}")

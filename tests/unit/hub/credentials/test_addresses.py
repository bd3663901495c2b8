"""Where documents of others may lead, and where not."""

from __future__ import annotations

import socket

import pytest

from gateway.hub.credentials import exchanges
from gateway.hub.credentials.addresses import endpoint_fault, origin_of, zone_of, zones_reached_from
from gateway.hub.credentials.faults import OAuthFault
from gateway.hub.credentials.fetching import Fetcher


@pytest.mark.parametrize(
    ("address", "zone"),
    [
        ("93.184.215.14", "public"),
        ("2606:2800:220:1::1", "public"),
        ("10.0.0.1", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "private"),
        ("fd00::1", "private"),
        ("127.0.0.1", "loopback"),
        ("127.9.9.9", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:10.0.0.1", "private"),
        ("64:ff9b::7f00:1", "loopback"),
        ("64:ff9b::a00:1", "private"),
        ("2002:7f00:1::", "loopback"),
        ("169.254.169.254", "forbidden"),
        ("::ffff:169.254.169.254", "forbidden"),
        ("fe80::1%eth0", "forbidden"),
        ("224.0.0.1", "forbidden"),
        ("0.0.0.0", "forbidden"),
        ("255.255.255.255", "forbidden"),
        ("2130706433", "forbidden"),
        ("no address", "forbidden"),
    ],
)
def test_an_address_is_where_it_leads_in_the_end(address, zone):
    assert zone_of(address) == zone


def test_a_server_sends_us_no_further_in_than_it_is_itself():
    assert zones_reached_from(frozenset({"public"})) == {"public"}
    assert zones_reached_from(frozenset({"private"})) == {"public", "private"}
    assert zones_reached_from(frozenset({"loopback"})) == {"public", "private", "loopback"}
    assert zones_reached_from(frozenset({"public", "loopback"})) == {"public"}
    assert zones_reached_from(frozenset({"forbidden"})) == {"public"}
    assert zones_reached_from(frozenset()) == {"public"}


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/token",
        "http://10.0.0.1/token",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://user:pw@example.com/",
        "https://example.com/#fragment",
        "https://example.com/ space",
        "https://exämple.com/",
        "https:///nowhere",
        "https://[::1",
        "https://example.com:99999/",
        "https://example.com/" + "a" * 3000,
        "",
    ],
)
def test_an_endpoint_is_a_plain_https_url(url):
    fault = endpoint_fault(url)
    assert fault is not None
    assert not url or url not in fault


@pytest.mark.parametrize(
    "url", ["https://example.com/a?b=c", "http://localhost:1/a", "http://[::1]:1/", "http://127.0.0.1/"]
)
def test_on_this_machine_plain_http_will_do(url):
    assert endpoint_fault(url) is None


def test_an_origin_is_without_its_default_port():
    assert origin_of("https://Example.com:443/mcp") == "https://example.com"
    assert origin_of("http://[::1]:8080/mcp") == "http://[::1]:8080"


def resolving(monkeypatch, **hosts):
    """Names that resolve as they are told, for this process alone."""
    real = socket.getaddrinfo

    def resolve(host, port, *more, **named):
        return real(hosts.get(host, host), port, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.mark.parametrize(
    "target", ["inside", "metadata", "[::1]", "127.0.0.1", "10.0.0.1", "2130706433", "0x7f000001"]
)
async def test_a_public_server_leads_nobody_into_our_network(monkeypatch, target):
    resolving(monkeypatch, public="93.184.215.14", inside="10.1.2.3", metadata="169.254.169.254")
    with pytest.raises(OAuthFault, match="into a network in which the server itself is not") as caught:
        await Fetcher("https://public/mcp").get(f"https://{target}/.well-known/x")
    assert not caught.value.is_passing


async def test_a_server_on_the_private_network_does_not_lead_to_this_machine(monkeypatch):
    resolving(monkeypatch, inside="10.1.2.3")
    with pytest.raises(OAuthFault, match="into a network"):
        await Fetcher("https://inside/mcp").get("https://127.0.0.1/x")


async def test_what_takes_too_long_or_is_not_there_may_pass(monkeypatch):
    monkeypatch.setattr(exchanges, "_DEADLINE", 0.001)
    with pytest.raises(OAuthFault) as caught:
        await Fetcher("http://127.0.0.1:1/mcp").get("http://127.0.0.1:1/x")
    assert caught.value.is_passing

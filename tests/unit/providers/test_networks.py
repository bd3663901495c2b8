"""TLS, private authorities and proxies: the ways to a provider that is not simply there."""

from __future__ import annotations

import datetime
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.conversation import Message, ModelRequest, Text
from gateway.errors import UpstreamUnreachable
from gateway.providers import HttpClients, Network, ProviderCaller, make_provider
from gateway.providers.clients import make_http_client
from gateway.providers.http import NotConnected
from gateway.providers.pooled_client import PooledClient
from tests.unit.providers.asking import PATIENT, get
from tests.unit.providers.raw_servers import always, chunked, raw_server, sized

ANSWER = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"stop",'
    b'"message":{"role":"assistant","content":"hi"}}]}'
)


@pytest.fixture(params=["asyncio", "uvloop"])
def anyio_backend(request):
    """What the tests run on by default, and what the gateway runs on."""
    return ("asyncio", {"use_uvloop": request.param == "uvloop"})


async def test_a_proxy_from_the_environment_is_used_on_request(monkeypatch):
    async with raw_server(always(sized(b"from the proxy"))) as proxy:
        monkeypatch.setenv("http_proxy", proxy.origin)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        through, past = make_http_client(proxy_from_environment=True), make_http_client()
        async with through.request("GET", "http://provider.invalid/v1", {}, b"", PATIENT) as answer:
            assert await answer.read() == b"from the proxy"
        with pytest.raises(NotConnected):
            async with past.request("GET", "http://provider.invalid/v1", {}, b"", PATIENT):
                pass
        await through.aclose()
        await past.aclose()
    assert proxy.requests[0].startswith(b"GET http://provider.invalid/v1 HTTP/1.1")


async def test_our_own_client_is_used_where_no_proxy_is_set(monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "localhost")
    for client in (make_http_client(), make_http_client(proxy_from_environment=True)):
        assert isinstance(client, PooledClient)
        await client.aclose()


# TLS.


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that is its own authority, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    import ipaddress

    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def server_tls(certificate):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


async def test_https_is_spoken_with_a_server_that_is_trusted(server_tls, certificate):
    client = PooledClient(tls=ssl.create_default_context(cafile=certificate))
    async with raw_server(always(chunked(b"x" * 300_000)), tls=server_tls) as server:
        for _ in range(3):
            assert (await get(client, server, body=b"y" * 300_000))[2] == b"x" * 300_000
    assert len(server.connections) == 1
    await client.aclose()


async def test_a_body_that_ends_with_a_tls_connection_is_read(server_tls, certificate):
    async def script(state, peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nuntil the end")
        peer.writer.close()
        await peer.writer.wait_closed()

    client = PooledClient(tls=ssl.create_default_context(cafile=certificate))
    async with raw_server(script, tls=server_tls) as server:
        assert (await get(client, server))[2] == b"until the end"
    await client.aclose()


async def test_a_server_that_is_not_trusted_gets_nothing(client, server_tls):
    async with raw_server(always(sized(b"ok")), tls=server_tls) as server:
        with pytest.raises(NotConnected, match=r"(?i)certificate|TLS|ssl"):
            await get(client, server, headers={"authorization": "Bearer sesame"})
    assert server.requests == []


async def test_a_certificate_for_another_name_is_not_trusted(server_tls, certificate):
    client = PooledClient(tls=ssl.create_default_context(cafile=certificate))
    async with raw_server(always(sized(b"ok")), tls=server_tls) as server:
        server.origin = server.origin.replace("127.0.0.1", "localhost")
        with pytest.raises(NotConnected, match="TLS"):
            await get(client, server)
    await client.aclose()


# Providers in networks of their own.


def asked(base_url, network):
    provider = make_provider("corp", base_url=base_url, api_key="sesame", network=network)
    request = ModelRequest("m", (Message("user", (Text("hello"),)),), "openai_chat")
    return provider, request, "m"


async def test_a_provider_behind_a_private_authority_is_reached_with_its_certificate(server_tls, certificate):
    clients = HttpClients()
    trusted = Network(ca_certificates=certificate.read_text())
    async with raw_server(always(sized(ANSWER)), tls=server_tls) as server:
        response = await ProviderCaller(clients).complete(*asked(server.origin + "/v1", trusted))
        assert response.message.text == "hi"
        with pytest.raises(UpstreamUnreachable, match="TLS"):
            await ProviderCaller(clients).complete(*asked(server.origin + "/v1", Network()))
    assert len(server.requests) == 1
    await clients.aclose()


async def test_a_provider_behind_a_proxy_is_asked_through_it_and_others_are_not(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    clients = HttpClients()
    async with raw_server(always(sized(ANSWER))) as proxy, raw_server(always(sized(ANSWER))) as server:
        through = Network(proxy=proxy.origin.replace("://", "://user:secret@"))
        await ProviderCaller(clients).complete(*asked("http://provider.invalid/v1", through))
        await ProviderCaller(clients).complete(*asked(server.origin + "/v1", Network()))
    assert proxy.requests[0].startswith(b"POST http://provider.invalid/v1/chat/completions HTTP/1.1")
    assert b"proxy-authorization: basic dxnlcjpzzwnyzxq=" in proxy.requests[0].lower()
    assert len(proxy.requests) == len(server.requests) == 1
    await clients.aclose()


async def test_what_is_no_certificate_is_refused_when_the_client_is_made():
    with pytest.raises(ValueError, match="PEM"):
        HttpClients().of(Network(ca_certificates="no certificate"))


async def test_providers_of_one_network_share_its_connections():
    clients = HttpClients()
    assert clients.of(Network()) is clients.of(Network())
    assert clients.of(Network(proxy="http://127.0.0.1:1")) is clients.of(Network(proxy="http://127.0.0.1:1"))
    assert clients.of(Network(proxy="http://127.0.0.1:1")) is not clients.of(Network(proxy="http://127.0.0.1:2"))
    await clients.aclose()


def test_the_password_of_a_proxy_is_not_shown():
    assert "secret" not in repr(Network(proxy="http://user:secret@proxy:3128"))

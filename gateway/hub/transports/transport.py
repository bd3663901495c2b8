"""How to reach one server: what to do first, and how to open a peer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import anyio.to_thread

from gateway.hub.credentials.authorizer import Authorizer
from gateway.hub.credentials.issuers import TokenIssuer
from gateway.hub.launcher import StdioLauncher
from gateway.hub.openapi import Api
from gateway.hub.peer import NotificationListener, Peer
from gateway.hub.session import Era
from gateway.hub.sources import source_of_url
from gateway.hub.specs import HttpServerSpec, InProcessServerSpec, OpenApiServerSpec, StdioServerSpec
from gateway.hub.transports.stdio import open_stdio_peer
from sandbox.spec import BackendName
from tool_policies.lockfile import Source


class Transport(Protocol):
    """A way to one server. `backend` is where its process is confined, once that is known."""

    backend: BackendName | None
    lacks_network: bool
    only_era: Era | None
    """The one era that this way is spoken in; None where either may be."""

    async def prepare(self, on_progress: Callable[[str], None]) -> None:
        """Whatever may take minutes and need be done once."""
        ...

    async def find_source(self) -> Source | None:
        """Where the server comes from, as far as that is known once it is prepared. May take some seconds."""
        ...

    def open(self, listener: NotificationListener) -> AbstractAsyncContextManager[Peer]:
        """A fresh peer: a new process, or a new session."""
        ...


class StdioTransport:
    """A process started by the launcher, for one owner's workspace or for everybody (None)."""

    def __init__(self, spec: StdioServerSpec, launcher: StdioLauncher, owner: str | None = None) -> None:
        self._server = spec.server
        self._launcher = launcher
        self._owner = owner
        self.backend: BackendName | None = None
        self._source: Source | None = None
        self.lacks_network = spec.server.network == "none"
        self.only_era: Era | None = None

    async def prepare(self, on_progress: Callable[[str], None]) -> None:
        """Choose the sandbox and install the server. Raises SandboxError."""
        self.backend = (await self._launcher.choose(self._server)).name
        origin = (await self._launcher.prepare(self._server, on_progress)).origin
        self._source = Source(
            origin.kind, origin.asked, origin.version, origin.integrity, packages=origin.packages
        )

    async def find_source(self) -> Source | None:
        """What was installed."""
        return self._source

    @asynccontextmanager
    async def open(self, listener: NotificationListener) -> AsyncGenerator[Peer]:
        """Start the process. Raises SandboxError."""
        async with (
            self._launcher.launch(self._server, workspace_owner=self._owner) as box,
            open_stdio_peer(box, listener, has_one_owner=self._owner is not None) as peer,
        ):
            yield peer


class HttpTransport:
    """A server at a URL. `authorizer` gives the credentials for what is sent on nobody else's behalf.

    `issuer` says who issues them.
    """

    def __init__(
        self, spec: HttpServerSpec, authorizer: Authorizer | None = None, issuer: TokenIssuer | None = None
    ) -> None:
        self._spec = spec
        self._authorizer = authorizer
        self._issuer = issuer
        self.backend: BackendName | None = None
        self.lacks_network = False
        self.only_era: Era | None = "legacy" if spec.transport == "sse" else None

    async def prepare(self, on_progress: Callable[[str], None]) -> None:
        """Nothing to do: the server runs elsewhere."""

    async def find_source(self) -> Source | None:
        """The URL, and who issues tokens for it now."""
        return source_of_url(self._spec.url, await self._issuer.look() if self._issuer else None)

    def open(self, listener: NotificationListener) -> AbstractAsyncContextManager[Peer]:
        """A client for the URL: over streamable HTTP it connects with the first request."""
        # Imported here: aiohttp and the SDK are what stdio does without.
        if self._spec.transport == "sse":
            from gateway.hub.transports.sse import open_sse_peer  # noqa: PLC0415 - see above

            return open_sse_peer(self._spec.url, self._spec.headers, listener, self._authorizer)
        from gateway.hub.transports.http import open_http_peer  # noqa: PLC0415 - see above

        return open_http_peer(self._spec.url, self._spec.headers, listener, self._authorizer)


class InProcessTransport:
    """A server object of this process."""

    def __init__(self, spec: InProcessServerSpec) -> None:
        self._spec = spec
        self.backend: BackendName | None = None
        self.lacks_network = False
        self.only_era: Era | None = None

    async def prepare(self, on_progress: Callable[[str], None]) -> None:
        """Nothing to do: it is there."""

    async def find_source(self) -> Source | None:
        """It is part of this process."""
        return None

    def open(self, listener: NotificationListener) -> AbstractAsyncContextManager[Peer]:
        """Run the server over streams in memory."""
        from gateway.hub.transports.in_process import open_in_process_peer  # noqa: PLC0415 - the SDK is heavy

        return open_in_process_peer(self._spec.server, listener)


class OpenApiTransport:
    """An API whose document is read anew each time that a connection is opened. The rest is as in HTTP's."""

    def __init__(
        self, spec: OpenApiServerSpec, authorizer: Authorizer | None = None, issuer: TokenIssuer | None = None
    ) -> None:
        self._spec = spec
        self._authorizer = authorizer
        self._issuer = issuer
        self._api: Api | None = None
        self.backend: BackendName | None = None
        self.lacks_network = False
        self.only_era: Era | None = "modern"

    async def prepare(self, on_progress: Callable[[str], None]) -> None:
        """Read the document. Raises DocumentFault."""
        on_progress("reading its OpenAPI document")
        self._api = await anyio.to_thread.run_sync(self._spec.read)

    async def find_source(self) -> Source | None:
        """Where the API is, and who issues tokens for it now."""
        if self._api is None:
            return None
        return source_of_url(self._api.base.prefix, await self._issuer.look() if self._issuer else None)

    def open(self, listener: NotificationListener) -> AbstractAsyncContextManager[Peer]:
        """A client for the API; connects with the first call."""
        from gateway.hub.openapi.peer import open_api_peer  # noqa: PLC0415 - aiohttp, which stdio does without

        assert self._api is not None  # noqa: S101 - it is prepared first
        return open_api_peer(self._api, self._spec.headers, self._spec.credentials, self._authorizer)

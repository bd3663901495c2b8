"""A JSON-RPC peer that is a server object of the official SDK, within this process.

Above: `gateway.hub.session`. Below: the SDK's server, over streams in memory. Refuses to know: what it offers.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
from anyio.abc import TaskGroup
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import MCPServer
from mcp.shared.memory import MessageStream, create_client_server_memory_streams
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter
from pydantic import ValidationError

from gateway.hub.credentials.authorizer import Authorizer
from gateway.hub.peer import NotificationListener, RequestFault
from gateway.hub.transports.duplex import DuplexPeer

_log = logging.getLogger(__name__)

_GONE = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError)


@asynccontextmanager
async def open_in_process_peer(
    server: Server[Any] | MCPServer[Any], listener: NotificationListener
) -> AsyncGenerator[InProcessPeer]:
    """A peer that is this server; leaving the context ends it."""
    lowlevel: Server[Any] = vars(server)["_lowlevel_server"] if isinstance(server, MCPServer) else server
    async with create_client_server_memory_streams() as (ours, its), anyio.create_task_group() as tasks:
        peer = InProcessPeer(ours, tasks, listener)
        tasks.start_soon(peer.run, lowlevel, its)
        tasks.start_soon(peer.read)
        try:
            yield peer
        finally:
            peer.close("the gateway closed the connection")
            tasks.cancel_scope.cancel()


class InProcessPeer(DuplexPeer):
    """Made by `open_in_process_peer`, which runs its two tasks."""

    def __init__(self, streams: MessageStream, tasks: TaskGroup, listener: NotificationListener) -> None:
        super().__init__(listener)
        self._received, self._sent = streams
        self._tasks = tasks

    async def run(self, server: Server[Any], streams: MessageStream) -> None:
        """Run the server until it ends."""
        reason = "it ended"
        try:
            await server.run(*streams, server.create_initialization_options())
        except Exception as error:  # noqa: BLE001 - whatever a server does must end this connection only
            _log.exception("a server of this process failed")
            reason = f"it failed ({type(error).__name__})"
        self.close(reason)

    async def read(self) -> None:
        """Settle requests from what the server says, until it says no more."""
        with suppress(*_GONE):
            while True:
                item = await self._received.receive()
                if isinstance(item, SessionMessage):
                    self.receive(item.message.model_dump(mode="json", by_alias=True, exclude_unset=True))

    async def _send(self, message: bytes, authorizer: Authorizer | None) -> None:
        try:
            parsed = jsonrpc_message_adapter.validate_json(message, by_name=False)
        except ValidationError as error:
            raise RequestFault("the message is not one that the SDK takes") from error
        with suppress(*_GONE):  # whoever waits is told by `run`
            await self._sent.send(SessionMessage(parsed))

    def _send_soon(self, message: bytes, *, is_answer: bool = False) -> None:
        self._check_open()
        self._tasks.start_soon(self._send, message, None)

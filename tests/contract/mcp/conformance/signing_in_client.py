"""An MCP client as the conformance suite drives one: the hub with its credentials, and a browser that agrees.

The suite gives the URL of its server as the last argument; what the client knows beforehand is in the environment.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import anyio
import httpx2

from gateway.config.server_auth import ClientCredentialsAuth, ServerAuth, UserAuth
from gateway.errors import ToolServerNotConnected
from gateway.hub import Credentials, HttpServerSpec, Hub, HubSettings, OAuthFault, PublicPlace
from gateway.store import SealedCredentials, open_database

MOST_SIGN_INS = 4
LISTED_WITHIN = 1.0


class SuitesPlace(PublicPlace):
    """On this machine, but with the document of itself where the suite expects it."""

    @property
    def document_url(self) -> str:
        return "https://conformance-test.local/client-metadata.json"


def auth_of(scenario: str, context: dict[str, Any]) -> ServerAuth:
    if scenario.startswith("auth/client-credentials"):
        return ClientCredentialsAuth(
            context["client_id"], context.get("client_secret"), context.get("private_key_pem")
        )
    return UserAuth(context.get("client_id"), context.get("client_secret"))


async def sign_in(credentials: Credentials, refused: ToolServerNotConnected) -> None:
    link = next(word for word in refused.message.split() if "/connect/" in word)
    ticket = credentials.connecting.ticket("suite", dict(parse_qsl(urlsplit(link).query))["ticket"])
    target = await credentials.connecting.begin(ticket, "browser")
    async with httpx2.AsyncClient() as browser:
        back = (await browser.get(target)).headers["location"]
    await credentials.connecting.finish(dict(parse_qsl(urlsplit(back).query)), "browser")


async def call_all(hub: Hub) -> None:
    with anyio.move_on_after(LISTED_WITHIN):
        while not hub.catalogue.tools:
            await hub.change(hub.catalogue)
    for name in [tool.name for tool in hub.catalogue.tools] or ["test-tool"]:
        await hub.call("suite", name, {}, owner="key", timeout=10)


async def run(url: str, auth: ServerAuth, folder: Path) -> None:
    spec = HttpServerSpec("suite", url, auth=auth)
    async with open_database(f"sqlite:///{folder / 'toolgate.db'}") as database:
        vault = SealedCredentials(database, bytes(32))
        credentials = Credentials([spec], vault, SuitesPlace("http://127.0.0.1:8484"))
        settings = HubSettings(first_backoff=0.05)
        async with Hub([spec], None, settings=settings, credentials=credentials) as hub:
            await hub.settled()
            for _ in range(MOST_SIGN_INS):
                try:
                    await call_all(hub)
                    return
                except ToolServerNotConnected as refused:
                    await sign_in(credentials, refused)


async def main() -> None:
    context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}"))
    auth = auth_of(os.environ["MCP_CONFORMANCE_SCENARIO"], context)
    with tempfile.TemporaryDirectory() as folder:
        try:
            await run(sys.argv[-1], auth, Path(folder))
        except* OAuthFault as refused:  # in some scenarios that is what is asked for: the suite knows
            print(refused.exceptions, file=sys.stderr)


if __name__ == "__main__":
    anyio.run(main)

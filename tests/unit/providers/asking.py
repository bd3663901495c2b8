"""How tests ask a server through a client."""

from __future__ import annotations

from gateway.providers.http import Timeouts

PATIENT = Timeouts(connect=60, first_byte=60, idle=60)


async def get(client, server, path="/", *, body=b"", headers=None, timeouts=PATIENT, limit=1 << 20):
    method = "POST" if body else "GET"
    async with client.request(method, server.origin + path, headers or {}, body, timeouts) as answer:
        return answer.status, dict(answer.headers), await answer.read(limit)

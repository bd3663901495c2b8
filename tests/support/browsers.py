"""A browser, as far as signing in at a tool server needs one."""

from __future__ import annotations

import re
from html import unescape

import httpx2

PUBLIC = "https://tools.example"
"""The public address of gateways that browsers of tests look for."""


class Browser:
    """Follows links by hand: the gateway's public address is where the gateway of this test is."""

    def __init__(self, origin, public_url=PUBLIC):
        self.origin, self.public_url = origin, public_url
        self.cookie = ""

    async def get(self, url):
        async with httpx2.AsyncClient() as client:
            headers = {"cookie": self.cookie} if self.cookie else {}
            answer = await client.get(url.replace(self.public_url, self.origin), headers=headers)
        self.cookie = answer.headers.get("set-cookie", self.cookie).partition(";")[0]
        return answer

    async def sign_in(self, link):
        page = await self.get(link)
        assert page.status_code == 200, page.text
        away = await self.get(self.public_url + unescape(re.search('href="([^"]+)"', page.text)[1]))
        assert away.status_code == 302, away.text
        back = await self.get(away.headers["location"])
        return await self.get(back.headers["location"])

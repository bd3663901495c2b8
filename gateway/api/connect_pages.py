"""`/connect/{server}` and `/oauth/...`: the few pages on which a user connects to a tool server.

Plain HTML without scripts, for browsers that carry no key: a sealed ticket says for whom it is. Whoever opens a
link is first told whose connection they are about to make, because a link can have been sent by somebody else; and
who comes back must hold the cookie that the page before gave.
"""

from __future__ import annotations

import logging
from html import escape
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from gateway.api.requests import Request
from gateway.api.responses import Response, json_response
from gateway.api.services import Services
from gateway.hub import TICKET_LIFE, OAuthFault

CONNECT = "/connect/"
CALLBACK = "/oauth/callback"
DOCUMENT = "/oauth/client.json"

_log = logging.getLogger(__name__)

_COOKIE = "toolgate_connect"
_LONGEST_QUERY = 16 * 1024  # bytes
_MOST_FIELDS = 32
_HEADERS = {
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


async def connect(request: Request, services: Services) -> Response:
    """Say whose connection it will be; then, from there, send the browser to where its user signs in."""
    connecting = services.connecting
    query, server, browser = _query(request), request.path_after(CONNECT), _browser(request)
    try:
        ticket = connecting.ticket(server, query.get("ticket", ""))
        if browser and query.get("go") == connecting.proof(browser):
            target = await connecting.begin(ticket, browser)
            return Response(302, b"", "text/html", {**_HEADERS, "location": target})
    except OAuthFault as fault:
        return _failed(server, fault)
    browser = connecting.new_browser()
    link = f"{CONNECT}{server}?{urlencode({'ticket': query['ticket'], 'go': connecting.proof(browser)})}"
    text = f"""<p>This lets {_shown(ticket.label)} use the tool server {_shown(server)} in your name, with the
permissions that you give where you sign in next.</p>
<p>Go on only if that is you, and you have asked for it. Otherwise close this page.</p>
<p><a href="{escape(link)}">Sign in</a></p>"""
    return _page(200, f"Connect to {server}", text, {"set-cookie": _cookie(browser, connecting.place.url)})


async def callback(request: Request, services: Services) -> Response:
    """Take what a user comes back with."""
    try:
        server = await services.connecting.finish(_query(request), _browser(request))
    except OAuthFault as fault:
        return _failed("the tool server", fault)
    return _page(200, "Connected", f"<p>You are connected to {_shown(server)}. You can close this page.</p>")


async def client_document(request: Request, services: Services) -> Response:
    """What the gateway says of itself to authorization servers (Client ID Metadata Document)."""
    place = services.connecting.place
    if place.document_url is None:
        return _page(404, "Nothing here", "<p>This gateway has no public https address.</p>")
    return json_response(place.document(), headers={"cache-control": "max-age=3600"})


def _failed(server: str, fault: OAuthFault) -> Response:
    _log.info("a user could not connect to %s: %s", server[:64], fault)
    text = f"<p>You are not connected to {_shown(server)}: {escape(fault.message)}.</p>"
    return _page(502 if fault.is_passing else 400, "Not connected", text)


def _page(status: int, title: str, text: str, headers: dict[str, str] | None = None) -> Response:
    html = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title></head>
<body><h1>{escape(title)}</h1>
{text}
</body></html>
"""
    return Response(status, html.encode(), "text/html; charset=utf-8", {**_HEADERS, **(headers or {})})


def _shown(text: str) -> str:
    return f"<strong>{escape(text[:200])}</strong>"


def _query(request: Request) -> dict[str, str]:
    """The parameters; of one that is repeated nothing is believed (RFC 6749, section 3.1)."""
    raw: bytes = request.scope.get("query_string", b"")
    try:
        pairs = parse_qsl(raw[:_LONGEST_QUERY].decode("ascii", "replace"), max_num_fields=_MOST_FIELDS)
    except ValueError:
        return {}
    names = [name for name, _ in pairs]
    return {name: value for name, value in pairs if names.count(name) == 1}


def _browser(request: Request) -> str:
    """What this browser was given by the first page; empty where it has nothing."""
    try:
        found = SimpleCookie(request.headers.get("cookie", ""))
    except CookieError:
        return ""
    morsel = found.get(f"__Host-{_COOKIE}") or found.get(_COOKIE)
    return morsel.value if morsel else ""


def _cookie(browser: str, public_url: str) -> str:
    """Lax, because the browser comes back from another site."""
    rest = f"Path=/; Max-Age={TICKET_LIFE}; HttpOnly; SameSite=Lax"
    if public_url.startswith("https://"):
        return f"__Host-{_COOKIE}={browser}; {rest}; Secure"
    return f"{_COOKIE}={browser}; {rest}"

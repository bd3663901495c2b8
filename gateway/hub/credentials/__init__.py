"""Credentials of ours towards MCP servers over HTTP: had, kept, renewed, and never shown to anybody else.

Above: `gateway.hub.transports.http` asks an `Authorizer` for what goes with a message; the composition root makes
them. Below: what stores secrets, and HTTP to authorization servers. Refuses to know: MCP beyond its chapter
"Authorization".
"""

"""The ways to a server: a process's pipes, streamable HTTP, HTTP with events, an object of this process.

Above: `gateway.hub.connection` opens a `Transport` and speaks to its `Peer`. Refuses to know: reconnecting, and
MCP beyond the framing of its messages.
"""

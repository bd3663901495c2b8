"""Files beneath given folders, for a model to read and write; nothing outside them can be reached."""

from mcp_servers.filesystem.server import build_server

__all__ = ["build_server"]

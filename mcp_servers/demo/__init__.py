"""A small server to look at: a clock, notes kept in memory, a calculator. It also serves as a test fixture."""

from mcp_servers.demo.server import build_server

__all__ = ["build_server"]

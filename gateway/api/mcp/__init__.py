"""MCP for clients: one endpoint with the tools of all servers, and one for each server.

Above: the application. Below: the pipeline for tool calls, the catalogue, keys and policies. Refuses to know:
models.
"""

from gateway.api.mcp.endpoint import McpEndpoint
from gateway.api.mcp.entry import PATH as MCP_PATH

__all__ = ["MCP_PATH", "McpEndpoint"]

"""MCP clients: every tool server, its tools, and calls of them.

Above: `tool_calls`, `exposure`, `api` and the composition root see only what is named here. Below: MCP over
stdio and streamable HTTP, in both protocol eras. Refuses to know: models, policies, HTTP requests of ours.
"""

from gateway.hub.argument_headers import header_map
from gateway.hub.catalogue import BadTool, Catalogue, CatalogueTool, ToolAnnotations
from gateway.hub.drift import Drift, DriftAction, DriftKind
from gateway.hub.hub import Hub
from gateway.hub.launcher import StdioLauncher
from gateway.hub.naming import client_name, own_name, qualified_name, wire_name
from gateway.hub.results import CallResult, ContentBlock, ToolProgress
from gateway.hub.specs import HttpServerSpec, HubSettings, ServerSpec, StdioServerSpec
from gateway.hub.status import ServerState, ServerStatus

__all__ = [
    "BadTool",
    "CallResult",
    "Catalogue",
    "CatalogueTool",
    "ContentBlock",
    "Drift",
    "DriftAction",
    "DriftKind",
    "HttpServerSpec",
    "Hub",
    "HubSettings",
    "ServerSpec",
    "ServerState",
    "ServerStatus",
    "StdioLauncher",
    "StdioServerSpec",
    "ToolAnnotations",
    "ToolProgress",
    "client_name",
    "header_map",
    "own_name",
    "qualified_name",
    "wire_name",
]

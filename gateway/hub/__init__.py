"""MCP clients: every tool server, what it offers, and requests to it.

Above: `tool_calls`, `exposure`, `api` and the composition root see only what is named here. Below: MCP over
stdio and streamable HTTP, in both protocol eras. Refuses to know: models, policies, HTTP requests of ours.
"""

from gateway.hub.argument_headers import header_map
from gateway.hub.catalogue import Catalogue, Listing
from gateway.hub.credentials.clients import PublicPlace
from gateway.hub.credentials.connecting import Connecting
from gateway.hub.credentials.credentials import Credentials, label_of, subject_of
from gateway.hub.credentials.faults import OAuthFault
from gateway.hub.credentials.listing import ListingCredentials
from gateway.hub.credentials.looking import look_at_issuer
from gateway.hub.credentials.tickets import TICKET_LIFE
from gateway.hub.credentials.users import UserTokens
from gateway.hub.drift import Drift, DriftAction, DriftKind
from gateway.hub.entries import BadEntry
from gateway.hub.functions import functions_server
from gateway.hub.hub import Hub
from gateway.hub.jsonrpc import object_in
from gateway.hub.launcher import StdioLauncher
from gateway.hub.locking import (
    FirstUseVerifier,
    LockVerifier,
    OnChange,
    Report,
    Reporter,
    Verifier,
    describe_drift,
)
from gateway.hub.meanwhile import SILENCE, LogListener, Meanwhile
from gateway.hub.naming import OWN_SERVER, client_name, own_name, qualified_name, wire_name
from gateway.hub.offers import AboutServer, CataloguePrompt, CatalogueResource, CatalogueTemplate
from gateway.hub.openapi import DocumentFault
from gateway.hub.pool import UpstreamPool
from gateway.hub.requests import NOBODY, Caller, GivenInput
from gateway.hub.results import (
    CallResult,
    ContentBlock,
    InputRequired,
    ToolProgress,
    read_wanted_input,
    text_block,
)
from gateway.hub.specs import (
    HttpServerSpec,
    HubSettings,
    InProcessServerSpec,
    OpenApiServerSpec,
    ServerSpec,
    StdioServerSpec,
)
from gateway.hub.status import ServerState, ServerStatus
from gateway.hub.tools import CatalogueTool, ToolAnnotations
from gateway.hub.watch import Watch

__all__ = [
    "NOBODY",
    "OWN_SERVER",
    "SILENCE",
    "TICKET_LIFE",
    "AboutServer",
    "BadEntry",
    "CallResult",
    "Caller",
    "Catalogue",
    "CataloguePrompt",
    "CatalogueResource",
    "CatalogueTemplate",
    "CatalogueTool",
    "Connecting",
    "ContentBlock",
    "Credentials",
    "DocumentFault",
    "Drift",
    "DriftAction",
    "DriftKind",
    "FirstUseVerifier",
    "GivenInput",
    "HttpServerSpec",
    "Hub",
    "HubSettings",
    "InProcessServerSpec",
    "InputRequired",
    "Listing",
    "ListingCredentials",
    "LockVerifier",
    "LogListener",
    "Meanwhile",
    "OAuthFault",
    "OnChange",
    "OpenApiServerSpec",
    "PublicPlace",
    "Report",
    "Reporter",
    "ServerSpec",
    "ServerState",
    "ServerStatus",
    "StdioLauncher",
    "StdioServerSpec",
    "ToolAnnotations",
    "ToolProgress",
    "UpstreamPool",
    "UserTokens",
    "Verifier",
    "Watch",
    "client_name",
    "describe_drift",
    "functions_server",
    "header_map",
    "label_of",
    "look_at_issuer",
    "object_in",
    "own_name",
    "qualified_name",
    "read_wanted_input",
    "subject_of",
    "text_block",
    "wire_name",
]

"""Names and numbers of the MCP specification, as far as a hub needs them.

They stand here because the SDK, which has them too, takes most of a second to import; a test holds the two
against each other.
"""

from __future__ import annotations

HANDSHAKE_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
"""Versions that begin with `initialize`, oldest first."""
LATEST_HANDSHAKE_VERSION = HANDSHAKE_VERSIONS[-1]
MODERN_VERSION = "2026-07-28"
"""The version without a handshake: each request says all that it depends on."""

RESERVED_META_PREFIX = "io.modelcontextprotocol/"
VERSION_META_KEY = "io.modelcontextprotocol/protocolVersion"
CLIENT_INFO_META_KEY = "io.modelcontextprotocol/clientInfo"
CLIENT_CAPABILITIES_META_KEY = "io.modelcontextprotocol/clientCapabilities"
LOG_LEVEL_META_KEY = "io.modelcontextprotocol/logLevel"
SERVER_INFO_META_KEY = "io.modelcontextprotocol/serverInfo"
SUBSCRIPTION_META_KEY = "io.modelcontextprotocol/subscriptionId"

LOG_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
"""Least important first."""

VERSION_HEADER = "mcp-protocol-version"
METHOD_HEADER = "mcp-method"
NAME_HEADER = "mcp-name"

RESOURCE_UPDATED = "notifications/resources/updated"
LOG_MESSAGE = "notifications/message"
ACKNOWLEDGED = "notifications/subscriptions/acknowledged"

METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
UNSUPPORTED_VERSION = -32022

ARGUMENT_HEADER_KEY = "x-mcp-header"
"""The keyword of a tool's schema that wants an argument mirrored in a header."""

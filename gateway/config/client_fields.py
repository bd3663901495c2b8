"""Fields that MCP clients write beside a server and that mean nothing, or something else, to a gateway.

They are known by name, so that a client's file can be taken as it is while a misspelt field is still found.
"""

from __future__ import annotations

from typing import Any, cast

from gateway.config.config import Steps
from gateway.config.report import Report

_IGNORED = frozenset(
    {
        "$comment",
        "$schema",
        "_comment",
        "alwaysLoad",
        "author",
        "category",
        "comment",
        "description",
        "dev",
        "discoveryCache",
        "displayName",
        "extensionName",
        "gallery",
        "homepage",
        "icon",
        "icons",
        "iconUrl",
        "id",
        "initializationOptions",
        "initTimeout",
        "instructions",
        "label",
        "lastUpdated",
        "license",
        "logo",
        "metadata",
        "name",
        "note",
        "notes",
        "provider",
        "repository",
        "request_timeout_ms",
        "role",
        "sandboxEnabled",
        "scope",
        "source",
        "startup_timeout_ms",
        "startup_timeout_sec",
        "startupTimeout",
        "tags",
        "title",
        "version",
    }
)
"""About how a client shows or starts a server."""

_GRANTING = frozenset(
    {
        "always_allow",
        "alwaysAllow",
        "approvalMode",
        "auto_approve",
        "autoApprove",
        "autoApproveAll",
        "autoRun",
        "default_tools_approval_mode",
        "permissions",
        "toolPermissions",
        "trust",
        "trusted",
    }
)
"""A client's approvals."""

_CHOOSING = frozenset(
    {
        "allowed_tools",
        "allowedTools",
        "disabled_tools",
        "disabledTools",
        "enabled_tools",
        "enabledTools",
        "excludeTools",
        "includeTools",
        "toolFilter",
        "tools",
    }
)
"""A client's choice of tools."""

_SIGNING_IN = frozenset(
    {
        "auth",
        "authorization",
        "authProviderType",
        "oauth",
        "oauth2",
        "targetAudience",
    }
)
"""OAuth and the like."""

_HELPERS = frozenset({"headersHelper"})
"""A command that a client runs to get headers."""

FOREIGN = _IGNORED | _GRANTING | _CHOOSING | _SIGNING_IN | _HELPERS
"""All of them."""


def take_foreign_fields(tree: dict[str, Any], report: Report) -> None:
    """Take out of each server what only clients understand, with a warning where it would change something."""
    servers = tree.get("mcpServers")
    if not isinstance(servers, dict):
        return
    for name, server in cast("dict[str, Any]", servers).items():
        if isinstance(server, dict):
            fields = cast("dict[str, Any]", server)
            for field in [field for field in fields if field in FOREIGN]:
                del fields[field]
                _warn_of_foreign(("mcpServers", name, field), field, report)


def _warn_of_foreign(path: Steps, field: str, report: Report) -> None:
    if field in _GRANTING:
        report.warn(
            path, "a client's approvals grant nothing here", "allow the tools in a policy, and remove this"
        )
    elif field in _CHOOSING:
        report.warn(path, "a client's choice of tools does not hold here", "choose the tools in a policy")
    elif field in _SIGNING_IN:
        report.warn(
            path, "signing in to servers is not supported yet", "send a token: headers: {Authorization: ...}"
        )
    elif field in _HELPERS:
        report.warn(path, "this command is not run", "write the headers themselves, with ${VARIABLES}")

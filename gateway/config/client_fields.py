"""Fields that MCP clients write beside a server and that mean nothing, or something else, to a gateway.

They are known by name, so that a client's file can be taken as it is while a misspelt field is still found.
"""

from __future__ import annotations

from typing import Any, cast

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
            for field, meaning in foreign_fields(cast("dict[str, Any]", server)):
                if meaning is not None:
                    report.warn(("mcpServers", name, field), *meaning)


def foreign_fields(server: dict[str, Any]) -> list[tuple[str, tuple[str, str] | None]]:
    """Take the fields that only clients understand out of a server; each with message and hint, if it matters."""
    foreign = [
        field
        for field in server
        if (field in FOREIGN and not (field == "auth" and _is_ours(server[field])))
        or (field == "sandbox" and is_editors_sandbox(server))
    ]
    for field in foreign:
        del server[field]
    return [(field, _meaning(field)) for field in foreign]


def _is_ours(auth: Any) -> bool:
    """Whether `auth` says in our way how tokens are had; in a client's it has no type."""
    return isinstance(auth, dict) and "type" in auth


def is_editors_sandbox(server: dict[str, Any]) -> bool:
    """Whether `sandbox` is in the form of VS Code's, whose `filesystem` and `network` hold rules."""
    sandbox: Any = server.get("sandbox")
    if not isinstance(sandbox, dict) or not sandbox:
        return False
    rules = cast("dict[str, Any]", sandbox)
    return rules.keys() <= {"filesystem", "network"} and all(isinstance(rule, dict) for rule in rules.values())


def _meaning(field: str) -> tuple[str, str] | None:
    if field in _GRANTING:
        return "a client's approvals grant nothing here", "allow the tools in a policy, and remove this"
    if field in _CHOOSING:
        return "a client's choice of tools does not hold here", "choose the tools in a policy"
    if field in _SIGNING_IN:
        return "a client's way to sign in does not hold here", "write auth: {type: oauth}, or client_credentials"
    if field in _HELPERS:
        return "this command is not run", "write the headers themselves, with ${VARIABLES}"
    if field == "sandbox":
        return (
            "an editor's rules for its sandbox do not hold here: ours is without network and files unless told",
            "sandbox: {network: open, mounts: [...]} opens what the server needs",
        )
    return None

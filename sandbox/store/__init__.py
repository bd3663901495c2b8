"""Packages of MCP servers: resolved to exact versions, installed once, kept read-only."""

from sandbox.store.mounts import parse_mount
from sandbox.store.prepared import OnProgress, Prepared
from sandbox.store.store import PackageStore, needs_image

__all__ = ["OnProgress", "PackageStore", "Prepared", "needs_image", "parse_mount"]

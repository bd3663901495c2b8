"""Who is calling: virtual keys to principals."""

from gateway.auth.principal import KeyId, Principal, ToolMode

__all__ = ["KeyId", "Principal", "ToolMode"]

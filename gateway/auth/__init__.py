"""Who is calling: virtual keys to principals."""

from gateway.auth.keyring import Keyring, bearer_token
from gateway.auth.principal import KeyId, Principal, ToolMode

__all__ = ["KeyId", "Keyring", "Principal", "ToolMode", "bearer_token"]

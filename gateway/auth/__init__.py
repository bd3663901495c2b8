"""Who is calling, and for whom: virtual keys to principals, and the users behind them."""

from gateway.auth.callers import USER_HEADER, Callers
from gateway.auth.keyring import Keyring, bearer_token, presented_in
from gateway.auth.principal import KeyId, Owner, Principal, ToolMode, owner_of
from gateway.auth.user import User

__all__ = [
    "USER_HEADER",
    "Callers",
    "KeyId",
    "Keyring",
    "Owner",
    "Principal",
    "ToolMode",
    "User",
    "bearer_token",
    "owner_of",
    "presented_in",
]

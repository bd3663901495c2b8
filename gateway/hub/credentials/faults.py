"""What goes wrong on the way to a token."""

from __future__ import annotations


class OAuthFault(Exception):
    """No token could be had. The message may be shown to users: it holds no secret, and quotes no document.

    `is_passing` says that the same may go well a little later. `code` is OAuth's own word for it, where one was
    given (RFC 6749, section 5.2).
    """

    def __init__(self, message: str, *, is_passing: bool = False, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.is_passing = is_passing
        self.code = code

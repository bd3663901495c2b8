"""Who a request is for, when somebody who can vouch for it has said so."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class User:
    """A person or a program behind a key, as an issuer of signed tokens knows it.

    `subject` means somebody only together with `issuer` (OpenID Connect Core, section 2): two issuers may use the
    same name for two people.
    """

    issuer: str
    subject: str

    @property
    def id(self) -> str:
        """The same for ever, different for everybody else, and safe in a path, a header or a column: 64 characters
        of 0-9a-f.
        """
        told = f"{len(self.issuer)}:{self.issuer}:{self.subject}"
        return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()

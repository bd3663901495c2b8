"""No key reaches another's files at a provider by naming them in a request.

All keys share one account there, and its files with it: a request may refer only to what its own key sent. Above:
whatever calls a model. Below: `gateway.dialects.file_references`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from gateway.api.services import Services
from gateway.auth import Principal
from gateway.dialects.file_references import file_references, may_refer
from gateway.errors import NotFound


async def check_files(services: Services, principal: Principal, fields: Mapping[str, Any], body: bytes) -> None:
    """Look at a request, whose policies have allowed that it names files; `fields` are what `body` says.

    Raises NotFound for a file that this key did not send, and StoreError.
    """
    named = set(file_references(fields)) if may_refer(body) else set[str]()
    if named and not named <= await own_files(services, principal, named):
        raise NotFound("file_id: there is no file with this id; send the file itself", param="file_id")


async def own_files(services: Services, principal: Principal, named: Collection[str]) -> set[str]:
    """Those of the files that this key sent. Raises StoreError."""
    if not named or "files" not in principal.passthrough:
        return set()
    return await services.objects.owned(principal.owner, services.passthrough_provider, named)

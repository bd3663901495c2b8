"""What one client sees at one moment: it holds until the catalogue or the configuration changes."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.api.mcp.surface import Surface
from gateway.api.services import Services
from gateway.auth import Principal


@dataclass(frozen=True, slots=True)
class Seen:
    """See the module."""

    services: Services
    principal: Principal
    surface: Surface

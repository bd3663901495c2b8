"""Whether what one model of a route thought can be read by all the others.

Above: the API, which keeps track of who wrote what where it cannot. Below: `gateway.providers.families`.
"""

from __future__ import annotations

from gateway.providers.endpoints import ENDPOINTS
from gateway.providers.families import family_of
from gateway.routing.targets import Route


def is_of_one_family(route: Route, dialect: str) -> bool:
    """For a client who speaks `dialect`."""
    if len(route.deployments) == 1:
        return True
    families = {
        family_of(one.provider, one.model, ENDPOINTS[one.provider.dialect_for(dialect)].dialect.name)
        for one in route.deployments
    }
    return len(families) == 1

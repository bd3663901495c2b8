"""The configured servers, each of the kind that its spec asks for."""

from gateway.hub.upstreams.making import make_upstream
from gateway.hub.upstreams.upstream import ListingListener, Upstream

__all__ = ["ListingListener", "Upstream", "make_upstream"]

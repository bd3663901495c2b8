"""The kind of upstream that a spec asks for.

Above: `gateway.hub.pool`. Below: the kinds. Refuses to know: how they work.
"""

from __future__ import annotations

from anyio.abc import TaskGroup

from gateway.hub.connection import Connection
from gateway.hub.credentials.authorizer import Authorizer
from gateway.hub.credentials.credentials import Credentials
from gateway.hub.credentials.issuers import TokenIssuer
from gateway.hub.credentials.user_authorizers import AnyUserAuthorizer
from gateway.hub.launcher import StdioLauncher
from gateway.hub.locking import Verifier
from gateway.hub.specs import HttpServerSpec, HubSettings, InProcessServerSpec, OpenApiServerSpec, ServerSpec
from gateway.hub.transports.transport import (
    HttpTransport,
    InProcessTransport,
    OpenApiTransport,
    StdioTransport,
    Transport,
)
from gateway.hub.upstreams.per_user import PerUserUpstream
from gateway.hub.upstreams.shared import SharedUpstream
from gateway.hub.upstreams.unstarted import UnstartedUpstream
from gateway.hub.upstreams.upstream import ListingListener, Upstream
from gateway.hub.upstreams.workspace import WorkspaceUpstream


def make_upstream(
    spec: ServerSpec,
    launcher: StdioLauncher | None,
    settings: HubSettings,
    tasks: TaskGroup,
    on_change: ListingListener,
    verifier: Verifier,
    credentials: Credentials | None = None,
) -> Upstream:
    """The kind of upstream that a spec asks for. `tasks` will own its instances, if it has any."""
    if spec.disabled:
        return UnstartedUpstream(spec)
    if isinstance(spec, HttpServerSpec | OpenApiServerSpec):
        return _make_upstream_at_url(spec, settings, tasks, on_change, verifier, credentials)
    if isinstance(spec, InProcessServerSpec):
        return SharedUpstream(spec, InProcessTransport(spec), settings, on_change, verifier)
    if launcher is None:
        return UnstartedUpstream(spec, "this gateway runs no processes")
    if spec.server.workspace is not None:
        return WorkspaceUpstream(spec, launcher, settings, tasks, on_change, verifier)
    return SharedUpstream(spec, StdioTransport(spec, launcher), settings, on_change, verifier)


def _make_upstream_at_url(
    spec: HttpServerSpec | OpenApiServerSpec,
    settings: HubSettings,
    tasks: TaskGroup,
    on_change: ListingListener,
    verifier: Verifier,
    credentials: Credentials | None,
) -> Upstream:
    """With no credentials but its headers, with those of the gateway, or with those of each user.

    An API is listed from its document, which takes no credentials.
    """
    if isinstance(spec, HttpServerSpec) and spec.auth is not None and credentials is None:
        return UnstartedUpstream(spec, "nothing here keeps credentials for it")
    users = credentials.users(spec.name) if credentials else None
    if credentials is None or users is None:
        own = credentials.own(spec.name) if credentials else None
        issuer = credentials.issuer(spec.name) if credentials else None
        return SharedUpstream(spec, _transport(spec, own, issuer), settings, on_change, verifier)
    lister = AnyUserAuthorizer(users)
    shared = SharedUpstream(spec, _transport(spec, lister, users.issuer), settings, on_change, verifier)

    def connect(authorizer: Authorizer) -> Connection:
        return Connection(spec.name, _transport(spec, authorizer), settings, era="legacy")

    return PerUserUpstream(spec.name, shared, lister, credentials, users, connect, tasks, settings)


def _transport(
    spec: HttpServerSpec | OpenApiServerSpec, authorizer: Authorizer | None, issuer: TokenIssuer | None = None
) -> Transport:
    is_mcp = isinstance(spec, HttpServerSpec)
    return HttpTransport(spec, authorizer, issuer) if is_mcp else OpenApiTransport(spec, authorizer, issuer)

"""Which of this gateway's tool servers a request means, as far as its key may see them.

    toolgate, litellm_proxy                     all of them
    toolgate/SERVER, litellm_proxy/mcp/SERVER   one of them
    https://this-gateway/mcp[/SERVER]           the same, by the address that the request came to or the public one
    any other URL                               one of them, if the label is its name; else a foreign one

A server that the key may not see is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.api.services import Services
from gateway.dialects.mcp_references import McpReference
from gateway.errors import InvalidRequest
from gateway.hub import CatalogueTool
from tool_policies import Policy

_NAMES: Mapping[str, str] = {"toolgate": "", "litellm_proxy": "mcp"}
"""What goes for this gateway in a URL's place, and a word that may follow."""
_PATH = "mcp"


@dataclass(frozen=True, slots=True)
class Meant:
    """The servers that a reference means, by name; `is_everything` where it names none."""

    names: tuple[str, ...]
    is_everything: bool = False


class OwnServers:
    """The servers of one key. `host` is the address that the client uses, as in a `Host` header."""

    def __init__(self, services: Services, policy: Policy, host: str) -> None:
        self.policy = policy
        self._hosts = frozenset(filter(None, (host.lower(), services.public_host)))
        self._catalogue = services.hub.catalogue
        self._states = services.hub.states()
        self._listed = frozenset(tool.server for tool in self._catalogue.tools)

    def meant_by(self, reference: McpReference) -> Meant | None:
        """The servers that are meant; None for a foreign one. Raises InvalidRequest for one that is not there."""
        below = self._below(reference.url)
        if below is None:
            return Meant((reference.label,)) if self._sees(reference.label) else None
        if below:
            if not self._sees(below):
                raise _missing(reference.params[0], below)
            return Meant((below,))
        if self._sees(reference.label):
            return Meant((reference.label,))
        return Meant(tuple(name for name in self._states if self._sees(name)), is_everything=True)

    def tools_of(self, server: str) -> list[CatalogueTool]:
        """The tools of a server that the key may see."""
        tools = [tool for tool in self._catalogue.tools if tool.server == server]
        return [tool for tool in tools if self.policy.visible(tool.qualified)]

    def tool(self, qualified: str) -> CatalogueTool | None:
        """A tool that is on offer now."""
        return self._catalogue.by_name.get(qualified)

    def is_unlisted(self, server: str) -> bool:
        """Whether nobody knows yet which tools a server has."""
        return server not in self._listed

    def _sees(self, server: str) -> bool:
        if self._states.get(server, "disabled") == "disabled":
            return False
        return self.policy.reaches(server) if self.is_unlisted(server) else bool(self.tools_of(server))

    def _below(self, url: str) -> str | None:
        """What a URL says behind what stands for this gateway; None for a foreign one."""
        name, _, below = url.partition("/")
        if name in _NAMES:
            return _server_in(below, _NAMES[name])
        try:
            parts = urlsplit(url)
        except ValueError:
            return None
        path = parts.path.strip("/")
        is_ours = parts.scheme in ("http", "https") and parts.netloc.lower() in self._hosts
        return _server_in(path, _PATH) if is_ours and path.partition("/")[0] == _PATH else None


def _server_in(path: str, word: str) -> str:
    """The server's name; what stands there as it is, where it is more than a name."""
    first, _, rest = path.strip("/").partition("/")
    return rest if word and first == word else path.strip("/")


def _missing(param: str, name: str) -> InvalidRequest:
    message = f"{param}: this key has no tool server called {name[:64]!r}"
    return InvalidRequest(message, code="tool_server_not_found", param=param)

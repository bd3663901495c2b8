"""One watch of one resource, from when the server tells of it until it is closed."""

from __future__ import annotations

from collections.abc import Callable

from gateway.hub.watches import UpdateListener, Watches


class Watch:
    """See the module. To be closed, whatever happens; `on_close` then lets go of what was held for it."""

    def __init__(self, watches: Watches, uri: str, listener: UpdateListener) -> None:
        self.watches = watches
        self._close: list[Callable[[], None]] = [lambda: watches.remove(uri, listener)]

    def on_close(self, release: Callable[[], None]) -> None:
        """Do this, too, when it is closed."""
        self._close.append(release)

    def continues(self, before: Watch | None) -> bool:
        """Whether nothing can have been missed between that one, which is not closed yet, and this."""
        return before is not None and before.watches is self.watches

    def close(self) -> None:
        """Watch no more; at the server, once nobody else does. Does nothing the second time."""
        while self._close:
            self._close.pop(0)()

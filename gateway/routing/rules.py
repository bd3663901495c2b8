"""Rules on requests: which of them go to which deployments.

Pure. Above: `narrowing` applies them; the API says who asks and for what. Refuses to know: HTTP, wire formats.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.routing.patterns import matches_any


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, and what for. `regions` are those in which the key's data may be; empty stands for everywhere.

    `needs` are what the request needs of a model: see `gateway.routing.needs`.
    """

    key: str
    team: str | None = None
    tags: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    body_bytes: int = 0
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Pick:
    """Deployments at one of `providers`, in one of `regions`, that have all `tags`; empty stands for any."""

    providers: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()

    def takes(self, provider: str, region: str | None, tags: frozenset[str]) -> bool:
        """Whether a deployment of which this is known is one of them."""
        return (
            (not self.providers or provider in self.providers)
            and (not self.regions or region in self.regions)
            and self.tags <= tags
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """Requests of one of `keys` (patterns), one of `teams`, with one of `tags`, all of `needs`, and a body of at
    least so many bytes, and below so many, go to what `use` picks. Empty stands for any. Clients are told `name`.
    """

    name: str
    use: Pick
    keys: tuple[str, ...] = ()
    teams: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    at_least: int = 0
    below: int | None = None

    def holds_for(self, asking: Asking) -> bool:
        """Whether the request is one of those."""
        return (
            (not self.keys or matches_any(self.keys, asking.key))
            and (not self.teams or asking.team in self.teams)
            and (not self.tags or bool(self.tags & asking.tags))
            and self.needs <= asking.needs
            and asking.body_bytes >= self.at_least
            and (self.below is None or asking.body_bytes < self.below)
        )

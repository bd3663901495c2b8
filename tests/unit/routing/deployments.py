"""Deployments, and a world in which time and chance are what a test says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gateway.errors import UpstreamAnswer, UpstreamRefused, UpstreamUnreachable
from gateway.providers import make_provider
from gateway.routing import Calls, Deployment, Route, RoutingSettings, Target
from gateway.routing.targets import Tier


def deployment(name: str, *, keys: int = 1, **fields: Any) -> Deployment:
    """A deployment at a provider of this name; `fields` are what the configuration says of it."""
    first, *others = (
        make_provider(name, base_url=f"http://{name}.example/v1", api_key=f"key-{number}")
        for number in range(keys)
    )
    provider = type(first)(**{**_fields(first), "others": tuple(others)})
    return Deployment(provider, "m", fields.get("price"), "m", Target(name, "m", **fields))


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def route(*deployments: Deployment, strategy: Any = None, **fields: Any) -> Route:
    tiers = () if strategy is None else (Tier("smart", deployments, strategy),)
    return Route("smart", deployments, tiers, **fields)


def refused(name: str, status: int, body: bytes = b"", **headers: str) -> UpstreamRefused:
    told = {header.replace("_", "-"): value for header, value in headers.items()}
    return UpstreamRefused(
        f"the provider {name} answered HTTP {status}", provider=name, answer=UpstreamAnswer(status, body, told)
    )


def unreachable(name: str) -> UpstreamUnreachable:
    return UpstreamUnreachable(f"the provider {name} failed", provider=name)


@dataclass
class World:
    """Time goes on only while somebody sleeps."""

    settings: RoutingSettings = field(default_factory=RoutingSettings)
    now: float = 1000.0
    slept: list[float] = field(default_factory=list)
    chance: float = 0.0

    @property
    def calls(self) -> Calls:
        return Calls(self.settings, clock=lambda: self.now, sleep=self.sleep, chance=lambda: self.chance)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class Script:
    """An attempt that gives, for each provider in turn, what stands in the script: an answer or an exception."""

    script: dict[str, list[Any]]
    asked: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    discarded: list[Any] = field(default_factory=list)

    async def begin(self, deployment: Deployment, provider: Any) -> Any:
        self.asked.append(deployment.provider.name)
        self.keys.append(provider.headers["authorization"].removeprefix("Bearer "))
        given = self.script[deployment.provider.name].pop(0)
        if isinstance(given, BaseException):
            raise given
        return given

    async def discard(self, answer: Any) -> None:
        self.discarded.append(answer)

"""The providers: whether each answers, and takes the key."""

from __future__ import annotations

import anyio

from gateway.building.router import ProviderFault, build_provider
from gateway.cli.checkup.findings import Finding, Tell
from gateway.cli.output import counted
from gateway.config import Config, ProviderConfig
from gateway.errors import UpstreamError, UpstreamRefused
from gateway.providers import (
    Authorizer,
    CredentialsUnavailable,
    HttpClients,
    Provider,
    ProviderCaller,
    Timeouts,
)
from gateway.providers.endpoints import ENDPOINTS

_PATIENCE = 10.0  # seconds for one provider


async def check_providers(config: Config, tell: Tell) -> None:
    """Ask every provider for its models, all at once."""
    clients = HttpClients()
    try:
        async with anyio.create_task_group() as tasks:
            for given in config.providers.values():
                tasks.start_soon(_check_one, config, given, clients, tell)
    finally:
        with anyio.move_on_after(_PATIENCE, shield=True):
            await clients.aclose()
    if not config.providers:
        hint = "write one under `providers`; `toolgate init` does so"
        tell(Finding("warn", "provider", "none", "no provider is configured, so no model can be called", hint))


async def _check_one(config: Config, given: ProviderConfig, clients: HttpClients, tell: Tell) -> None:
    try:
        provider = _made(given, clients)
    except ProviderFault as fault:
        tell(Finding("fail", "provider", given.name, str(fault.problem(config, given.name))))
        return
    with anyio.move_on_after(_PATIENCE) as patience:
        tell(await _asked(provider, clients))
    if patience.cancelled_caught:
        tell(_unreachable(given.name, f"no answer within {_PATIENCE:g} s"))


def _made(given: ProviderConfig, clients: HttpClients) -> Provider:
    """Raises ProviderFault."""
    return build_provider(given, clients, timeouts=Timeouts(_PATIENCE, _PATIENCE, _PATIENCE))


async def _asked(provider: Provider, clients: HttpClients) -> Finding:
    name = provider.name
    endpoint = ENDPOINTS.get(provider.dialects[0])
    if endpoint is not None and endpoint.models_path is None:
        return await _unasked(provider)
    try:
        models = await ProviderCaller(clients).list_models(provider)
    except UpstreamRefused as refused:
        return _refused(name, refused.answer.status)
    except UpstreamError as error:
        return _unreachable(name, error.message)
    return Finding("ok", "provider", name, f"answers, and has {counted(len(models), 'model')}")


async def _unasked(provider: Provider) -> Finding:
    """Of a provider that lists no models, whether there are credentials for it can be found out at most."""
    if provider.authorizer is not None:
        try:
            await _credentials(provider, provider.authorizer)
        except CredentialsUnavailable as error:
            hint = f"see `providers.{provider.name}.auth`"
            return Finding("fail", "provider", provider.name, str(error), hint)
    return Finding("ok", "provider", provider.name, "lists no models, so it was not asked")


async def _credentials(provider: Provider, authorizer: Authorizer) -> None:
    await authorizer.headers("POST", provider.url("/"), {}, b"")


def _refused(name: str, status: int) -> Finding:
    """What an HTTP error says; its text may quote a key, so it is not shown."""
    if status in (401, 403):
        hint = f"see `providers.{name}.api_key`, and the variable that it is taken from"
        return Finding("fail", "provider", name, f"does not take the key (HTTP {status})", hint)
    if status in (404, 405, 501):
        hint = "see `base_url` if calls to models fail, too"
        return Finding("warn", "provider", name, f"answers, but does not list its models (HTTP {status})", hint)
    return Finding("fail", "provider", name, f"answers with HTTP {status}", "see the provider's own status page")


def _unreachable(name: str, message: str) -> Finding:
    hint = "is it running, and is `base_url` right? From here it must be reachable without a proxy"
    return Finding("fail", "provider", name, message, hint)

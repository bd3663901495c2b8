"""`toolgate providers`: who hosts models in this configuration, and whether they answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import click

from gateway.building.router import ProviderFault, build_provider
from gateway.cli.checkup.findings import Finding
from gateway.cli.checkup.providers import check_providers
from gateway.cli.loading import load
from gateway.cli.options import config_options, json_option
from gateway.cli.output import counted, print_json, print_table
from gateway.config import Config, ProviderConfig
from gateway.errors import ConfigError, Problem
from gateway.providers import KNOWN_PROVIDERS, HttpClients, Provider
from gateway.telemetry.logs import Redactor, configure_logging


@click.command(help="List the providers of models; with --check, ask each whether it answers.")
@config_options
@click.option("--check", "is_checked", is_flag=True, help="Ask each for its models, for at most 10 seconds.")
@click.option("--known", "is_known", is_flag=True, help="List those that are known by name instead.")
@json_option
def command(
    config_path: Path | None, mcp_configs: tuple[Path, ...], is_checked: bool, is_known: bool, as_json: bool
) -> int:
    """Exit status 1 when one that was asked does not answer."""
    if is_known:
        _show_known(as_json=as_json)
        return 0
    config = load(config_path, mcp_configs)
    configure_logging(level="error", json=False, secrets=config.secrets)
    described = anyio.run(_describe_all, config)
    found = anyio.run(_check, config) if is_checked else {}
    for entry in described:
        if (finding := found.get(entry["name"])) is not None:
            entry["state"], entry["message"] = finding.state, finding.message
    if as_json:
        print_json({"providers": described})
    else:
        _show(described, is_checked=is_checked)
    return 1 if any(finding.state == "fail" for finding in found.values()) else 0


def _show_known(*, as_json: bool) -> None:
    """The table of providers, with where each row was taken from: no configuration is needed."""
    rows = KNOWN_PROVIDERS.values()
    if as_json:
        print_json({"known": [asdict(row) for row in rows]})
        return
    told = [
        [row.name, row.title, row.base_url or row.base_url_form or "-", ", ".join(row.dialects), row.env or "-"]
        for row in rows
    ]
    print_table(["PROVIDER", "NAME", "BASE URL", "DIALECT", "KEY IN"], told)


def _show(described: Sequence[Mapping[str, Any]], *, is_checked: bool) -> None:
    heads = ["PROVIDER", "DIALECT", "HOST", "CREDENTIALS", "MODELS"]
    rows = [
        [
            one["name"],
            ", ".join(one["dialects"]),
            one["host"],
            one["credentials"],
            ", ".join(one["models"]) or "-",
        ]
        for one in described
    ]
    if is_checked:
        heads.append("ANSWERS")
        for row, one in zip(rows, described, strict=True):
            row.append(one.get("message", "was not asked"))
    print_table(heads, rows)


async def _describe_all(config: Config) -> list[dict[str, Any]]:
    """Every provider as it would be called. Raises ConfigError for those that could not be."""
    clients = HttpClients()
    problems: list[Problem] = []
    described: list[dict[str, Any]] = []
    try:
        for name, given in config.providers.items():
            try:
                described.append(_describe(given, build_provider(given, clients), config))
            except ProviderFault as fault:
                problems.append(fault.problem(config, name))
    finally:
        await clients.aclose()
    if problems:
        raise ConfigError(problems)
    return described


def _describe(given: ProviderConfig, provider: Provider, config: Config) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": provider.name,
        "kind": given.kind,
        "dialects": list(provider.dialects),
        # Of its URL no more than that: the rest may hold what is nobody's business.
        "host": urlsplit(provider.base_url).netloc,
        "credentials": _credentials(given, provider),
        "max_concurrency": None if given.concurrency is None else given.concurrency.calls,
        "models": [
            alias
            for alias, targets in config.models.items()
            if any(target.provider == provider.name for target in targets)
        ],
    }
    return {name: value for name, value in told.items() if value is not None}


def _credentials(given: ProviderConfig, provider: Provider) -> str:
    """What it is shown of ours, in words."""
    if provider.authorizer is not None:
        return "auth"
    if given.api_keys:
        return counted(len(given.api_keys), "key")
    if given.api_key is not None:
        return "1 key"
    return "headers" if given.headers else "none"


async def _check(config: Config) -> dict[str, Finding]:
    """What became of asking each, by name; without secrets, whatever a provider answers."""
    found: dict[str, Finding] = {}
    clean = Redactor(config.secrets).clean

    def tell(finding: Finding) -> None:
        found[finding.subject] = finding.cleaned(clean)

    await check_providers(config, tell)
    return found

"""Prices as an operator writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.building.router import build_router, unpriced
from gateway.config import load_config
from gateway.errors import ConfigError
from gateway.providers import HttpClients
from gateway.routing import Price, Rate


async def price_of(folder: Path, target: dict[str, Any]) -> Price | None:
    path = folder / "gateway.yaml"
    document = {
        "version": 1,
        "providers": {"local": {"base_url": "http://127.0.0.1:9/v1"}},
        "models": {"fast": {"provider": "local", "model": "tiny", **target}},
        "keys": {"agent": {"secret": "agent-secret-0123456789"}},
    }
    path.write_text(yaml.safe_dump(document))
    clients = HttpClients()
    try:
        router = build_router(load_config(path), clients)
        return router.prices.of(router.resolve("fast", ["*"]).deployments[0])
    finally:
        await clients.aclose()


async def test_a_price_in_numbers(tmp_path: Path):
    price = await price_of(tmp_path, {"price": {"input": 1.25, "output": 10, "cached_input": 0.5}})
    assert price == Price(Rate(1.25), Rate(10), Rate(0.5), None)


async def test_the_price_of_a_model_in_the_list(tmp_path: Path):
    price = await price_of(tmp_path, {"price": "openai/gpt-5"})
    assert price is not None
    assert price.input == Rate(1.25)


async def test_without_one_nothing_is_known_of_an_address_that_is_in_no_list(tmp_path: Path):
    assert await price_of(tmp_path, {}) is None


@pytest.mark.parametrize("name", ["openai/no-such-model", "nobody/gpt-5", "gpt-5", ""])
async def test_a_name_that_the_list_does_not_have_is_a_mistake_with_its_line(tmp_path: Path, name: str):
    with pytest.raises(ConfigError) as mistake:
        await price_of(tmp_path, {"price": name})
    (problem,) = mistake.value.problems
    assert problem.field == "models.fast.price"
    assert problem.line is not None
    assert "openai/gpt-5" in (problem.hint or "")


@pytest.mark.parametrize(
    ("limits", "fields"), [({}, []), ({"usd": 1}, ["models.more.deployments[1]", "models.one"])]
)
async def test_a_deployment_that_a_limit_on_money_keeps_from_use_is_told_of(
    tmp_path: Path, limits: dict[str, Any], fields: list[str]
):
    known = {"provider": "local", "model": "tiny", "price": "openai/gpt-5"}
    document = {
        "version": 1,
        "providers": {"local": {"base_url": "http://127.0.0.1:9/v1"}},
        "models": {
            "more": {"strategy": "weighted", "deployments": [known, {"provider": "local", "model": "x"}]},
            "one": [{"provider": "local", "model": "y"}],
            "any-*": "local",
        },
        "limits": limits,
        "keys": {"agent": {"secret": "agent-secret-0123456789"}},
    }
    path = tmp_path / "gateway.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    config, clients = load_config(path), HttpClients()
    try:
        found = list(unpriced(config, build_router(config, clients)))
    finally:
        await clients.aclose()
    assert [problem.field for problem in found] == fields
    assert all(problem.line is not None for problem in found)

"""What a model call costs."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import genai_prices
import pytest
from genai_prices.data import providers as price_list
from hypothesis import given
from hypothesis import strategies as st

from gateway.conversation import Usage
from gateway.providers import make_provider
from gateway.routing import Deployment, Price, PriceBook, Rate, Route, listed_price

DAY = datetime(2026, 11, 25, tzinfo=UTC)
OPENAI = make_provider("openai", api_key="k")
AT_HOME = make_provider("at-home", base_url="http://127.0.0.1:9/v1")

PRICED = [
    (provider.id, model.id)
    for provider in price_list
    for model in provider.models
    if listed_price(model.id, DAY, provider=provider.id) is not None
]


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    whole = draw(st.integers(0, 2_000_000))
    cached = draw(st.integers(0, whole))
    return Usage(whole, draw(st.integers(0, 200_000)), cached, draw(st.integers(0, whole - cached)))


@given(st.sampled_from(PRICED), usages())
def test_a_listed_price_gives_the_cost_that_the_list_s_own_package_gives(model: tuple[str, str], usage: Usage):
    price = listed_price(model[1], DAY, provider=model[0])
    assert price is not None
    expected = genai_prices.calc_price(
        genai_prices.Usage(
            input_tokens=usage.input_tokens,
            cache_read_tokens=usage.cached_input_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            output_tokens=usage.output_tokens,
        ),
        model_ref=model[1],
        provider_id=model[0],
        genai_request_timestamp=DAY,
    )
    assert price.cost(usage) == pytest.approx(float(expected.total_price), rel=1e-9, abs=1e-12)


def test_most_listed_models_have_a_price_by_tokens():
    assert len(PRICED) > 1500


def test_a_deployment_is_found_in_the_list_by_its_provider_s_address():
    price = PriceBook().of(Deployment(OPENAI, "gpt-5"))
    assert price is not None
    assert (price.input, price.output, price.cached_input) == (Rate(1.25), Rate(10.0), Rate(0.125))
    assert price.source.startswith("genai-prices ")


def test_the_operator_s_price_goes_before_the_list():
    own = Price(Rate(1), Rate(2))
    assert PriceBook().of(Deployment(OPENAI, "gpt-5", own)) is own


def test_a_model_that_nobody_knows_has_no_cost_rather_than_none_to_pay(caplog: pytest.LogCaptureFixture):
    book, deployment = PriceBook(), Deployment(AT_HOME, "llama")
    assert book.priced(Usage(1, 1), deployment).cost_usd is None
    assert book.priced(Usage(1, 1), deployment).cost_usd is None
    assert [record.getMessage() for record in caplog.records] == [
        "no price is known for the model 'llama' of the provider at-home: its cost is unknown; set `price` for it"
    ]


def test_a_route_tells_which_of_its_deployments_has_no_price():
    known, unknown = Deployment(OPENAI, "gpt-5"), Deployment(AT_HOME, "llama")
    assert PriceBook().unpriced(Route("m", (known, unknown))) is unknown
    assert PriceBook().unpriced(Route("m", (known,))) is None


def test_a_tier_holds_for_all_tokens_of_a_call_that_has_more_than_its_threshold():
    price = Price(Rate(1, ((100, 2), (200, 4))), Rate(10, ((200, 20),)))
    assert price.cost(Usage(100, 1)) == pytest.approx((100 + 10) / 1e6)
    assert price.cost(Usage(101, 1)) == pytest.approx((202 + 10) / 1e6)
    assert price.cost(Usage(201, 1)) == pytest.approx((804 + 20) / 1e6)


def test_dated_prices_are_those_of_the_day():
    dated = [
        (provider.id, model)
        for provider in price_list
        for model in provider.models
        if isinstance(model.prices, list) and listed_price(model.id, DAY, provider=provider.id) is not None
    ]
    assert dated
    for provider_id, model in dated:
        price = listed_price(model.id, DAY, provider=provider_id)
        assert price is not None
        now = model.get_prices(DAY).input_mtok
        assert price.input.base == float(now if isinstance(now, Decimal) else now.base)


def test_costs_add_up_and_one_that_is_unknown_makes_the_sum_unknown():
    assert (Usage(cost_usd=0.25) + Usage(cost_usd=0.5)).cost_usd == 0.75
    assert (Usage(cost_usd=0.25) + Usage()).cost_usd is None


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/v1", "http://[::1]:9/v1", "http://models:8000/v1"])
def test_for_a_server_of_one_s_own_the_list_is_not_even_read(address: str, monkeypatch: pytest.MonkeyPatch):
    def read() -> None:
        pytest.fail("the list was read")

    monkeypatch.setattr(genai_prices.data_snapshot, "get_snapshot", read)
    assert listed_price("gpt-4o", DAY, address=address) is None

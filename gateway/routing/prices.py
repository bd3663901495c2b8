"""What tokens cost: rates, and the list of the `genai-prices` package.

Above: `targets` and `price_book`. Below: usage. Refuses to know: budgets, limits, who pays.

The list is read when a price is first asked for: it takes 10 MB and a tenth of a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from gateway.conversation import Usage

_PER = 1_000_000  # tokens
_MOST = 4096  # models whose prices are remembered: clients can name any number of them where a pattern allows it


@dataclass(frozen=True, slots=True)
class Rate:
    """US dollars for a million tokens.

    `tiers` are pairs of a number of input tokens and the rate of calls that have more: all their tokens are
    counted at the rate of the last tier that applies. They ascend.
    """

    base: float
    tiers: tuple[tuple[int, float], ...] = ()

    def at(self, input_tokens: int) -> float:
        """The rate of a call with so many input tokens."""
        rate = self.base
        for above, dearer in self.tiers:
            if input_tokens > above:
                rate = dearer
        return rate


@dataclass(frozen=True, slots=True)
class Price:
    """What the tokens of one model cost. Kinds of input that have no rate of their own are counted as `input`.

    `source` says where the price was found.
    """

    input: Rate
    output: Rate
    cached_input: Rate | None = None
    cache_write: Rate | None = None
    source: str = "config"

    def cost(self, usage: Usage) -> float:
        """US dollars."""
        whole = usage.input_tokens
        plain = max(0, whole - usage.cached_input_tokens - usage.cache_write_tokens)
        total = (
            plain * self.input.at(whole)
            + usage.cached_input_tokens * (self.cached_input or self.input).at(whole)
            + usage.cache_write_tokens * (self.cache_write or self.input).at(whole)
            + usage.output_tokens * self.output.at(whole)
        )
        return total / _PER


@lru_cache(maxsize=_MOST)
def listed_price(
    model: str, day: datetime, *, address: str | None = None, provider: str | None = None
) -> Price | None:
    """The price in the list of genai-prices for a model at the provider with this base URL, or of this name there.

    Batch and priority rates are left out of account: the price is that of an ordinary call on that day, in UTC.
    """
    if address is not None and _is_ones_own(address):
        return None
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 - see the module

    try:
        _, found = get_snapshot().find_provider_model(model, None, provider, address)
    except LookupError:
        return None
    rates: Any = found.get_prices(day)
    into, out = _rate(rates.input_mtok), _rate(rates.output_mtok)
    if into is None or out is None or rates.requests_kcount is not None:
        return None  # a model that is paid for in another way than by its tokens
    return Price(into, out, _rate(rates.cache_read_mtok), _rate(rates.cache_write_mtok), source=_list_name())


def _is_ones_own(address: str) -> bool:
    """Whether a server has a number, or a name without a dot: such a one is in no list, and none need be read."""
    host = urlsplit(address).hostname or ""
    return "." not in host or host.replace(".", "").isdecimal()


@lru_cache(maxsize=1)
def _list_name() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - needed with the list alone

    return f"genai-prices {version('genai-prices')}"


def _rate(price: Any) -> Rate | None:
    """A rate of the list: a number, or a base with tiers."""
    if price is None or isinstance(price, Decimal):
        return None if price is None else Rate(float(price))
    return Rate(float(price.base), tuple((tier.start, float(tier.price)) for tier in price.tiers))

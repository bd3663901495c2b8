"""From the name of a model to an answer: aliases, patterns, fallback.

Above: the API and the tool loop see only what is named here. Below: `gateway.providers`. Refuses to know: HTTP,
wire formats, tools, keys.
"""

from gateway.routing.fallback import RoutedModel
from gateway.routing.price_book import PriceBook
from gateway.routing.prices import Price, Rate, listed_price
from gateway.routing.router import Router
from gateway.routing.targets import Deployment, ModelInfo, Route, Target

__all__ = [
    "Deployment",
    "ModelInfo",
    "Price",
    "PriceBook",
    "Rate",
    "Route",
    "RoutedModel",
    "Router",
    "Target",
    "listed_price",
]

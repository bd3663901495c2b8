"""From the name of a model to an answer: aliases, patterns, strategies, rules, retries, fallback.

Above: the API and the tool loop see only what is named here. Below: `gateway.providers`. Refuses to know: HTTP,
wire formats, tools, and how keys are recognised.
"""

from gateway.routing.calling import Calls
from gateway.routing.conditions import Conditions
from gateway.routing.fallback import Form, RoutedModel
from gateway.routing.faults import another_may_do_better
from gateway.routing.narrowing import narrowed
from gateway.routing.needs import needs_of
from gateway.routing.price_book import PriceBook
from gateway.routing.prices import Price, Rate, listed_price
from gateway.routing.router import Router
from gateway.routing.rules import Asking, Pick, Rule
from gateway.routing.settings import Bounds, RoutingSettings
from gateway.routing.targets import Capability, Deployment, ModelInfo, Plan, Route, Strategy, Target

__all__ = [
    "Asking",
    "Bounds",
    "Calls",
    "Capability",
    "Conditions",
    "Deployment",
    "Form",
    "ModelInfo",
    "Pick",
    "Plan",
    "Price",
    "PriceBook",
    "Rate",
    "Route",
    "RoutedModel",
    "Router",
    "RoutingSettings",
    "Rule",
    "Strategy",
    "Target",
    "another_may_do_better",
    "listed_price",
    "narrowed",
    "needs_of",
]

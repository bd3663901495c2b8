"""What the file says of models with several deployments, of several keys, and of failures."""

from __future__ import annotations

import pytest

from gateway.config import ConcurrencyConfig, ModelTarget, PlanConfig, RoutingConfig, RuleConfig
from tests.unit.config.folders import SECRET, Folder

PROVIDERS = "providers: {a: {base_url: 'https://a.example/v1'}, b: {base_url: 'https://b.example/v1'}}\n"


def test_short_forms_have_no_plan(folder: Folder):
    config = folder.load_with(PROVIDERS + "models: {one: a, two: {provider: b}, three: [a, {provider: b}]}")
    assert config.routing == RoutingConfig()
    assert config.models["three"] == (ModelTarget("a"), ModelTarget("b"))


def test_the_long_form_is_read_as_written(folder: Folder):
    config = folder.load_with(
        PROVIDERS
        + """\
models:
  smart:
    strategy: weighted
    deployments:
      - a
      - {provider: b, model: m, weight: 3, tags: [x, y], region: eu, capabilities: [tools], context_tokens: 9}
    rules:
      - {name: r, keys: ['a*'], teams: [t], tags: [g], needs: [vision], at_least: 1k, below: 2k, use: {tags: [x]}}
      - {use: {providers: [a], regions: [eu]}}
    fallback: [fast]
    hedge: {after: 500ms}
  fast: a
routing: {retries: 5, retry_within: 1m, breaker: {failures: 0, seconds: 2s}, latency_percentile: 0.5}
"""
    )
    assert config.models["smart"] == (
        ModelTarget("a"),
        ModelTarget(
            "b",
            "m",
            weight=3.0,
            tags=frozenset({"x", "y"}),
            region="eu",
            capabilities=frozenset({"tools"}),
            context_tokens=9,
        ),
    )
    first = RuleConfig(
        "r",
        ("a*",),
        frozenset({"t"}),
        frozenset({"g"}),
        frozenset({"vision"}),
        1024,
        2048,
        use_tags=frozenset({"x"}),
    )
    second = RuleConfig("rule 2", use_providers=frozenset({"a"}), use_regions=frozenset({"eu"}))
    plan = PlanConfig("weighted", (first, second), ("fast",), 0.5)
    assert config.routing == RoutingConfig(5, 60.0, 0, 2.0, 0.5, {"smart": plan})


def test_a_provider_may_have_several_keys_and_a_limit(folder: Folder):
    text = "providers: {openai: {api_keys: [sk-first-key, sk-second-key], max_concurrency: 4, queue: {most: 2}}}"
    config = folder.load_with(text)
    provider = config.providers["openai"]
    assert (provider.api_key, provider.api_keys) == (None, ("sk-first-key", "sk-second-key"))
    assert provider.concurrency == ConcurrencyConfig(4, 2, 5.0)
    assert {"sk-first-key", "sk-second-key"} <= set(config.secrets)
    assert "sk-first-key" not in repr(config)


def test_a_key_says_whose_it_is_and_where_its_data_may_be(folder: Folder):
    text = f"keys: {{k: {{secret: {SECRET}, team: t, tags: [x], regions: [eu, ch]}}}}"
    (key,) = folder.load_with(text).keys
    assert (key.team, key.tags, key.regions) == ("t", frozenset({"x"}), frozenset({"eu", "ch"}))


def test_a_region_that_no_deployment_is_in_is_warned_about(folder: Folder):
    keys = f"keys: {{k: {{secret: {SECRET}, regions: [eu, eux]}}}}"
    (warning,) = folder.load(f"version: 1\n{PROVIDERS}models: {{m: {{provider: a, region: eu}}}}\n{keys}").warnings
    assert (warning.field, warning.hint) == ("keys.k.regions[1]", "did you mean eu?")


SMART = (
    PROVIDERS
    + """\
models:
  smart:
    deployments: [{provider: a, tags: [inside]}, {provider: b, region: eu}]
    """
)
IN = "models.smart"
MISTAKES = [
    (SMART + "stratgy: weighted", 7, f"{IN}.stratgy", "no such setting", "did you mean strategy?"),
    (SMART + "strategy: random", 7, f"{IN}.strategy", "must be 'priority', 'weighted'", None),
    (SMART + "fallback: [fast]", 7, f"{IN}.fallback[0]", "no entry of `models`", "there are smart"),
    (SMART + "fallback: [smart]", 7, f"{IN}.fallback[0]", "fall back to itself", None),
    (SMART + "fallback: ['s*']", 7, f"{IN}.fallback[0]", "a pattern is no model", "without a *"),
    (SMART + "hedge: {after: soon}", 7, f"{IN}.hedge.after", "a number of seconds", "2s or 500ms"),
    (SMART + "hedge: {}", 7, f"{IN}.hedge.after", "is missing", None),
    (SMART + "rules:\n    - {use: {tags: [insde]}}", 8, f"{IN}.rules[0].use.tags[0]", "label", "mean inside?"),
    (SMART + "rules: [{use: {regions: [us]}}]", 7, f"{IN}.rules[0].use.regions[0]", "label", "there are eu"),
    (SMART + "rules: [{keys: [b]}]", 7, f"{IN}.rules[0].keys[0]", "no key has this name", "there are a"),
    (SMART + "rules: [{at_least: 2k, below: 1k}]", 7, f"{IN}.rules[0].below", "more than at_least", None),
    (SMART + "rules: [{at_lest: 2k}]", 7, f"{IN}.rules[0].at_lest", "no such", "did you mean at_least?"),
    (SMART + "rules: [{use: {tag: [x]}}]", 7, f"{IN}.rules[0].use.tag", "no such", "did you mean tags?"),
    (SMART + "rules: [{needs: [sight]}]", 7, f"{IN}.rules[0].needs[0]", "'vision'", None),
    (PROVIDERS + "models: {m: {deployments: []}}", 4, "models.m.deployments", "must not be empty", None),
    (
        PROVIDERS + "models:\n  m:\n    deployments:\n    - {provider: a, weight: -1}",
        *(7, "models.m.deployments[0].weight", "at least 0", None),
    ),
    (
        PROVIDERS + "models:\n  m:\n    strategy: weighted\n    deployments:\n    - a\n    - c",
        *(9, "models.m.deployments[1]", "no provider has this name", "there are a, b"),
    ),
    (
        PROVIDERS + "models:\n  m:\n    deployments: [{provider: a, wieght: 1}]",
        *(6, "models.m.deployments[0].wieght", "no such setting", "did you mean weight?"),
    ),
    ("providers: {a: {api_keys: [x, x]}}", 3, "providers.a.api_keys[1]", "the same as one before", "remove it"),
    ("providers: {a: {api_keys: ['']}}", 3, "providers.a.api_keys[0]", "is empty", "set the variable"),
    ("providers: {a: {api_key: x, api_keys: [y]}}", 3, "providers.a.api_keys", "api_key gives cred", "keep one"),
    ("providers: {a: {max_concurrency: 0}}", 3, "providers.a.max_concurrency", "at least 1", None),
    ("providers: {a: {queue: {most: 2}}}", 3, "providers.a.queue", "without max_concurrency", "set max_conc"),
    ("providers: {a: {max_concurrency: 1, queue: {mots: 2}}}", 3, "providers.a.queue.mots", "no such", "most?"),
    (
        PROVIDERS + "models:\n  m: [{provider: a, price: {input: 1, output: 2, cached_inputs: 1}}]",
        *(5, "models.m[0].price.cached_inputs", "no such setting", "did you mean cached_input?"),
    ),
    (PROVIDERS + "models: {m: [{provider: a, price: {input: 1}}]}", 4, "models.m[0].price.output", "miss", None),
    (PROVIDERS + "models:\n  m: [{provider: a, price: 5}]", 5, "models.m[0].price", "a mapping", "beneath it"),
    ("storage: {memory: {byte: 512m}}", 3, "storage.memory.byte", "no such setting", "did you mean bytes?"),
    ("routing: {retrys: 1}", 3, "routing.retrys", "no such setting", "did you mean retries?"),
    ("routing: {breaker: {failures: -1}}", 3, "routing.breaker.failures", "at least 0", None),
    ("routing: {retry_within: 1h}", 3, "routing.retry_within", "a number of seconds", "2s or 500ms"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "field", "message", "hint"),
    MISTAKES,
    ids=[text.removeprefix(SMART).removeprefix(PROVIDERS) for text, *_ in MISTAKES],
)
def test_a_mistake_is_found_where_it_stands(
    folder: Folder, text: str, line: int, field: str, message: str, hint: str | None
):
    (problem,) = folder.problems_with(text)
    assert (problem.line, problem.field) == (line, field)
    assert message in problem.message
    assert (hint is None) == (problem.hint is None) if hint is None else hint in (problem.hint or "")


@pytest.mark.parametrize(("written", "tokens"), [("32k", 32_000), ("1.5M", 1_500_000), ("900", 900)])
def test_a_number_of_tokens_can_be_written_as_people_say_it(folder: Folder, written: str, tokens: int):
    config = folder.load_with(PROVIDERS + f"models: {{m: [{{provider: a, context_tokens: {written}}}]}}")
    assert config.models["m"][0].context_tokens == tokens

"""From a model's name to its deployments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ModelNotFound
from gateway.providers import make_provider
from gateway.routing import Target
from gateway.routing.patterns import filling, matches
from gateway.routing.resolution import Resolver

PROVIDERS = {name: make_provider(name, base_url="http://127.0.0.1:9/v1") for name in ("one", "two", "three")}


def resolver(models):
    return Resolver(PROVIDERS, models)


def deployments(models, model, allowed=("*",)):
    route = resolver(models).resolve(model, allowed)
    assert route.model == model
    return [(deployment.provider.name, deployment.model) for deployment in route.deployments]


def test_an_alias_leads_to_its_deployments_in_order():
    models = {"smart": [Target("two", "big-2"), Target("one", "big-1"), Target("three")]}
    assert deployments(models, "smart") == [("two", "big-2"), ("one", "big-1"), ("three", "smart")]


def test_an_exact_name_wins_over_patterns():
    models = {"gpt-*": [Target("one")], "gpt-4": [Target("two")]}
    assert deployments(models, "gpt-4") == [("two", "gpt-4")]
    assert deployments(models, "gpt-5") == [("one", "gpt-5")]


def test_the_pattern_with_the_longest_beginning_wins_and_then_the_first():
    models = {
        "*": [Target("one", "any")],
        "gpt-*": [Target("two", "first")],
        "gpt*x": [Target("three", "shorter")],
        "gpt-*-mini": [Target("one", "second")],
        "gpt-4*": [Target("three", "longer")],
    }
    assert deployments(models, "gpt-4-mini") == [("three", "longer")]
    assert deployments(models, "gpt-5-mini") == [("two", "first")]
    assert deployments(models, "llama") == [("one", "any")]


def test_a_star_in_a_target_is_what_the_star_in_the_name_was():
    models = {"groq/*": [Target("one", "*"), Target("two", "mirror-*-b")]}
    assert deployments(models, "groq/meta/llama") == [("one", "meta/llama"), ("two", "mirror-meta/llama-b")]


def test_without_a_map_models_are_named_after_their_provider():
    assert deployments({}, "two/meta/llama:free") == [("two", "meta/llama:free")]


@pytest.mark.parametrize("model", ["two/x", "x", "four/x", "/x", "two/", "", "y" * 300, "two/" + "y" * 300])
def test_what_is_not_there_is_not_found(model):
    with pytest.raises(ModelNotFound, match="does not exist, or this key may not use it") as caught:
        resolver({"x-alias": [Target("one")]}).resolve(model, ["*"])
    assert caught.value.param == "model"
    assert caught.value.message.startswith("model: ")
    assert len(caught.value.message) < 400


@pytest.mark.parametrize("model", ["x", "four/x", "/x", "two/", "two"])
def test_without_a_map_only_providers_that_are_there_are_found(model):
    with pytest.raises(ModelNotFound):
        resolver({}).resolve(model, ["*"])


def test_not_allowed_and_not_there_answer_alike():
    here = resolver({"secret": [Target("one")]})
    with pytest.raises(ModelNotFound) as not_allowed:
        here.resolve("secret", ["public-*"])
    with pytest.raises(ModelNotFound) as not_there:
        resolver({"other": [Target("one")]}).resolve("secret", ["*"])
    assert not_allowed.value.message == not_there.value.message
    assert vars(not_allowed.value) == vars(not_there.value)


@pytest.mark.parametrize(
    ("allowed", "found"),
    [
        (["gpt-4"], True),
        (["gpt-*"], True),
        (["a", "*4"], True),
        ([], False),
        (["gpt-"], False),
        (["gpt-?"], False),
    ],
)
def test_a_key_may_use_what_fits_one_of_its_patterns(allowed, found):
    models = {"gpt-4": [Target("one")]}
    if found:
        assert deployments(models, "gpt-4", allowed)
    else:
        with pytest.raises(ModelNotFound):
            deployments(models, "gpt-4", allowed)


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ({"a": []}, "'a' has no targets"),
        ({"a": [Target("nowhere")]}, "at the provider 'nowhere', which is not there"),
        ({"a": [Target("one", "*")]}, "exactly one"),
        ({"*a*": [Target("one", "*")]}, "exactly one"),
    ],
)
def test_a_map_that_cannot_be_served_is_refused(models, message):
    with pytest.raises(ValueError, match=message):
        resolver(models)


def test_a_route_tells_whether_all_its_deployments_speak_a_dialect():
    providers = {**PROVIDERS, "other": make_provider("other", base_url="http://127.0.0.1:9", dialects=["else"])}
    here = Resolver(providers, {"a": [Target("one"), Target("two")], "b": [Target("one"), Target("other")]})
    assert here.resolve("a", ["*"]).speaks_only("openai_chat")
    assert not here.resolve("b", ["*"]).speaks_only("openai_chat")


@given(st.text(alphabet="ab*[?]/", max_size=8), st.text(alphabet="ab[?]/", max_size=8))
def test_only_the_star_is_special(pattern, name):
    def fits(pattern, name):
        if not pattern:
            return not name
        if pattern[0] == "*":
            return fits(pattern[1:], name) or (bool(name) and fits(pattern, name[1:]))
        return bool(name) and pattern[0] == name[0] and fits(pattern[1:], name[1:])

    assert matches(pattern, name) == fits(pattern, name)


@given(
    st.text(alphabet="ab/", max_size=4), st.text(alphabet="ab/", max_size=4), st.text(alphabet="ab/", max_size=4)
)
def test_a_star_is_filled_with_what_it_stood_for(before, filler, after):
    assert filling(f"{before}*{after}", before + filler + after) == filler

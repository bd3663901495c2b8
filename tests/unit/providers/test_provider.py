"""Providers made from what an operator writes, and the table behind them."""

from __future__ import annotations

import datetime
import re
from urllib.parse import urlsplit

import pytest

from gateway.dialects.openai_chat.quirks import Quirk
from gateway.providers import KNOWN_PROVIDERS, Timeouts, UnknownProvider, make_provider
from gateway.providers.endpoints import ENDPOINTS


@pytest.mark.parametrize("row", KNOWN_PROVIDERS.values(), ids=KNOWN_PROVIDERS)
def test_each_row_of_the_table_has_the_shape_that_it_should(row):
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]*", row.name)
    assert row.title.strip() == row.title != ""
    assert (row.base_url is None) != (row.base_url_form is None)
    url = urlsplit(row.base_url or row.base_url_form)
    is_local = url.hostname in ("127.0.0.1", "localhost")
    assert url.scheme == ("http" if is_local else "https")
    assert not url.path.endswith("/")
    assert not url.path.endswith("/chat/completions")
    assert not url.query
    assert row.auth_header in ("authorization", "api-key", "x-api-key", "x-goog-api-key")
    assert row.key_required is not is_local
    assert row.env is None or re.fullmatch(r"[A-Z][A-Z0-9_]*", row.env)
    assert row.dialects
    assert set(row.dialects) <= ENDPOINTS.keys()
    assert list(row.quirks) == [quirk for quirk in Quirk if quirk in row.quirks]
    assert all(isinstance(note, str) and note for note in row.notes)
    assert row.source
    datetime.date.fromisoformat(row.date)


@pytest.mark.parametrize("row", KNOWN_PROVIDERS.values(), ids=KNOWN_PROVIDERS)
def test_each_row_makes_a_provider(row):
    provider = make_provider(row.name, api_key="k", base_url=None if row.base_url else "https://host/v1")
    assert provider.headers == {row.auth_header: "Bearer k" if row.auth_header == "authorization" else "k"}
    assert provider.url("/models").endswith("/models")


def test_the_table_is_large_and_knows_the_usual_names():
    assert len(KNOWN_PROVIDERS) >= 160
    assert {"openai", "mistral", "groq", "openrouter", "ollama", "deepseek", "azure"} <= KNOWN_PROVIDERS.keys()


def test_a_known_provider_needs_only_a_key():
    provider = make_provider("groq", api_key=" sesame\n")
    assert provider.dialects == ("openai_chat",)
    assert provider.url("/chat/completions") == "https://api.groq.com/openai/v1/chat/completions"
    assert provider.headers == {"authorization": "Bearer sesame"}
    assert provider.timeouts == Timeouts()


def test_a_local_provider_needs_no_key():
    assert make_provider("ollama").headers == {}


def test_a_provider_may_have_another_name_than_its_kind():
    provider = make_provider("groq-eu", kind="groq", api_key="k")
    assert provider.name == "groq-eu"
    assert provider.base_url == KNOWN_PROVIDERS["groq"].base_url


def test_a_provider_of_ones_own_needs_a_base_url_only():
    provider = make_provider("mine", base_url="http://127.0.0.1:9/v1/", headers={"X-Team": "a"})
    assert provider.url("/models") == "http://127.0.0.1:9/v1/models"
    assert provider.headers == {"x-team": "a"}


def test_what_the_operator_writes_wins_over_the_table():
    timeouts = Timeouts(connect=1, first_byte=2, idle=3)
    provider = make_provider("openai", base_url="http://127.0.0.1:9/v1", dialects=["other"], timeouts=timeouts)
    assert (provider.base_url, provider.timeouts) == ("http://127.0.0.1:9/v1", timeouts)
    assert provider.dialects == ("other",)


def test_a_provider_is_called_in_the_clients_dialect_if_it_speaks_it_and_else_in_its_first():
    provider = make_provider("mine", base_url="http://127.0.0.1:9/v1", dialects=["openai_chat", "other"])
    assert provider.dialect_for("other") == "other"
    assert provider.dialect_for("anthropic_messages") == "openai_chat"


def test_some_providers_of_the_table_speak_several_dialects():
    assert KNOWN_PROVIDERS["meta"].dialects[:2] == ("openai_chat", "anthropic_messages")
    assert make_provider("meta", api_key="k").dialects == KNOWN_PROVIDERS["meta"].dialects


def test_a_query_of_the_base_url_stays_at_its_end():
    provider = make_provider("azure", api_key="k", base_url="https://x.example/openai/v1?api-version=preview")
    assert provider.url("/models") == "https://x.example/openai/v1/models?api-version=preview"
    assert provider.headers == {"api-key": "k"}


def test_no_secret_is_in_the_representation():
    provider = make_provider(
        "mine", api_key="sesame", base_url="https://host/secret-path", headers={"x": "barley"}
    )
    assert not re.search("sesame|barley|secret-path", repr(provider))


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(UnknownProvider, match=r"'grok' is not in toolgate's table; did you mean groq"):
        make_provider("grok", api_key="k")
    with pytest.raises(UnknownProvider, match=r"'qqqqqq' is not in toolgate's table; set base_url"):
        make_provider("qqqqqq", api_key="k")
    with pytest.raises(UnknownProvider, match="grok"):
        make_provider("mine", kind="grok", base_url="https://host/v1")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "groq"}, "set api_key: Groq answers nobody without one; .* GROQ_API_KEY"),
        ({"name": "groq", "api_key": " "}, "api_key is empty"),
        ({"name": "groq", "api_key": "k", "headers": {"Authorization": "Bearer x"}}, "both give credentials"),
        ({"name": "azure", "api_key": "k"}, "set base_url; for azure it looks like https://RESOURCE"),
        ({"name": "a b", "base_url": "http://h"}, "a provider's name"),
        ({"name": "m", "base_url": "ftp://h"}, "http or https"),
        ({"name": "m", "base_url": "http:///v1"}, "with a host"),
        ({"name": "m", "base_url": "http://user:sesame@h/v1"}, "must not hold credentials"),
        ({"name": "m", "base_url": "http://h:99999/v1"}, "port"),
        ({"name": "m", "base_url": "http://h/a b"}, "spaces"),
        ({"name": "m", "base_url": "http://h/v1#x"}, "fragment"),
        ({"name": "m", "base_url": "http://h", "headers": {"a b": "sesame"}}, "a name that HTTP does not allow"),
        ({"name": "m", "base_url": "http://h", "headers": {"a": "sesame\r\nx: 1"}}, "header a has a value"),
        ({"name": "m", "base_url": "http://h", "headers": {"Host": "sesame"}}, "set by the gateway"),
        ({"name": "m", "base_url": "http://h", "api_key": "sesame\nx: 1"}, "authorization has a value"),
    ],
)
def test_what_cannot_be_used_is_refused_without_being_told(arguments, message):
    with pytest.raises(ValueError, match=message) as caught:
        make_provider(**arguments)
    assert "sesame" not in str(caught.value)


def test_credentials_may_be_given_as_a_header():
    assert make_provider("groq", headers={"Authorization": "Bearer k"}).headers == {"authorization": "Bearer k"}

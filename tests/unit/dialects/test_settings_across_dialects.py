"""Settings that not every wire format has."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from gateway.dialects.openai_chat import OPENAI_CHAT
from gateway.errors import InvalidRequest

ASKED: dict[str, Any] = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize("name", ["seed", "frequency_penalty", "presence_penalty"])
def test_a_setting_that_the_other_format_lacks_is_refused_by_name(name: str):
    request = OPENAI_CHAT.read_request({**ASKED, name: 1})
    with pytest.raises(InvalidRequest, match=name) as refused:
        ANTHROPIC_MESSAGES.write_request(request, model="claude")
    assert refused.value.param == name
    assert OPENAI_CHAT.write_request(request, model="gpt")[name] == 1


def test_top_k_is_said_where_it_can_be():
    asked = ANTHROPIC_MESSAGES.read_request({**ASKED, "top_k": 5})
    assert ANTHROPIC_MESSAGES.write_request(asked, model="claude")["top_k"] == 5
    with pytest.raises(InvalidRequest, match="top_k"):
        OPENAI_CHAT.write_request(asked, model="gpt")
    of_an_imitator = OPENAI_CHAT.read_request({**ASKED, "top_k": 5})
    assert ANTHROPIC_MESSAGES.write_request(of_an_imitator, model="claude")["top_k"] == 5


@pytest.mark.parametrize("name", ["frequency_penalty", "presence_penalty"])
def test_a_penalty_of_nothing_asks_for_nothing(name: str):
    request = OPENAI_CHAT.read_request({**ASKED, name: 0})
    assert name not in ANTHROPIC_MESSAGES.write_request(request, model="claude")
    assert OPENAI_CHAT.write_request(request, model="gpt")[name] == 0


@pytest.mark.parametrize("name", ["seed", "top_k", "presence_penalty"])
def test_a_setting_that_is_no_number_is_the_first_providers_alone(name: str):
    request = OPENAI_CHAT.read_request({**ASKED, name: "much"})
    assert request.native == (name,)

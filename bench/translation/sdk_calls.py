"""Calls a mock provider with an SDK, and prints what that cost: `python sdk_calls.py SDK DIALECT BASE_URL COUNT`.

It stands alone, without the rest of the bench or of toolgate, because LiteLLM has an environment of its own. One
JSON object comes out: CPU seconds of this process by call, whole and streamed, without the start and the warm-up.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable

MESSAGES = [
    {"role": "system", "content": "You are terse. " + "A gateway that is measured should do what it does. " * 8},
    {
        "role": "user",
        "content": "What is in my notes? " + "It should do what it does every day, and no more. " * 8,
    },
]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": f"{verb}_file",
            "description": f"To {verb} a file.",
            "parameters": {
                "type": "object",
                "properties": {"path": {"type": "string"}, "limit": {"type": "integer"}},
                "required": ["path"],
            },
        },
    }
    for verb in ("read", "list", "find")
]
# Not Cohere's: LiteLLM 1.108.5 takes the lines that name an event in a stream of v2 for JSON, and fails.
LITELLM_NAMES = {
    "openai_chat": "openai/bench",
    "anthropic_messages": "anthropic/claude-sonnet-4-5",
    "gemini": "gemini/gemini-2.5-flash",
    "ollama": "ollama_chat/bench",
    "bedrock_converse": "bedrock/converse/anthropic.claude-3-haiku-20240307-v1:0",
}
WARM_UP = 20


def main(sdk: str, dialect: str, base_url: str, count: int) -> None:
    """Measure one SDK."""
    whole, streamed = {"openai": openai_calls, "litellm": litellm_calls}[sdk](dialect, base_url)
    print(json.dumps({"whole": cpu_of(whole, count), "streamed": cpu_of(streamed, max(count // 10, 2))}))


def cpu_of(call: Callable[[], object], count: int) -> float:
    """CPU seconds of one call."""
    for _ in range(min(WARM_UP, count)):
        call()
    before = resource.getrusage(resource.RUSAGE_SELF)
    for _ in range(count):
        call()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) / count


def openai_calls(_dialect: str, base_url: str) -> tuple[Callable[[], object], Callable[[], object]]:
    """The official SDK, which speaks its own dialect alone."""
    from openai import OpenAI  # noqa: PLC0415 - not every environment has it

    client = OpenAI(base_url=base_url, api_key="none", max_retries=0)

    def whole() -> object:
        return client.chat.completions.create(model="bench", messages=MESSAGES, tools=TOOLS, max_tokens=1024)

    def streamed() -> object:
        stream = client.chat.completions.create(
            model="bench", messages=MESSAGES, tools=TOOLS, max_tokens=1024, stream=True
        )
        return sum(1 for _ in stream)

    return whole, streamed


def litellm_calls(dialect: str, base_url: str) -> tuple[Callable[[], object], Callable[[], object]]:
    """LiteLLM's SDK, which takes OpenAI's form and speaks the provider's."""
    os.environ |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    os.environ["AWS_REGION_NAME"] = "us-east-1"
    import litellm  # noqa: PLC0415 - not every environment has it

    given = {
        "model": LITELLM_NAMES[dialect],
        "messages": MESSAGES,
        "tools": TOOLS,
        "max_tokens": 1024,
        "api_base": base_url,
        "api_key": "none",
    }
    if dialect == "bedrock_converse":
        given["aws_bedrock_runtime_endpoint"] = given.pop("api_base")
        del given["api_key"]

    def whole() -> object:
        return litellm.completion(**given)

    def streamed() -> object:
        return sum(1 for _ in litellm.completion(**given, stream=True))

    return whole, streamed


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))

"""How tests ask: Amazon's own SDK, streamed and not; and what the models were asked."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

import anyio
import boto3
from botocore import UNSIGNED
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from gateway.providers.scripted import Call, ScriptedUpstream
from gateway.providers.scripted.script import RecordedRequest
from tests.support.amazon import check_request
from tests.support.gateways import SECRET, InProcess

CLAUDE = "us.anthropic.claude-x-v1:0"
ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "aws-secret-0123456789"
HELLO: list[Any] = [{"role": "user", "content": [{"text": "hello"}]}]
TIME = Call("demo__current_time", {"timezone": "Asia/Tokyo"})
SUM = Call("demo__calculate", {"expression": "6 * 7"})
ASK_USER: Any = {
    "toolSpec": {
        "name": "ask_user",
        "description": "asks",
        "inputSchema": {"json": {"type": "object", "properties": {"question": {"type": "string"}}}},
    }
}


def client(gateway: InProcess, secret: str = SECRET) -> Any:
    """Amazon's client. It sends a bearer token over https alone, so the key is put into the header for it."""
    settings = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}, read_timeout=60)
    made = boto3.Session(region_name="us-east-1").client(
        "bedrock-runtime", endpoint_url=gateway.origin, config=settings
    )

    def add_key(request: Any, **_: Any) -> None:
        request.headers["Authorization"] = f"Bearer {secret}"

    made.meta.events.register("before-sign.bedrock-runtime.*", add_key)
    return made


async def whole(gateway: InProcess, model: str, secret: str = SECRET, **request: Any) -> Any:
    def ask() -> Any:
        with closing(client(gateway, secret)) as amazon:
            return amazon.converse(modelId=model, **{"messages": HELLO, **request})

    return await anyio.to_thread.run_sync(ask)


async def events(gateway: InProcess, model: str, secret: str = SECRET, **request: Any) -> list[dict[str, Any]]:
    def ask() -> list[dict[str, Any]]:
        with closing(client(gateway, secret)) as amazon:
            answer = amazon.converse_stream(modelId=model, **{"messages": HELLO, **request})
            with closing(answer["stream"]) as stream:
                return list(stream)

    return await anyio.to_thread.run_sync(ask)


async def streamed(gateway: InProcess, model: str, secret: str = SECRET, **request: Any) -> Any:
    """What a stream tells, in the form of a whole answer."""
    told = await events(gateway, model, secret, **request)
    assert told[0] == {"messageStart": {"role": "assistant"}}
    blocks: dict[int, dict[str, Any]] = {}
    for event in told:
        if start := event.get("contentBlockStart"):
            blocks[start["contentBlockIndex"]] = {"toolUse": {**start["start"]["toolUse"], "input": ""}}
        elif piece := event.get("contentBlockDelta"):
            _add(blocks.setdefault(piece["contentBlockIndex"], {}), piece["delta"])
    assert list(blocks) == list(range(len(blocks)))
    metadata = told[-1]["metadata"]
    content = list(blocks.values())
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": told[-2]["messageStop"]["stopReason"],
        "usage": metadata["usage"],
    }


def _add(block: dict[str, Any], delta: Mapping[str, Any]) -> None:
    match delta:
        case {"text": text}:
            block["text"] = block.get("text", "") + text
        case {"toolUse": {"input": text}}:
            block["toolUse"]["input"] += text
        case {"reasoningContent": piece}:
            inner = block.setdefault("reasoningContent", {"reasoningText": {"text": ""}})["reasoningText"]
            inner["text"] += piece.get("text", "")
            if "signature" in piece:
                inner["signature"] = piece["signature"]
        case _:
            raise AssertionError(delta)


def text_of(answer: Any) -> str:
    return "".join(block.get("text", "") for block in answer["output"]["message"]["content"])


def calls_of(answer: Any) -> list[dict[str, Any]]:
    return [block["toolUse"] for block in answer["output"]["message"]["content"] if "toolUse" in block]


def results_in(body: Mapping[str, Any]) -> list[str]:
    """The texts of all tools' results in a request to a model, in each of the dialects."""
    found: list[str] = []
    for message in body["messages"]:
        if message["role"] == "tool":
            found.append(message["content"])
        for block in message["content"] if isinstance(message["content"], list) else ():
            if result := block.get("toolResult"):
                found.append("".join(inner.get("text", "") for inner in result["content"]))
            elif block.get("type") == "tool_result":
                found.append(block["content"])
    return found


def check_requests(upstream: ScriptedUpstream) -> None:
    """What Amazon's validator says of the requests in its form; and its library of their signatures."""
    for request in upstream.requests:
        path = request.headers[":path"]
        if "/converse" in path:
            assert path.startswith("/model/us.anthropic.claude-x-v1%3A0/converse")
            check_request(dict(request.body))
        if request.headers.get("authorization", "").startswith("AWS4-"):
            check_signature(request)


def check_signature(request: RecordedRequest) -> None:
    """Sign once more what arrived, with Amazon's library."""
    headers = request.headers
    told = dict(part.split("=", 1) for part in headers["authorization"].partition(" ")[2].split(", "))
    _, day, region, service, _ = told["Credential"].split("/")
    signed = {name: headers[name] for name in told["SignedHeaders"].split(";")}
    assert {"host", "x-amz-date", "x-amz-security-token", "content-type"} <= signed.keys()
    assert signed["x-amz-date"].startswith(day)
    url = f"http://{headers['host']}{headers[':path']}"
    again = AWSRequest(method="POST", url=url, headers=signed, data=request.raw)
    again.context["timestamp"] = signed["x-amz-date"]
    signer = SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY, "token/+=="), service, region)
    canonical = signer.canonical_request(again)
    assert signer.signature(signer.string_to_sign(again, canonical), again) == told["Signature"]

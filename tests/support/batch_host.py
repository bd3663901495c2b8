"""A host of files and of batches, both OpenAI's and Anthropic's, in one account.

It takes nothing that the official SDKs' own types would not let them send, and answers in their types.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from openai.types import CompletionCreateParams, EmbeddingCreateParams
from openai.types.batch_create_params import BatchCreateParams
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.support.file_host import FileHost
from tests.support.forcing import read_to_the_bottom

BODIES: Mapping[str, Any] = {
    "/v1/chat/completions": CompletionCreateParamsNonStreaming,
    "/v1/responses": ResponseCreateParamsNonStreaming,
    "/v1/embeddings": EmbeddingCreateParams,
    "/v1/completions": CompletionCreateParams,
}
MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "upstream",
    "content": [{"type": "text", "text": "hi"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
FOREIGN_BATCHES = ("batch_foreign", "msgbatch_foreign")


@cache
def _type(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def check_type(kind: Any, value: Any) -> None:
    """Raise ValidationError for what an SDK's types do not allow."""
    read_to_the_bottom(_type(kind).validate_python(value))


class BatchHost(FileHost):
    """Batches end when a test says so. `lines` are what the files of OpenAI's batches said, `requests` what
    Anthropic's did.
    """

    def __init__(self) -> None:
        super().__init__()
        self.batches: dict[str, dict[str, Any]] = {one: {"id": one} for one in FOREIGN_BATCHES}
        self.lines: list[dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []

    async def _answer(self, request: Request, rest: str) -> Response:
        path = request.scope["path"].removeprefix("/v1")
        self.headers.append(dict(request.headers))
        if not path.startswith(("/batches", "/messages/batches")):
            return await super()._answer(request, rest)
        family, _, below = path.partition("batches")
        if not below:
            body = json.loads(await request.body())
            made = self._make_openais(body) if family == "/" else self._make_anthropics(body)
            self.batches[made["id"]] = made
            return JSONResponse(made)
        batch_id, _, action = below.removeprefix("/").partition("/")
        if batch_id not in self.batches:
            return JSONResponse({"error": {"type": "not_found_error", "message": "No such batch"}}, 404)
        return self._about(batch_id, request.method, action)

    def _about(self, batch_id: str, method: str, action: str) -> Response:
        batch = self.batches[batch_id]
        if action == "results":
            return Response("\n".join(map(json.dumps, self._results())), media_type="application/x-jsonl")
        if action == "cancel":
            assert method == "POST"
            batch |= {"status": "cancelling"} if "status" in batch else {"processing_status": "canceling"}
        if method == "DELETE":
            del self.batches[batch_id]
            return JSONResponse({"id": batch_id, "type": "message_batch_deleted"})
        return JSONResponse(batch)

    def _make_openais(self, body: dict[str, Any]) -> dict[str, Any]:
        check_type(BatchCreateParams, body)
        shown, data = self.files[body["input_file_id"]]
        assert shown["purpose"] == "batch"
        self.lines = [json.loads(line) for line in data.decode().splitlines()]  # by every line end there is
        for line in self.lines:
            assert (line["method"], line["url"]) == ("POST", body["endpoint"])
            check_type(BODIES[line["url"]], line["body"])
        return {
            **body,
            "id": f"batch_{len(self.batches)}",
            "object": "batch",
            "created_at": 1,
            "status": "validating",
        }

    def _make_anthropics(self, body: dict[str, Any]) -> dict[str, Any]:
        assert list(body) == ["requests"]
        self.requests = body["requests"]
        for one in self.requests:
            check_type(MessageCreateParamsNonStreaming, one["params"])
        counts = dict.fromkeys(("canceled", "errored", "expired", "processing", "succeeded"), 0)
        return {
            "id": f"msgbatch_{len(self.batches)}",
            "type": "message_batch",
            "processing_status": "in_progress",
            "request_counts": counts | {"processing": len(self.requests)},
            "created_at": "2026-01-01T00:00:00Z",
            "expires_at": "2026-01-02T00:00:00Z",
            **dict.fromkeys(("archived_at", "cancel_initiated_at", "ended_at", "results_url")),
        }

    def _results(self) -> list[dict[str, Any]]:
        result = {"type": "succeeded", "message": MESSAGE}
        return [{"custom_id": one["custom_id"], "result": result} for one in self.requests]

    def end(self, batch_id: str) -> None:
        """Answer all requests of a batch."""
        batch = self.batches[batch_id]
        if "processing_status" in batch:
            batch |= {"processing_status": "ended", "results_url": f"https://provider.test/{batch_id}/results"}
            return
        outputs = {"output_file_id": f"file-out-{batch_id}", "error_file_id": f"file-err-{batch_id}"}
        for field, file_id in outputs.items():
            shown = {"id": file_id, "object": "file", "bytes": 9, "created_at": 2, "purpose": "batch_output"}
            self.files[file_id] = (shown | {"filename": field, "status": "processed"}, field.encode())
        batch |= {"status": "completed", **outputs}


def lines_of(*requests: Mapping[str, Any]) -> bytes:
    """A file for batches."""
    return b"\n".join(json.dumps(cast("Any", one)).encode() for one in requests) + b"\n"


def line(body: Mapping[str, Any], url: str = "/v1/chat/completions", custom_id: str = "a") -> dict[str, Any]:
    """One line of it."""
    return {"custom_id": custom_id, "method": "POST", "url": url, "body": dict(body)}

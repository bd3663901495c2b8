"""A host of files, as OpenAI's SDK asks for them: one account, in which everybody's lie."""

from __future__ import annotations

import json
from typing import Any

import anyio
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

FOREIGN = "file-foreign"


class FileHost:
    """Keeps what it is sent; `asked` are methods and paths, with the credentials that came along.

    Other paths are models that speak Responses, and answer with what they were asked.
    """

    def __init__(self) -> None:
        self.files: dict[str, tuple[dict[str, Any], bytes]] = {FOREIGN: ({"id": FOREIGN}, b"somebody's")}
        self.asked: list[tuple[str, str, str | None]] = []
        self.bodies: list[dict[str, Any]] = []
        self.says_no_id = False
        self.thinks = 0.0  # seconds before it answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        self.asked.append((request.method, scope["path"], request.headers.get("authorization")))
        await anyio.sleep(self.thinks)
        answer = await self._answer(request, scope["path"].removeprefix("/v1/files"))
        await answer(scope, receive, send)

    async def _answer(self, request: Request, rest: str) -> Response:
        if rest.startswith("/v1"):
            self.bodies.append(json.loads(await request.body()))
            return JSONResponse({"id": "resp_1", "object": "response", "output": [], "status": "completed"})
        if request.method == "POST":
            return JSONResponse(await self._add(request))
        file_id = rest.removeprefix("/").removesuffix("/content")
        if file_id not in self.files:
            return JSONResponse({"error": {"message": "No such File", "code": None}}, status_code=404)
        shown, data = self.files[file_id]
        if request.method == "DELETE":
            del self.files[file_id]
            return JSONResponse({"id": file_id, "object": "file", "deleted": True})
        return Response(data, media_type="application/octet-stream") if "/content" in rest else JSONResponse(shown)

    async def _add(self, request: Request) -> dict[str, Any]:
        async with request.form() as form:
            file, purpose = form["file"], form["purpose"]
            assert isinstance(file, UploadFile)
            data, name = await file.read(), file.filename
        if self.says_no_id:
            return {"object": "file"}
        shown = {
            "id": f"file-{len(self.files)}x{len(self.asked)}",
            "object": "file",
            "bytes": len(data),
            "created_at": len(self.asked),
            "filename": name,
            "purpose": purpose,
            "status": "processed",
        }
        self.files[shown["id"]] = (shown, data)
        return shown

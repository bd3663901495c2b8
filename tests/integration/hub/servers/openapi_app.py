"""An API with an OpenAPI document of its own, made with FastAPI: it answers with what reached it."""

from __future__ import annotations

import base64
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Body, Cookie, FastAPI, File, Form, Header, Query, Request, Response, UploadFile
from pydantic import BaseModel


class Kind(StrEnum):
    """What a pet can be."""

    CAT = "cat"
    DOG = "dog"


class Pet(BaseModel):
    """A pet, which may have parents."""

    name: str
    kind: Kind = Kind.CAT
    tags: list[str] = []
    parent: Pet | None = None


class Seen(BaseModel):
    """What reached the API."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    values: dict[str, Any]


def _seen(request: Request, **values: Any) -> Seen:
    raw = request.scope["raw_path"].decode()
    return Seen(
        method=request.method,
        path=raw,
        query=request.query_params.multi_items(),
        headers=dict(request.headers),
        values=values,
    )


PHOTO = {"required": True, "content": {"application/octet-stream": {}}}


async def _shown(file: UploadFile) -> tuple[str | None, str | None, str]:
    return file.filename, file.content_type, base64.b64encode(await file.read()).decode()


def build_api() -> FastAPI:
    """The API."""
    app = FastAPI(title="Pets", version="1.0")

    @app.get("/pets/{pet_id}", operation_id="getPet")
    def get_pet(
        request: Request,
        pet_id: str,
        limit: int = 10,
        tag: Annotated[list[str] | None, Query()] = None,
        is_tame: bool | None = None,
        weight: float | None = None,
        x_trace: Annotated[str | None, Header()] = None,
    ) -> Seen:
        """One pet."""
        return _seen(request, pet_id=pet_id, limit=limit, tag=tag, is_tame=is_tame, weight=weight, x_trace=x_trace)

    @app.get("/pets", operation_id="listPets")
    def list_pets(kind: Kind | None = None) -> list[Pet]:
        return [Pet(name="Tom", kind=kind or Kind.CAT)]

    @app.post("/pets", operation_id="addPet", status_code=201)
    def add_pet(request: Request, pet: Pet, dry: bool = False) -> Seen:
        return _seen(request, pet=pet.model_dump(mode="json"), dry=dry)

    @app.put("/pets/{name}/note", operation_id="putNote")
    def put_note(request: Request, name: str, note: Annotated[str, Body(media_type="text/plain")]) -> Seen:
        return _seen(request, name=name, note=note)

    @app.post("/login", operation_id="login")
    def login(request: Request, user: Annotated[str, Form()], roles: Annotated[list[str], Form()]) -> Seen:
        return _seen(request, user=user, roles=roles)

    @app.delete("/pets/{pet_id}", operation_id="deletePet", status_code=204)
    def delete_pet(pet_id: int) -> None:
        """Forget a pet."""

    @app.get("/picture", operation_id="getPicture", response_class=Response)
    def get_picture() -> Response:
        return Response(b"\x89PNG\r\n\x1a\n", media_type="image/png")

    @app.get("/archive", operation_id="getArchive", response_class=Response)
    def get_archive() -> Response:
        return Response(b"PK\x03\x04", media_type="application/zip")

    _add_files(app)

    @app.get("/elsewhere", operation_id="getElsewhere", response_class=Response)
    def get_elsewhere() -> Response:
        return Response(status_code=302, headers={"location": "http://127.0.0.1:1/stolen"})

    @app.get("/refused", operation_id="getRefused", response_class=Response)
    def get_refused(request: Request) -> Response:
        return Response(f"not with {request.headers.get('authorization')}", 403, media_type="text/plain")

    @app.get("/large", operation_id="getLarge", response_class=Response)
    def get_large() -> Response:
        return Response(b"x" * (9 * 1024 * 1024), media_type="text/plain")

    return app


def _add_files(app: FastAPI) -> None:
    """What takes files and cookies."""

    @app.get("/visits", operation_id="getVisit")
    def get_visit(
        request: Request,
        visitor: Annotated[str, Cookie()],
        seen: Annotated[int, Cookie()] = 0,
        theme: Annotated[str | None, Cookie()] = None,
    ) -> Seen:
        return _seen(request, visitor=visitor, seen=seen, theme=theme)

    @app.post("/uploads", operation_id="uploadPet")
    async def upload_pet(
        request: Request,
        name: Annotated[str, Form()],
        photo: UploadFile,
        notes: Annotated[list[UploadFile] | None, File()] = None,
        tags: Annotated[list[str] | None, Form()] = None,
    ) -> Seen:
        shown = [await _shown(note) for note in notes or []]
        return _seen(request, name=name, photo=await _shown(photo), notes=shown, tags=tags)

    @app.put("/pets/{name}/photo", operation_id="putPhoto", openapi_extra={"requestBody": PHOTO})
    async def put_photo(request: Request, name: str) -> Seen:
        return _seen(request, name=name, photo=base64.b64encode(await request.body()).decode())

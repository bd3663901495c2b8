"""The hub against a real API, by the OpenAPI document that it writes of itself."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
import yaml

from gateway.errors import ToolServerDown
from gateway.hub import Hub, HubSettings, OpenApiServerSpec
from tests.integration.hub.servers.openapi_app import build_api
from tests.integration.hub.servers.over_http import bound_socket, served

SETTINGS = HubSettings(first_backoff=0.02, connect_timeout=60.0)
SECRET = {"Authorization": "Bearer s3cret-token"}


@asynccontextmanager
async def hub_of(tmp_path: Path, *, form: str = "json", **spec) -> AsyncGenerator[Hub]:
    app = build_api()
    written = json.dumps(app.openapi()) if form == "json" else yaml.safe_dump(app.openapi(), sort_keys=False)
    document = tmp_path / f"pets.{form}"
    document.write_text(written)
    with bound_socket() as listener, anyio.fail_after(60):
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with (
            served(app, listener),
            Hub([OpenApiServerSpec("pets", document, url, **spec)], None, settings=SETTINGS) as hub,
        ):
            await hub.settled()
            yield hub


def call(hub: Hub, tool: str, arguments=None, *, timeout=60.0):
    return hub.call("pets", tool, arguments or {}, owner="key", timeout=timeout)


@pytest.mark.parametrize("form", ["json", "yaml"])
async def test_each_operation_is_a_tool(tmp_path, form):
    async with hub_of(tmp_path, form=form) as hub:
        (status,) = hub.statuses()
        assert (status.state, status.transport, status.error) == ("ready", "openapi", None)
        assert not status.left_out
        assert {tool.name for tool in hub.catalogue.tools} >= {"getPet", "listPets", "addPet", "deletePet"}
        read, deleted = hub.catalogue.by_name["pets/getPet"], hub.catalogue.by_name["pets/deletePet"]
        assert (read.annotations.read_only, deleted.annotations.destructive) == (True, True)
        assert read.input_schema["required"] == ["pet_id"]
        assert read.output_schema["type"] == "object"
        assert hub.catalogue.by_name["pets/listPets"].output_schema is None


async def test_arguments_reach_every_place_of_a_request(tmp_path):
    arguments = {
        "pet_id": "a b?c#d&é%2F..",
        "limit": 3,
        "tag": ["x&y=z", "", "ü"],
        "is_tame": True,
        "weight": 1.5,
        "x-trace": "t 1",
    }
    async with hub_of(tmp_path) as hub:
        result = await call(hub, "getPet", arguments)
        seen = result.structured
        assert not result.is_error
        assert seen["values"] == {**{k.replace("-", "_"): v for k, v in arguments.items()}}
        assert json.loads(result.text()) == seen
        assert {name for name, _ in seen["query"]} == {"limit", "tag", "is_tame", "weight"}


async def test_bodies_are_sent_as_json_as_forms_and_as_text(tmp_path):
    pet = {
        "name": "Tom",
        "kind": "dog",
        "tags": ["a"],
        "parent": {"name": "Ann", "kind": "cat", "tags": [], "parent": None},
    }
    async with hub_of(tmp_path) as hub:
        added = await call(hub, "addPet", {"body": pet, "dry": True})
        assert added.structured["values"] == {"pet": pet, "dry": True}
        logged_in = await call(hub, "login", {"body": {"user": "a&b=c d", "roles": ["x", "y+z"]}})
        assert logged_in.structured["values"] == {"user": "a&b=c d", "roles": ["x", "y+z"]}
        noted = await call(hub, "putNote", {"name": "Tom", "body": "zwei\nZeilen"})
        assert noted.structured["headers"]["content-type"] == "text/plain"


async def test_cookies_and_headers_reach_their_parameters_and_no_others(tmp_path):
    async with hub_of(tmp_path, headers={"Cookie": "theme=dark"}) as hub:
        seen = (await call(hub, "getVisit", {"visitor": "a; theme=light, ü", "seen": 3})).structured
        assert seen["values"] == {"visitor": "a%3B%20theme%3Dlight%2C%20%C3%BC", "seen": 3, "theme": "dark"}
        assert "theme" not in hub.catalogue.by_name["pets/getVisit"].input_schema["properties"]


PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n\0").decode()


async def test_files_are_sent_with_their_names_and_types_beside_other_fields(tmp_path):
    photo = {"data": PNG, "filename": 'né "1".png'.replace('"', ""), "content_type": "image/png"}
    notes = [{"text": "erste\r\n--x--"}, {"data": "", "filename": "empty.bin"}]
    body = {"name": "Tom\r\nX: y", "photo": photo, "notes": notes, "tags": ["a", "b"]}
    async with hub_of(tmp_path) as hub:
        result = await call(hub, "uploadPet", {"body": body})
        assert not result.is_error, result.text()
        assert result.structured["values"] == {
            "name": "Tom\r\nX: y",
            "tags": ["a", "b"],
            "photo": ["né 1.png", "image/png", PNG],
            "notes": [
                ["notes", "application/octet-stream", base64.b64encode(b"erste\r\n--x--").decode()],
                ["empty.bin", "application/octet-stream", ""],
            ],
        }
        schema = hub.catalogue.by_name["pets/uploadPet"].input_schema["properties"]["body"]
        assert set(schema["properties"]["photo"]["properties"]) == {"data", "text", "filename", "content_type"}
        assert schema["properties"]["notes"]["items"]["type"] == "object"
        assert schema["required"] == ["name", "photo"]


async def test_a_file_can_be_the_body(tmp_path):
    async with hub_of(tmp_path) as hub:
        seen = (await call(hub, "putPhoto", {"name": "Tom", "body": {"data": PNG}})).structured
        assert seen["values"] == {"name": "Tom", "photo": PNG}
        assert seen["headers"]["content-type"] == "application/octet-stream"
        wrong = await call(hub, "putPhoto", {"name": "Tom", "body": {"data": "no base64!"}})
        assert wrong.is_error
        assert "its data is not base64" in wrong.text()


async def test_the_operators_headers_go_with_every_call_and_are_never_shown(tmp_path):
    async with hub_of(tmp_path, headers=SECRET) as hub:
        refused = await call(hub, "getRefused")
        assert (refused.is_error, refused.text()) == (True, "HTTP 403 Forbidden\nnot with [hidden]")
        seen = (await call(hub, "getPet", {"pet_id": "1"})).structured
        assert seen["headers"]["authorization"] == "[hidden]"


async def test_what_is_no_json_is_shown_as_what_it_is(tmp_path):
    async with hub_of(tmp_path) as hub:
        picture = await call(hub, "getPicture")
        assert picture.content == (
            {"type": "image", "data": base64.b64encode(b"\x89PNG\r\n\x1a\n").decode(), "mimeType": "image/png"},
        )
        listed = await call(hub, "listPets")
        assert json.loads(listed.text())[0]["name"] == "Tom"
        assert listed.structured is None
        deleted = await call(hub, "deletePet", {"pet_id": 1})
        assert (deleted.is_error, deleted.text()) == (False, "HTTP 204 No Content")
        archive = await call(hub, "getArchive")
        assert not archive.is_error
        (block,) = archive.content
        assert block["resource"] == {
            "uri": "openapi:getArchive",
            "mimeType": "application/zip",
            "blob": base64.b64encode(b"PK\x03\x04").decode(),
        }


async def test_redirects_are_not_followed_and_large_answers_not_taken(tmp_path):
    async with hub_of(tmp_path) as hub:
        elsewhere, large = await call(hub, "getElsewhere"), await call(hub, "getLarge")
        assert elsewhere.is_error
        assert "127.0.0.1" not in elsewhere.text()
        assert large.is_error
        assert "too much" in large.text()


async def test_a_failure_of_the_api_has_its_status_and_its_words(tmp_path):
    async with hub_of(tmp_path) as hub:
        result = await call(hub, "deletePet", {"pet_id": "x"})
        assert result.is_error
        assert result.text().startswith("HTTP 422")
        assert "valid integer" in result.text()


async def test_an_argument_that_would_be_another_request_is_refused_in_words(tmp_path):
    async with hub_of(tmp_path) as hub:
        for pet_id in ("../admin", "..", ".", "", "a/b", "a\\b", "a\nb", "a\0b", None):
            result = await call(hub, "getPet", {"pet_id": pet_id})
            assert result.is_error, pet_id
            assert "pet_id" in result.text() or "segment" in result.text()
        result = await call(hub, "getPet", {"pet_id": "1", "x-trace": "a\r\nCookie: b"})
        assert "'x-trace' cannot be sent" in result.text()
        assert "no argument 'admin'" in (await call(hub, "getPet", {"pet_id": "1", "admin": "1"})).text()


async def test_only_the_chosen_operations_are_offered(tmp_path):
    async with hub_of(tmp_path, include=("getPet*", "DELETE /pets/*"), exclude=("*Picture",)) as hub:
        assert [tool.name for tool in hub.catalogue.tools] == ["deletePet", "getPet"]


async def test_a_broken_document_is_told_with_its_place(tmp_path):
    document = tmp_path / "pets.yaml"
    document.write_text("openapi: 3.1.0\npaths:\n  /pets: {}\n")
    async with Hub([OpenApiServerSpec("pets", document)], None, settings=SETTINGS) as hub:
        await hub.settled()
        (status,) = hub.statuses()
        assert status.state == "down"
        assert "pets.yaml" in status.error
        assert "does not say where the API is" in status.error


async def test_an_api_that_does_not_answer_is_down(tmp_path):
    document = tmp_path / "pets.json"
    document.write_text(json.dumps(build_api().openapi()))
    with bound_socket() as silent:  # nobody listens on it, and nobody else is given it
        spec = OpenApiServerSpec("pets", document, f"http://127.0.0.1:{silent.getsockname()[1]}")
        async with Hub([spec], None, settings=SETTINGS) as hub:
            await hub.settled()
            with pytest.raises(ToolServerDown):
                await call(hub, "listPets")

"""An API with an OpenAPI document, from a model's call and from an MCP client's to the API and back."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from gateway.config import load_config
from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from tests.integration.hub.servers.openapi_app import build_api
from tests.integration.hub.servers.over_http import bound_socket, served
from tests.support.gateways import MCP_ERAS, SECRET, InProcess, audited, gateway_in_process

POLICIES = {
    "pets": {
        "allow": ["pets/getPet", "pets/listPets", "pets/addPet"],
        "rules": [
            {"id": "tame", "tools": ["pets/addPet"], "require": {"properties": {"body": {"required": ["kind"]}}}}
        ],
    }
}


@pytest.fixture
async def upstream() -> AsyncGenerator[ScriptedUpstream]:
    async with ScriptedUpstream([], models=("tiny",)).serve() as running:
        yield running


@pytest.fixture
async def pets(upstream: ScriptedUpstream, tmp_path: Path) -> AsyncGenerator[InProcess]:
    app = build_api()
    (tmp_path / "pets.json").write_text(json.dumps(app.openapi()))
    with bound_socket() as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        document = {
            "providers": {"script": {"dialect": "openai_chat", "base_url": upstream.base_url}},
            "models": {"fast": [{"provider": "script", "model": "tiny"}]},
            "mcpServers": {
                "pets": {
                    "openapi": "pets.json",
                    "url": url,
                    "headers": {"Authorization": "Bearer api-s3cret"},
                    "operations": {"exclude": ["deletePet"]},
                }
            },
            "keys": {"agent": {"secret": SECRET, "policies": ["pets"]}},
        }
        async with served(app, listener), gateway_in_process(tmp_path, document, POLICIES) as gateway:
            yield gateway


async def test_a_model_calls_the_api_and_the_trail_has_it(pets: InProcess, upstream: ScriptedUpstream):
    pet = {"name": "Tom", "kind": "dog"}
    upstream.add(
        Turn(calls=(Call("pets__getPet", {"pet_id": "a/b"}),)),
        Turn(calls=(Call("pets__addPet", {"body": pet}), Call("pets__addPet", {"body": {"name": "Ann"}}))),
        Turn(text="Done."),
    )
    async with pets.client() as client:
        raw = await client.chat.completions.with_raw_response.create(
            model="fast", messages=[{"role": "user", "content": "Go."}]
        )
    assert raw.parse().choices[0].message.content == "Done."
    shown = [message["content"] for message in upstream.requests[-1].body["messages"] if message["role"] == "tool"]
    assert "must not hold slashes" in shown[0]
    assert json.loads(shown[1])["values"]["pet"]["name"] == "Tom"
    assert "api-s3cret" not in str(shown)
    assert "tame" in shown[2]
    _, calls = await audited(pets.shared, raw.headers["x-toolgate-run-id"])
    assert sorted((call.server, call.tool, call.outcome) for call in calls) == [
        ("pets", "addPet", "denied"),
        ("pets", "addPet", "ok"),
        ("pets", "getPet", "tool_error"),
    ]


@pytest.mark.parametrize("mode", MCP_ERAS)
async def test_an_mcp_client_gets_what_the_api_says(pets: InProcess, mode: str):
    async with pets.mcp_client(mode, path="/mcp/pets") as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert sorted(tools) == ["addPet", "getPet", "listPets"]
        assert tools["getPet"].output_schema is not None
        found = await client.call_tool("getPet", {"pet_id": "a b", "limit": 3})
        assert found.structured_content["values"]["pet_id"] == "a b"
        listed = await client.call_tool("listPets", {"kind": "dog"})
        assert json.loads(listed.content[0].text)[0]["kind"] == "dog"
        wrong = await client.call_tool("listPets", {"kind": "cow"})
        assert wrong.is_error


async def test_a_reload_reads_a_document_that_has_changed(pets: InProcess, tmp_path: Path):
    document = tmp_path / "pets.json"
    changed = document.read_text().replace('"listPets"', '"findPets"')
    document.write_text(changed)
    await pets.gateway.load(load_config(tmp_path / "gateway.yaml"))
    tools = {tool.name for tool in pets.gateway.services.hub.catalogue.tools}
    assert "findPets" in tools
    assert "listPets" not in tools

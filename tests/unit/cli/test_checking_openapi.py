"""`toolgate check` and `doctor` on servers with an OpenAPI document."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli.checkup.servers import judge
from gateway.config import OpenApiServerConfig
from gateway.hub import ServerStatus
from tests.support.shells import CONFIG, Shell

DOCUMENT = """\
openapi: 3.1.0
servers: [{url: "http://pets.example.com"}]
paths:
  /pets:
    get: {operationId: listPets}
    post: {operationId: addPet, requestBody: {required: true, content: {application/xml: {}}}}
"""


def with_server(shell: Shell, document: str, more: str = "") -> Shell:
    server = f"mcpServers: {{pets: {{openapi: pets.yaml{more}}}}}\n"
    shell.write({"pets.yaml": document, "gateway.yaml": CONFIG + server})
    return shell


def test_operations_that_are_left_out_are_warnings_with_their_place(configured: Shell):
    ended = with_server(configured, DOCUMENT).run("check")
    assert ended.status == 0
    assert "pets.yaml:6: #/paths/~1pets/post/requestBody/content: bodies of the type application/xml" in ended.err
    assert "0 errors, 1 warning" in ended.err


def test_patterns_that_fit_nothing_and_headers_in_the_clear_are_warnings(configured: Shell):
    more = ', operations: {include: [listPets, "GET /dogs"]}, headers: {Authorization: Bearer s3cret}'
    ended = with_server(configured, DOCUMENT, more).run("check")
    assert ended.status == 0
    assert "mcpServers.pets.operations: the pattern GET /dogs fits no operation" in ended.err
    assert "the credentials for this server travel unencrypted, to pets.example.com" in ended.err
    assert "s3cret" not in ended.err


def test_credentials_for_schemes_that_there_are_not_are_warnings(configured: Shell):
    ended = with_server(configured, DOCUMENT, ", credentials: {key: s3cret-key}").run("check")
    assert ended.status == 0
    assert "mcpServers.pets.credentials: the document has no security scheme key" in ended.err
    assert "s3cret" not in ended.err


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("swagger: '2.0'\n", "pets.yaml:1: #: this is a Swagger 2.0 document"),
        ("openapi: [\n", "pets.yaml:2: not valid YAML"),
        ("openapi: 3.0.0\npaths: {}\n", "the document does not say where the API is"),
    ],
)
def test_a_broken_document_is_a_mistake_with_its_place(configured: Shell, document: str, words: str):
    ended = with_server(configured, document).run("check")
    assert ended.status == 2
    assert words in ended.err


def test_a_disabled_servers_document_is_not_read(configured: Shell):
    assert with_server(configured, "openapi: [\n", ", disabled: true").run("check").status == 0


def test_doctor_says_what_it_looked_at():
    server = OpenApiServerConfig("pets", Path("pets.yaml"))
    (ready,) = judge(ServerStatus("pets", "openapi", "ready", 0.0, tools=2), server)
    (down,) = judge(ServerStatus("pets", "openapi", "down", 0.0, error="pets.yaml:2: no"), server)
    assert ready.message == "ready, 2 tools, by its OpenAPI document"
    assert (down.message, down.hint) == ("down: pets.yaml:2: no", None)

"""A document that somebody else wrote: GitHub's, with some twelve hundred operations in thirteen megabytes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from jsonschema import Draft202012Validator

from gateway.hub import OpenApiServerSpec
from gateway.hub.catalogue import read_listing
from gateway.hub.openapi.requests import build_request
from tests.support.npm import install_locked

pytestmark = pytest.mark.npm

HERE = Path(__file__).parent / "published"


@pytest.fixture(scope="module")
def github() -> Path:
    folder = install_locked(HERE, "npm-openapi", free=2 * 1024**3)
    return folder / "node_modules" / "@octokit" / "openapi" / "generated" / "api.github.com.json"


def test_all_operations_but_those_served_elsewhere_are_tools_with_good_schemas(github: Path):
    api = OpenApiServerSpec("github", github, headers={"Authorization": "Bearer x"}).read()
    assert len(api.operations) > 1000
    assert {one.fault.problem.message for one in api.left_out} == {"it is served at another URL than the rest"}
    definitions: list[Any] = [operation.definition for operation in api.operations.values()]
    listing = read_listing("github", definitions)
    assert (len(listing.tools), listing.bad) == (len(definitions), ())
    for definition in definitions:
        for key in ("inputSchema", "outputSchema"):
            Draft202012Validator.check_schema(definition.get(key, {}))


def test_each_operation_makes_a_request_to_its_own_path(github: Path):
    api = OpenApiServerSpec("github", github).read()
    for operation in api.operations.values():
        arguments: dict[str, Any] = {one.argument: "a b" for one in operation.parameters if one.style == "simple"}
        needed = operation.definition["inputSchema"].get("required", ())
        request = build_request(operation, api.base, {**dict.fromkeys(needed, "x"), **arguments})
        parts = urlsplit(request.url)
        assert parts.netloc == "api.github.com"
        assert unquote(parts.path) == re.sub(r"\{[^}]*\}", "a b", operation.path)

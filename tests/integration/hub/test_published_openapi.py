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
from gateway.hub.openapi import Api
from gateway.hub.openapi.requests import build_request
from tests.support.npm import install_locked

pytestmark = [pytest.mark.npm, pytest.mark.timeout(600)]

HERE = Path(__file__).parent / "published"


@pytest.fixture(scope="module")
def github() -> Api:
    folder = install_locked(HERE, "npm-openapi", free=2 * 1024**3)
    document = folder / "node_modules" / "@octokit" / "openapi" / "generated" / "api.github.com.json"
    return OpenApiServerSpec("github", document, headers={"Authorization": "Bearer x"}).read()


def test_all_operations_but_those_served_elsewhere_are_tools_with_good_schemas(github: Api):
    assert len(github.operations) > 1000
    assert {one.fault.problem.message for one in github.left_out} == {"it is served at another URL than the rest"}
    definitions: list[Any] = [operation.definition for operation in github.operations.values()]
    listing = read_listing("github", definitions)
    assert (len(listing.tools), listing.bad) == (len(definitions), ())
    for definition in definitions:
        for key in ("inputSchema", "outputSchema"):
            Draft202012Validator.check_schema(definition.get(key, {}))


def test_each_operation_makes_a_request_to_its_own_path(github: Api):
    for operation in github.operations.values():
        arguments: dict[str, Any] = {one.argument: "a b" for one in operation.parameters if one.style == "simple"}
        needed = operation.definition["inputSchema"].get("required", ())
        request = build_request(operation, github.base, {**dict.fromkeys(needed, "x"), **arguments})
        parts = urlsplit(request.url)
        assert parts.netloc == "api.github.com"
        assert unquote(parts.path) == re.sub(r"\{[^}]*\}", "a b", operation.path)

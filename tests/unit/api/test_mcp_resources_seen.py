from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.mcp.resources_seen import Place, ResourcesSeen, address
from gateway.hub import CatalogueResource, CatalogueTemplate


def seen(
    resources: list[tuple[str, str]], templates: list[tuple[str, str]] | None = None, *more: str
) -> ResourcesSeen:
    found = [CatalogueResource(server, uri, {"uri": uri}) for server, uri in resources]
    patterns = [CatalogueTemplate(server, uri, {"uriTemplate": uri}) for server, uri in templates or []]
    return ResourcesSeen({*(server for server, _ in [*resources, *(templates or [])]), *more}, found, patterns)


def test_a_uri_that_one_server_has_is_kept():
    here = seen([("a", "note://1"), ("b", "note://2")])
    assert [here.uri_of(one) for one in here.resources] == ["note://1", "note://2"]
    assert here.find("note://2") == Place("b", "note://2")


def test_a_uri_that_two_have_gets_the_server_before_it():
    here = seen([("a", "note://1"), ("b", "note://1")])
    assert [here.uri_of(one) for one in here.resources] == [
        "toolgate://a/note%3A%2F%2F1",
        "toolgate://b/note%3A%2F%2F1",
    ]
    assert here.find("toolgate://b/note%3A%2F%2F1") == Place("b", "note://1")
    assert here.find("note://1") is None


@given(st.sampled_from(["a", "b"]), st.text(min_size=1, max_size=40))
def test_every_uri_can_be_asked_for_by_its_server(server: str, uri: str):
    here = seen([("a", "x:1"), ("b", "x:2")])
    if len(uri.encode("utf-8", "replace")) == len(uri.encode("utf-8", "surrogatepass")):
        assert here.find(address(server, uri)) == Place(server, uri)


def test_an_address_of_a_server_that_is_not_seen_leads_nowhere():
    here = seen([("a", "note://1"), ("b", "note://2")])
    for uri in ("toolgate://c/note%3A%2F%2F1", "toolgate://", "toolgate://a", "toolgate://a/"):
        assert here.find(uri) is None


def test_a_template_that_fits_decides_and_of_two_the_one_that_says_more():
    here = seen([], [("a", "db://{table}"), ("b", "db://{schema}/rows/{id}"), ("c", "web:{+url}")])
    assert here.find("db://x") == Place("a", "db://x")
    assert here.find("db://public/rows/7") == Place("b", "db://public/rows/7")
    assert here.find("web:anything/at/all") == Place("c", "web:anything/at/all")
    assert here.find("ftp://x") is None


@pytest.mark.parametrize("uri", ["db://rows/", "db:///rows", "db://x/row/1"])
def test_the_parts_of_a_template_do_not_overlap(uri: str):
    assert seen([("z", "q:1")], [("b", "db://{schema}/rows/{id}")], "y").find(uri) in (None, Place("b", uri))


def test_what_nobody_lists_is_of_the_only_server_that_could_mean_it():
    assert seen([], None, "a").find("any:thing") == Place("a", "any:thing")
    here = seen([("a", "note://1"), ("b", "db://2")])
    assert here.find("note://new") == Place("a", "note://new")
    assert here.find("other://new") is None
    assert seen([]).find("any:thing") is None


@given(st.text(alphabet="ab{}/", max_size=30), st.text(alphabet="ab/", max_size=30))
def test_any_template_can_be_held_against_any_uri(template: str, uri: str):
    assert seen([("z", "q:1")], [("b", template)], "y").find(uri) in (None, Place("b", uri), Place("z", uri))


def test_a_hostile_template_takes_no_time():
    here = seen([("z", "q:1")], [("b", "{a}x" * 1000)], "y")
    assert here.find("x" * 4000) is not None
    assert here.find("y" * 4000) is None
    assert here.find("y" * 4097) is None


def test_no_server_can_give_out_an_address_that_names_another():
    spoofed = address("a", "note://1")
    here = seen([("a", "note://1"), ("b", "note://1"), ("b", spoofed)], [("b", "toolgate://a/{x}")])
    assert here.find(spoofed) == Place("a", "note://1")
    assert here.find(address("b", spoofed)) == Place("b", spoofed)
    assert here.find_template("toolgate://a/{x}") == Place("a", "{x}")
    assert [here.template_of(one) for one in here.templates] == ["toolgate://b/toolgate%3A%2F%2Fa%2F{x}"]

"""Reading the entries of other lists than that of tools."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.hub.catalogue import build_catalogue, read_listing
from gateway.hub.entries import read_each
from gateway.hub.offers import AboutServer

ABOUT = AboutServer("s", "2026-07-28")


def test_definitions_are_kept_untouched_and_sorted():
    resources = [{"uri": "b:", "odd": [1]}, {"uri": "a:"}]
    listing = read_listing("s", [], {"resource": resources, "template": [{"uriTemplate": "a:{b}"}]})
    assert [one.uri for one in listing.resources] == ["a:", "b:"]
    assert listing.resources[1].definition is resources[0]
    assert [one.uri_template for one in listing.templates] == ["a:{b}"]


@pytest.mark.parametrize(
    ("kind", "raw", "name", "reason"),
    [
        ("resource", {"name": "n"}, "n", "it has no uri"),
        ("resource", {"uri": "a\nb"}, r"a\nb", "cannot be printed"),
        ("resource", {"uri": "a" * 5000}, "a" * 128, "longer than 4096"),
        ("template", {"uriTemplate": 5}, "(unnamed)", "it has no uriTemplate"),
        ("prompt", {"title": "t"}, "(unnamed)", "it has no name"),
        ("prompt", None, "(unnamed)", "not an object"),
    ],
)
def test_a_broken_entry_is_reported_and_costs_no_other(kind, raw, name, reason):
    good = {"uri": "good:", "uriTemplate": "good:{a}", "name": "good"}
    listing = read_listing("s", [], {kind: [raw, good]})
    assert len(listing.resources + listing.templates + listing.prompts) == 1
    (bad,) = listing.bad
    assert (bad.kind, bad.name) == (kind, name)
    assert reason in bad.reason


def test_prompts_of_all_servers_are_found_by_their_wire_names():
    listings = [read_listing(server, [], {"prompt": [{"name": "@p"}]}, ABOUT) for server in ("b", "a")]
    catalogue = build_catalogue(1, listings)
    assert [one.qualified for one in catalogue.prompts] == ["a/@p", "b/@p"]
    assert {one.wire_name for one in catalogue.prompts} == set(catalogue.prompts_by_wire_name)
    assert catalogue.servers == {"s": ABOUT}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(), max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
entries = json_values | st.fixed_dictionaries(
    {}, optional={"name": json_values, "uri": json_values, "uriTemplate": json_values}
)


@given(st.lists(entries, max_size=5))
def test_no_list_breaks_the_hub(raw):
    listing = read_listing("s", [], {"resource": raw, "template": raw, "prompt": raw})
    offered = listing.resources + listing.templates + listing.prompts
    assert len(offered) + len(listing.bad) == 3 * len(raw)


@pytest.mark.parametrize("levels", range(240, 260))
def test_what_is_listed_can_be_listed_again_with_others(levels: int):
    meta: Any = 1
    for _ in range(levels):
        meta = {"a": meta}
    good, bad = read_each(
        "resource", [{"uri": "x:1", "name": "x", "_meta": meta}], lambda raw: raw, lambda raw: raw["uri"]
    )
    assert len(good) + len(bad) == 1
    assert orjson.dumps({"jsonrpc": "2.0", "result": {"resources": list(good)}})

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.hub.catalogue import build_catalogue, read_listing
from gateway.hub.tools import ToolAnnotations


def listed(name, **more):
    return {"name": name, "inputSchema": {"type": "object"}, **more}


def test_a_tool_is_read_with_what_the_server_says_of_it():
    raw = listed(
        "read",
        title="Read it",
        description="reads",
        outputSchema={"type": "array"},
        annotations={"readOnlyHint": True, "destructiveHint": False, "idempotentHint": "yes"},
    )
    (tool,) = read_listing("files", [raw]).tools
    assert (tool.server, tool.name, tool.qualified, tool.wire_name) == (
        "files",
        "read",
        "files/read",
        "files__read",
    )
    assert (tool.title, tool.description, tool.output_schema) == ("Read it", "reads", {"type": "array"})
    assert tool.annotations == ToolAnnotations(read_only=True, destructive=False)
    assert tool.definition is raw


@pytest.mark.parametrize("odd", [None, 5, [], {}, "x"])
def test_fields_of_another_kind_are_as_if_they_were_not_there(odd):
    (tool,) = read_listing(
        "s", [listed("t", title=odd and 5, description=[], annotations=odd, outputSchema=odd)]
    ).tools
    assert (tool.title, tool.description, tool.annotations, tool.output_schema) == (
        None,
        "",
        ToolAnnotations(),
        None,
    )


@pytest.mark.parametrize(
    ("raw", "name", "reason"),
    [
        ("text", "(unnamed)", "not an object"),
        ({"inputSchema": {}}, "(unnamed)", "it has no name"),
        (listed(""), "(unnamed)", "it has no name"),
        (listed("x" * 129), "x" * 128, "longer than 128"),
        (listed("a\x1bb"), "a\\x1bb", "cannot be printed"),
        (listed("  "), "  ", "cannot be printed"),
        (listed("@resources"), "@resources", "which policies use"),
        ({"name": "t"}, "t", "inputSchema is not an object"),
        (listed("t", execution={"taskSupport": "required"}), "t", "as a task only"),
        (
            listed("t", inputSchema={"properties": {"a": {"type": "array", "x-mcp-header": "A"}}}),
            "t",
            "x-mcp-header",
        ),
    ],
)
def test_a_tool_that_cannot_be_offered_is_reported_and_costs_no_other(raw, name, reason):
    listing = read_listing("s", [listed("good"), raw, listed("also")])
    assert [tool.name for tool in listing.tools] == ["also", "good"]
    (bad,) = listing.bad
    assert bad.name == name
    assert reason in bad.reason


def test_of_two_tools_with_one_name_the_first_counts():
    listing = read_listing("s", [listed("t", description="one"), listed("t", description="two")])
    assert [tool.description for tool in listing.tools] == ["one"]
    assert listing.bad[0].reason == "listed twice; the first one counts"


def test_a_schema_nested_without_end_costs_its_own_tool_alone():
    deep: dict = {}
    for _ in range(900):
        deep = {"properties": {"a": deep}, "default": [deep]}
    listing = read_listing("s", [listed("deep", inputSchema=deep), listed("good")])
    assert [tool.name for tool in listing.tools] == ["good"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(), max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
entries = json_values | st.fixed_dictionaries(
    {"name": st.text(st.characters(), max_size=8), "inputSchema": json_values | st.just({})},
    optional={
        "execution": json_values,
        "annotations": json_values,
        "description": json_values,
        "title": json_values,
    },
)


@given(st.lists(entries, max_size=5))
def test_no_listing_breaks_the_hub(raw):
    listing = read_listing("s", raw)
    assert len(listing.tools) + len(listing.bad) == len(raw)


def test_a_catalogue_is_sorted_and_finds_tools_by_both_names():
    catalogue = build_catalogue(
        7, [read_listing("b", [listed("y"), listed("x")]), read_listing("a", [listed("z")])]
    )
    assert [tool.qualified for tool in catalogue.tools] == ["a/z", "b/x", "b/y"]
    assert catalogue.generation == 7
    assert catalogue.by_name["b/x"] is catalogue.by_wire_name["b__x"]
    with pytest.raises(TypeError):
        catalogue.by_name["b/x"] = None


def test_a_definition_too_deep_to_be_written_again_costs_its_own_tool_alone():
    deep: dict = {}
    for _ in range(300):
        deep = {"a": deep}
    listing = read_listing("s", [listed("deep", _meta=deep), listed("good")])
    assert [tool.name for tool in listing.tools] == ["good"]
    assert "cannot be written as JSON" in listing.bad[0].reason

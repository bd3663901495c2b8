"""Bytes that pass through with one field changed."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.splice import one_reading, rewrite_model, set_member
from gateway.errors import InvalidRequest


def rewrite(body: bytes, model: str) -> bytes:
    return rewrite_model(body, orjson.loads(body), model)


def test_nothing_but_the_value_changes():
    body = b' {\n "stream" :true, "model" :\t"alias" , "seed": 1e2,"n":12345678901234567890123}\n'
    assert rewrite(body, 'up"x') == body.replace(b'"alias"', b'"up\\"x"')


def test_an_equal_name_gives_the_very_same_bytes():
    body = b'{"model": "m", "messages": []}'
    assert rewrite(body, "m") is body


@pytest.mark.parametrize(
    "body",
    [
        b'{"tools":[{"parameters":{"properties":{"model":{"type":"string"}}}}],"model":"a"}',
        b'{"model":"a","metadata":{"model":"a"}}',
        b'{"x":"\\"model\\":","kind":"model","y":["model","}{"],"model":"a","z":{"k":"\\\\"}}',
    ],
)
def test_only_the_field_at_the_top_is_meant(body: bytes):
    expected = orjson.loads(body) | {"model": "b"}
    rewritten = rewrite(body, "b")
    assert orjson.loads(rewritten) == expected
    assert len(rewritten) == len(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"evil","model":"good"}',
        b'{"model":"evil","messages":[{"model":1}],"model":"good"}',
        b'{"\\u006dodel":"evil","model":"good"}',
        b'{"model":"evil","mod\\u0065l":"good"}',
        b'{"model":"good","Model":"evil"}',
        b'{"MODEL":"evil","model":"good"}',
        b'{"mod\\u0065l":"good","metadata":{"model":"evil"}}',
    ],
)
def test_no_second_reading_of_the_model_gets_through(body: bytes):
    assert orjson.loads(body)["model"] == "good"
    for wanted in ("good", "other"):
        pairs = json.loads(rewrite(body, wanted), object_pairs_hook=lambda pairs: pairs)
        assert [value for name, value in pairs if name.lower() == "model"] == [wanted]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"model":"m","toolgate":{"a":[{"b":"}"}]}}', b'{"model":"m"}'),
        (b'{"toolgate" : {} , "model":"m"}', b'{"model":"m"}'),
        (b'{"a":1, "toolgate":null, "model":"m"}', b'{"a":1, "model":"m"}'),
        (b'{"model":"m" ,\n "toolgate": "x\\"y"\n}', b'{"model":"m" \n}'),
        (b'{"model":"m","toolgate":12.5}', b'{"model":"m"}'),
        (b'{"model":"m","toolgate":1,"toolgate":2}', b'{"model":"m"}'),
        (b'{"metadata":{"toolgate":1},"toolgate":2,"model":"m"}', b'{"metadata":{"toolgate":1},"model":"m"}'),
    ],
)
def test_our_own_field_does_not_leave(body: bytes, expected: bytes):
    assert rewrite(body, "m") == expected


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('model"\\{}[]:, é', max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["model", "toolgate", 'a"', "\\"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text('ab"\\{}', max_size=4), _JSON, max_size=4), _JSON, st.booleans(), st.data())
def test_the_result_is_the_object_with_the_other_name(
    others: dict[str, Any], ours: Any, has_spaces: bool, data: st.DataObject
):
    fields = [*others.items(), ("model", "m")]
    if data.draw(st.booleans()):
        fields.append(("toolgate", ours))
    parsed = dict(data.draw(st.permutations(fields)))
    body = json.dumps(parsed, indent=1 if has_spaces else None, ensure_ascii=False).encode()
    wanted = data.draw(st.sampled_from(["m", "other"]))
    expected = {name: value for name, value in parsed.items() if name != "toolgate"} | {"model": wanted}
    rewritten = rewrite_model(body, parsed, wanted)
    assert orjson.loads(rewritten) == expected
    assert list(orjson.loads(rewritten)) == list(expected)


@pytest.mark.parametrize("field", ['"Model": "x"', '"mo\\u0064el": "x"'])
def test_a_body_that_must_be_written_anew_and_cannot_is_the_clients_fault(field: str):
    body = f'{{{field}, "deep": {"[" * 500}{"]" * 500}, "model": "m"}}'.encode()
    with pytest.raises(InvalidRequest, match="nested too deeply"):
        rewrite_model(body, orjson.loads(body), "other")


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m","tools":[{"type":"web_search"}],"tools":[]}',
        b'{"model":"m","tools":[{"type":"web_search","type" :"function"}]}',
        b'{"model":"m","tools":[{"type":"web_search","\\u0074ype":"function"}]}',
        b'{"model":"m","a":"x\\" :","tools"\n:[{"type":"web_search"}],"tools":[]}',
        b'{"model":"m","x":[[{"y":{"z":"web_search","z":1}}]],"tools":[]}',
    ],
)
def test_of_a_name_that_is_repeated_only_what_was_parsed_is_left(body: bytes):
    parsed = orjson.loads(body)
    written = one_reading(body, parsed)
    assert b"web_search" not in written
    assert orjson.loads(written) == parsed


@given(st.dictionaries(st.text('ab"\\{}: ', max_size=4), _JSON, max_size=4), st.sampled_from([None, 1]))
def test_a_body_that_repeats_nothing_is_left_as_it_is(fields: dict[str, Any], indent: int | None):
    body = json.dumps(fields, indent=indent).encode()
    assert one_reading(body, orjson.loads(body)) is body


@given(_JSON, _JSON, st.sampled_from(['"a"', '"\\u0061"', '"a" ']))
def test_a_second_value_never_gets_through(first: Any, second: Any, again: str):
    body = f'{{"b":{json.dumps(second)},"a":{json.dumps(first)},{again}:{json.dumps(second)}}}'.encode()
    written = one_reading(body, orjson.loads(body))
    names = [name for name, _ in json.loads(written, object_pairs_hook=lambda pairs: pairs)]
    assert names == ["b", "a"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b' {\n"n":1.50}', b' {"wish":{"a":true},\n"n":1.50}'),
        (b'{"n":1.50, "wish" : null }', b'{"n":1.50, "wish" : {"a":true} }'),
        (b'{"wish":{"b":[1, {"wish":2}]},"n":1.50}', b'{"wish":{"a":true},"n":1.50}'),
        (b'{"x":{"wish":1},"wish":2,"y":"\\"wish\\":"}', b'{"x":{"wish":1},"wish":{"a":true},"y":"\\"wish\\":"}'),
        (b'{"x":{"wish":1},"y":"\\"wish\\":"}', b'{"wish":{"a":true},"x":{"wish":1},"y":"\\"wish\\":"}'),
    ],
)
def test_a_member_is_set_and_no_other_byte_changed(body: bytes, expected: bytes):
    assert set_member(body, orjson.loads(body), "wish", {"a": True}) == expected


@pytest.mark.parametrize(
    "body", [b'{"x":{"wish":1},"w\\u0069sh":2}', b'{"x":{"wi_sh":1},"wi\\u005fsh":2}', b'{"wish":1,"wish":2}']
)
def test_a_member_whose_name_hides_is_set_all_the_same(body: bytes):
    parsed = orjson.loads(body)
    name = list(parsed)[-1]
    changed = set_member(body, parsed, name, 3)
    assert json.loads(changed) == {**parsed, name: 3}
    assert changed.count(b'"%b"' % name.encode()) == len(parsed)

"""The service's rules of reading queries, JSON and routes, as tables."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from durablectl.errors import AppError
from durablectl.model import RuntimeStatus
from durablectl.server.connection import Joined
from durablectl.server.newtonsoft_json import NotJson, Parsed, parse, parse_first
from durablectl.server.query import Query, moment_from_text
from durablectl.server.templates import parse_template

NEW_YEAR = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("f=true", True),
        ("F=False", False),
        ("f=+TRUE+", True),
        ("f=1", None),
        ("f=", None),
        ("f", None),
        ("f=true&f=false", None),
        ("", None),
    ],
)
def test_a_flag_that_cannot_be_read_is_the_default(text, value):
    assert [Query(text).flag("f", default) for default in (True, False)] == (
        [value] * 2 if value is not None else [True, False]
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("top=5", 5),
        ("TOP=%2B5", 5),
        ("top=10.0", 100),
        ("top=1e2", 100),
        ("top=1,000", 100),
        ("top=0", 100),
        ("top=99999", 10_000),
        ("", 100),
    ],
)
def test_top_is_a_whole_number_within_bounds(text, value):
    assert Query(text).top() == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.5", 0.5),
        ("1e1", 10.0),
        ("1,000", 1000.0),
        ("soon", None),
        ("", None),
        ("Infinity", math.inf),
        ("-1", -1.0),
    ],
)
def test_seconds_are_read_as_a_double(text, value):
    assert Query(f"timeout={text}").seconds("timeout") == value


def test_the_last_resort_of_a_number_is_none_at_all():
    assert math.isnan(Query("timeout=NaN").seconds("timeout") or 0)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-01T00:00:00Z", NEW_YEAR),
        ("2024-01-01T01:00:00+01:00", NEW_YEAR),
        ("2024-01-01", NEW_YEAR),
        ("1 Jan 2024", NEW_YEAR),
        ("Mon, 01 Jan 2024 00:00:00 GMT", NEW_YEAR),
        ("01/02/2024", datetime(2024, 1, 2, tzinfo=UTC)),
        ("2024-01-01T12:30:00.1234567Z", datetime(2024, 1, 1, 12, 30, 0, 123456, UTC)),
        ("1/2/2024 3:04 PM", datetime(2024, 1, 2, 15, 4, tzinfo=UTC)),
        ("1-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("2024-01-01T00:00:00 02:00", None),
        ("20240101", None),
        ("2024", None),
        ("2024-13-01", None),
        ("0001-01-01T00:00:00+05:00", None),
        ("", None),
    ],
)
def test_moments_are_read_in_the_forms_of_the_services_runtime(text, moment):
    assert moment_from_text(text) == moment


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Completed", {"COMPLETED"}),
        ("Completed, Failed", {"COMPLETED", "FAILED"}),
        ("completed", set()),
        ("1", {"COMPLETED"}),
        ("99", {"UNKNOWN"}),
        ("Nope,Running", {"RUNNING"}),
        ("", set()),
    ],
)
def test_statuses_are_exact_names_or_numbers(text, names):
    assert Query(f"runtimeStatus={text}").statuses() == {RuntimeStatus[name] for name in names}


def test_repeated_values_are_joined_and_the_first_that_is_not_blank_wins_where_one_is_wanted():
    query = Query("reason=a&REASON=b&taskHub=&taskHub=Mine")
    assert (query.text("reason"), query.first("taskhub")) == ("a,b", "Mine")


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ("{'a':1}", '{"a":1}'),
        ("{a:'b', /* c */ \"d\": [1,],}", '{"a":"b","d":[1]}'),
        ("[NaN, undefined] // end", '["NaN",null]'),
        ("0x1F", "31"),
        ('"\\ud800"', '"\\ud800"'),
        ("[" * 64 + "'x'" + "]" * 64, "[" * 64 + '"x"' + "]" * 64),
    ],
)
def test_json_is_kept_as_it_is_and_the_parsers_liberties_become_plain_json(text, stored):
    assert parse(text).text == stored


@pytest.mark.parametrize(
    "text",
    [
        "{} x",
        "{bad",
        '"open',
        "nope",
        "[1}",
        '{"a" 1}',
        "[" * 65 + "]" * 65,
        "1" * 5000 + "x",
        "'\\u12'",
        "]",
        "1" * 5000,
        "[1e999]",
    ],
)
def test_what_is_no_json_is_refused(text):
    with pytest.raises(NotJson) as refused:
        parse(text)
    assert not refused.value.is_cut_off


@pytest.mark.parametrize("text", ["{", "[1", '{"a":1', '{"a":[', "[1,"])
def test_json_that_ends_too_soon_is_told_apart(text):
    with pytest.raises(NotJson) as refused:
        parse(text)
    assert refused.value.is_cut_off


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(JSON_VALUES)
def test_any_json_is_read_by_either_reader_as_the_same_value(value):
    text = json.dumps(value)
    assert parse(text) == Parsed(value, text)
    assert parse(f"{text} // so that only the second reader can").value == value


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(alphabet="{}[]\"':,\\/*ntu0aeEx-+. \n1", max_size=30))
def test_any_text_is_read_as_plain_json_or_refused(text):
    for read in (parse, parse_first):
        try:
            parsed = read(text)
        except NotJson:
            continue
        assert json.loads(parsed.text) == parsed.value


def test_of_an_event_the_first_value_counts():
    assert [
        parse_first(text).text for text in ('{"a": 1} junk', " 1 2", "'x' y", "1 " + "[" * 65)
    ] == ['{"a":1}', "1", '"x"', "1"]


@pytest.mark.parametrize(
    ("route", "path", "found"),
    [
        ("orders", "orders", {}),
        ("Orders", "orders", {}),
        ("orders", "orders/1", None),
        ("orders/{id}", "orders/a%20b", {"id": "a b"}),
        ("orders/{id}", "orders", None),
        ("o/{name}/{id?}", "o/x", {"name": "x"}),
        ("o/{name}/{id?}", "o/x/1", {"name": "x", "id": "1"}),
        ("o/{id:int}", "o/12", {"id": "12"}),
        ("o/{id:int}", "o/x", None),
        ("o/{id:int?}", "o", {}),
        ("o/{id:int=7}", "o", {"id": "7"}),
        (
            "o/{id:guid}",
            "o/7b59154a-e0f2-4a3a-9f5c-7b1d3a2f9a11",
            {"id": "7b59154a-e0f2-4a3a-9f5c-7b1d3a2f9a11"},
        ),
        ("o/{id:guid}", "o/7b59", None),
        ("o/{b:bool}", "o/TRUE", {"b": "TRUE"}),
        ("o/{d:datetime}", "o/2024-01-01", {"d": "2024-01-01"}),
        ("o/{x:double}", "o/1.5", {"x": "1.5"}),
        ("o/{x:long:min(3)}", "o/2", None),
        ("o/{x:range(1,3)}", "o/3", {"x": "3"}),
        ("o/{x:max(3)}", "o/4", None),
        ("o/{x:length(2)}", "o/ab", {"x": "ab"}),
        ("o/{x:length(2,3)}", "o/a", None),
        ("o/{x:minlength(2)}", "o/a", None),
        ("o/{x:maxlength(2)}", "o/abc", None),
        ("o/{x:regex(^a[0-9]{{2}}$)}", "o/a12", {"x": "a12"}),
        ("o/{x:regex(^a[0-9]{{2}}$)}", "o/a1", None),
        ("files/{*rest}", "files/a/b%2Fc", {"rest": "a/b/c"}),
        ("files/{*rest}", "files", {}),
        ("files/{name}.{ext}", "files/a.b.txt", {"name": "a", "ext": "b.txt"}),
    ],
)
def test_a_route_matches_as_in_aspnet(route, path, found):
    assert parse_template(route).match(path.split("/")) == found


@pytest.mark.parametrize("route", ["o/{id:nothing}", "o/{id", "o/{x:min(a)}", "o/{x:regex([)}"])
def test_a_route_that_cannot_be_read_is_refused(route):
    with pytest.raises(AppError, match="the route"):
        parse_template(route)


def test_the_more_precise_route_is_tried_first():
    routes = ["o/{*rest}", "o/{id}", "o/{id:int}", "o/new"]
    assert sorted(routes, key=lambda route: parse_template(route).rank) == [
        "o/new",
        "o/{id:int}",
        "o/{id}",
        "o/{*rest}",
    ]


def test_an_answer_is_sent_in_one_piece_and_none_is_kept_back():
    sent = []
    transport = Joined(SimpleNamespace(write=sent.append, close=lambda: sent.append("closed")))
    for written in (
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"{}",
        b"HTTP/1.1 404 Not Found\r\n\r\n",
    ):
        transport.write(written)
    transport.close()
    assert sent == [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n{}",
        b"HTTP/1.1 404 Not Found\r\n\r\n",
        "closed",
    ]

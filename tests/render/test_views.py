"""Values as a person wants to read them."""

import pytest

from durablectl.json_values import decoded
from durablectl.model import CheckStatusPayload, RuntimeStatus
from durablectl.render.views import (
    Details,
    duration_text,
    payload,
    value_text,
    without_key,
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.42, "0.4 s"),
        (12, "12 s"),
        (185, "3 min 5 s"),
        (120, "2 min"),
        (7800, "2 h 10 min"),
        (273600, "3 d 4 h"),
        (-1, "0.0 s"),
    ],
)
def test_a_duration_is_told_in_its_two_largest_units(seconds, text):
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("a\nb", "a\nb"),
        ('{"a": 1}', '{"a": 1}'),
        ('"quoted"', "quoted"),
        ("{not json", "{not json"),
        ("007", "007"),
        ([1, "é"], '[1, "é"]'),
        (False, "false"),
    ],
)
def test_a_value_is_shown_as_a_person_reads_it(value, text):
    assert value_text(value) == text


def test_a_long_value_is_laid_out_on_several_lines():
    assert value_text(["x" * 60, "y" * 60]).splitlines()[0] == "["


def test_json_nested_too_deeply_in_a_string_stays_a_string():
    assert decoded("[" * 100_000) == "[" * 100_000


def test_a_value_of_several_lines_keeps_its_place():
    assert Details((("id", "a"), ("next", "one\ntwo"))).text() == "id    a\nnext  one\n      two"


def test_what_cannot_be_folded_has_a_line_of_its_own():
    address = "http://127.0.0.1:7071/a"
    details = Details(
        (("id", "a"), ("addresses", f"status GET {address}"), ("next", "durablectl x"))
    )
    assert details.text(28).splitlines() == [
        "id         a",
        "addresses  status GET",
        f"  {address}",
        "next       durablectl x",
    ]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://h/i/a?taskHub=H&code=k==", "http://h/i/a?taskHub=H"),
        ("http://h/i/a?code=k&taskHub=H", "http://h/i/a?taskHub=H"),
        ("http://h/i/a?code=***", "http://h/i/a"),
        ("http://h/i/a?reason={text}&code=k", "http://h/i/a?reason={text}"),
        ("http://h/i/barcode=1?x=1", "http://h/i/barcode=1?x=1"),
    ],
)
def test_an_address_is_shown_without_its_key(address, shown):
    assert without_key(address) == shown


def test_a_payload_shows_its_key_only_when_secrets_are_wanted():
    made = CheckStatusPayload("a", {"id": "a", "statusQueryGetUri": "http://h/a?code=k"})
    assert "code=k" not in payload(made, RuntimeStatus.RUNNING, ["next"]).text()
    assert "code=k" in payload(made, RuntimeStatus.RUNNING, ["next"], show_secrets=True).text()

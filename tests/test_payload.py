"""User values to JSON and back."""

import logging
import math
import sys

import pytest

from durablectl.payload import dumps, dumps_plain, loads, storable


class Money:
    def __init__(self, amount):
        self.amount = amount

    def to_json(self):
        return self.amount

    @staticmethod
    def from_json(data):
        return Money(data)

    def __eq__(self, other):
        return self.amount == other.amount

    __hash__ = None


class Number(int):
    """An int of its own."""


VALUES = [
    None,
    True,
    0,
    -5,
    1.5,
    "",
    "Grüße 😀",
    "\ud83d",
    [],
    [1, [2]],
    {"a": {"b": None}},
    10**30,
    Number(7),
]


@pytest.mark.parametrize("value", VALUES, ids=ascii)
def test_plain_values_come_back_as_they_were_in_ascii(value):
    assert loads(dumps(value)) == value
    assert dumps(value).isascii()
    assert dumps_plain(value) == dumps(value)


@pytest.mark.parametrize(
    "value",
    [Money(5), [Money(1), {"x": Money([Money(2)])}], {"__class__": "half an envelope"}],
    ids=["one", "nested", "envelope"],
)
def test_custom_objects_travel_in_the_sdks_envelope(value):
    """79: the hook is recursive"""
    assert loads(dumps(value)) == value


def test_the_envelope_has_the_sdks_members():
    """79"""
    assert dumps(Money(5)) == f'{{"__class__":"Money","__module__":"{__name__}","__data__":5}}'


CIRCLE: list = []
CIRCLE.append(CIRCLE)


@pytest.mark.parametrize(
    ("value", "error", "says"),
    [
        (math.nan, ValueError, "JSON cannot hold NaN"),
        ([-math.inf], ValueError, "JSON cannot hold NaN"),
        (object(), TypeError, "class <class 'object'> does not expose a `to_json` function"),
        ({(1, 2): 3}, TypeError, "keys must be"),
        (CIRCLE, ValueError, "Circular reference"),
    ],
    ids=["NaN", "infinity", "an object", "a tuple as key", "a circle"],
)
def test_what_json_cannot_hold_is_refused(value, error, says):
    """34, 81"""
    with pytest.raises(error, match=says):
        dumps(value)


def test_a_module_that_is_not_imported_is_not_imported_for_a_payload():
    """79"""
    with pytest.raises(ValueError, match="module 'antigravity' is not imported"):
        loads('{"__class__":"X","__module__":"antigravity","__data__":1}')
    assert "antigravity" not in sys.modules


def test_a_class_that_cannot_be_read_back_is_refused():
    with pytest.raises(TypeError, match="no such class with a `from_json`"):
        loads('{"__class__":"JSONDecoder","__module__":"json","__data__":1}')


@pytest.mark.parametrize(
    ("text", "expected"), [("1", str), (dumps(Money(1)), int)], ids=["plain", "custom"]
)
def test_another_type_than_expected_is_logged(text, expected, caplog):
    """79"""
    with caplog.at_level(logging.WARNING):
        loads(text, expected)
    assert f"where {expected} was expected" in caplog.text


def test_a_generic_type_is_not_checked(caplog):
    assert loads("[1]", list[int]) == [1]
    assert not caplog.records


def test_strict_typing_wants_the_expected_type_and_raises(monkeypatch):
    """79"""
    monkeypatch.setenv("AZURE_FUNCTIONS_DURABLE_STRICT_TYPING", "1")
    assert loads(dumps(Money(3)), Money) == Money(3)
    with pytest.raises(TypeError, match="strict typing requires an expected_type"):
        loads(dumps(Money(3)))
    with pytest.raises(TypeError, match="where <class 'str'> was expected"):
        loads("1", str)
    with pytest.raises(TypeError, match="not JSON serializable"):
        dumps(Money(Money(1)))


def test_text_that_utf_8_cannot_hold_is_written_with_escapes():
    assert storable("é \ud83d") == "é \\ud83d"

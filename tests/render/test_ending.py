"""The last line on stderr with `-o json`."""

from __future__ import annotations

import json

import pytest

from durablectl.render.ending import Ending, asks_json


@pytest.mark.parametrize(
    ("words", "variable", "asks"),
    [
        (["list", "-o", "json"], "", True),
        (["list", "-ojsonl"], "", True),
        (["--output=json", "list"], "", True),
        (["list", "--output", "text"], "json", False),
        (["list"], "JSON", True),
        (["list", "--query", "[]"], "", True),
        (["list", "--query", "[]", "-o", "text"], "", False),
        (["run", "x", "--", "-o", "json"], "", False),
        (["list", "-o"], "", False),
        ([], "", False),
    ],
    ids=str,
)
def test_json_is_asked_for_before_anything_is_parsed(words, variable, asks):
    assert asks_json(words, {"DURABLECTL_OUTPUT": variable}) is asks


def test_every_message_is_kept_and_the_last_hint():
    ending = Ending(is_json=True)
    ending.add("one", "do this")
    ending.add("two\nlines")
    line = ending.line(1, "unused")
    assert json.loads(line) == {"message": "one\ntwo\nlines", "hint": "do this", "exitCode": 1}
    assert "\n" not in line


def test_a_silent_failure_is_said_by_its_meaning():
    said = json.loads(Ending(is_json=True).line(8, "still running"))
    assert said == {"message": "still running", "hint": None, "exitCode": 8}


def test_no_key_is_in_it():
    ending = Ending(is_json=True)
    ending.add("GET https://x.example/a?code=S3CRET failed", "try ?code=S3CRET")
    assert "S3CRET" not in ending.line(5, "")

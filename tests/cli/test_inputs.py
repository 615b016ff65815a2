"""The input of a start, an event or an operation: exactly one source, and what cannot be used is
told where.
"""

import json

import pytest

from durablectl.cli.arguments.input import read_input
from durablectl.errors import UsageError


def read(file=None, text=None, fields=(), *, stdin=b"", encode="json"):
    return read_input(file, text, fields, read_stdin=lambda: stdin, encode=encode)


@pytest.fixture
def file(tmp_path):
    def write(content: bytes | str, name: str = "input.json") -> str:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return write


def test_a_file_holds_the_input(file):
    assert read(file('{"city": "Tōkyō"}')) == {"city": "Tōkyō"}


def test_an_at_sign_before_the_file_is_forgiven(file):
    assert read("@" + file("[1, 2]")) == [1, 2]


def test_a_byte_order_mark_is_no_content(file):
    assert read(file(b"\xef\xbb\xbf{}")) == {}


def test_a_dash_is_standard_input():
    assert read("-", stdin=b'{"a": 1}') == {"a": 1}


def test_json_can_be_given_as_text():
    assert read(text='"Ada"') == "Ada"


def test_no_source_is_no_input():
    assert read() is None


def test_a_lone_surrogate_survives():
    assert read(text=r'"\ud800"') == "\ud800"


def test_fields_make_an_object(file):
    text, doc = file("hello\n", "note.txt"), file('{"x": [1]}', "doc.json")
    fields = [
        "city=Tokyo",
        "count:=3",
        f"note=@{text}",
        f"doc:=@{doc}",
        "url=http://a/?b=c",
        "empty=",
    ]
    assert read(fields=fields) == {
        "city": "Tokyo",
        "count": 3,
        "note": "hello\n",
        "doc": {"x": [1]},
        "url": "http://a/?b=c",
        "empty": "",
    }


def test_encode_string_puts_the_json_into_a_string():
    assert read(text='{"a": 1}', encode="string") == '{"a": 1}'


def test_ten_megabytes_are_read(file):
    value = {"text": "x" * 10_000_000}
    assert read(file(json.dumps(value))) == value


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"file": "a.json", "text": "{}"}, "--input and --input-json"),
        ({"file": "a.json", "fields": ["a=1"]}, "--input and fields"),
        ({"text": "{}", "fields": ["a=1"]}, "--input-json and fields"),
    ],
)
def test_two_inputs_at_once_are_refused_by_name(arguments, names):
    with pytest.raises(UsageError, match=f"two inputs at once: {names}"):
        read(**arguments)


def test_what_is_not_json_is_told_with_file_line_and_column(file):
    name = file('{"a": 1,\n  "b": oops}')
    with pytest.raises(UsageError) as refused:
        read(name)
    assert refused.value.message == f"{name} is not JSON: line 2, column 8: expecting value"


def test_standard_input_that_is_not_json_is_told_with_line_and_column():
    with pytest.raises(UsageError, match="standard input is not JSON: line 1, column 9"):
        read("-", stdin=b'{"a": 1 oops')


def test_a_field_that_is_not_json_is_named():
    with pytest.raises(UsageError, match="the field 'count' is not JSON: line 1, column 1"):
        read(fields=["count:=three"])


def test_no_such_file_is_told_with_the_other_forms():
    with pytest.raises(UsageError, match=r"no such file: missing\.json") as refused:
        read("missing.json")
    assert "--input-json" in str(refused.value.hint)


def test_a_directory_is_refused(tmp_path):
    with pytest.raises(UsageError, match="is a directory"):
        read(str(tmp_path))


def test_a_name_that_no_file_can_have_is_refused():
    with pytest.raises(UsageError, match="cannot be read"):
        read("a\0b")


def test_inline_json_given_as_a_file_is_told_about_input_json():
    with pytest.raises(UsageError, match="takes a file, not JSON") as refused:
        read('{"a": 1}')
    assert "--input-json" in str(refused.value.hint)


@pytest.mark.parametrize(
    ("content", "hint"), [(b'{"a": "\xff"}', "save it as UTF-8"), ("{}".encode("utf-16"), "UTF-16")]
)
def test_invalid_utf8_is_refused_with_its_place(file, content, hint):
    with pytest.raises(UsageError, match="is not valid UTF-8: byte") as refused:
        read(file(content))
    assert hint in str(refused.value.hint)


@pytest.mark.parametrize("content", ["", "  \n"])
def test_an_empty_file_is_refused(file, content):
    with pytest.raises(UsageError, match="is empty"):
        read(file(content))


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}', "1e999"])
def test_numbers_that_json_lacks_are_refused(text):
    with pytest.raises(UsageError, match="is not JSON: it holds"):
        read(text=text)


@pytest.mark.parametrize(
    ("text", "reason"), [("[" * 200_000, "nested too deeply"), ("1" * 5000, "too many digits")]
)
def test_json_that_cannot_be_held_is_refused(text, reason):
    with pytest.raises(UsageError, match=reason):
        read(text=text)


@pytest.mark.parametrize("field", ["Tokyo", "=Tokyo", ":=3"])
def test_what_is_no_field_is_refused(field):
    with pytest.raises(UsageError, match="is not a field"):
        read(fields=[field])


def test_a_field_given_twice_is_refused():
    with pytest.raises(UsageError, match="'a' is given twice"):
        read(fields=["a=1", "a:=2"])

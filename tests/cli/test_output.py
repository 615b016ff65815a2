"""What reaches stdout and stderr: data and talk, harmless for terminals and CI runners."""

from __future__ import annotations

import io
import json
import os
import pty
import sys
import time

import pytest

from durablectl.errors import UsageError
from durablectl.render.output import Color, Output, OutputFormat
from durablectl.render.sanitize import safe, safe_line
from durablectl.render.terminal.tables import show_table
from durablectl.render.views import Table

CI = {"GITHUB_ACTIONS": "true"}
HOSTILE = [
    "\x1b[31mred",
    "\x1b]0;title\x07",
    "a\rb",
    "\x9b2J",
    "\u202egnp.exe",
    "\x00",
    "\udc80",
    "\u2028x",
    "\b\b",
]


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Pipe(io.StringIO):
    encoding = "utf-8"


def output(
    stdout: io.StringIO | None = None, stderr: io.StringIO | None = None, environ=None, **settings
) -> Output:
    return Output(stdout or Pipe(), stderr or Pipe(), environ=environ or {}, **settings)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_no_control_character_reaches_a_terminal(text):
    stream = Terminal()
    output(stream).data(f"{text}\tdone")
    assert stream.getvalue().isprintable() or set(stream.getvalue()) - set("\t\n") <= {
        c for c in stream.getvalue() if c.isprintable()
    }
    assert stream.getvalue().endswith("\tdone\n")


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_no_control_character_reaches_a_terminal_in_json_and_the_value_stays(text):
    stream = Terminal()
    output(stream).json({"output": text})
    assert all(c.isprintable() or c == "\n" for c in stream.getvalue())
    assert json.loads(stream.getvalue()) == {"output": text}


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_no_control_character_reaches_a_terminal_in_talk(text):
    stream = Terminal()
    output(stderr=stream).error(text, text)
    assert all(c.isprintable() or c == "\n" for c in stream.getvalue())


def test_a_pipe_gets_a_value_and_ids_as_they_are():
    stream = Pipe()
    output(stream).value("a\x1b[0m\r\nb")
    output(stream).ids(["c\r"])
    assert stream.getvalue() == "a\x1b[0m\r\nb\nc\r\n"


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_no_control_character_is_hidden_in_text_that_is_piped(text):
    stream = Pipe()
    output(stream).data(f"{text}\tdone")
    output(stream).lines([text])
    assert all(c.isprintable() or c in "\t\n" for c in stream.getvalue())


def test_spelled_out_text_is_readable():
    assert safe("a\x1b[0m\tb\n\u202ec") == "a\\x1b[0m\tb\n\\u202ec"
    assert safe_line("a\nb\tc") == "a\\nb\\tc"


@pytest.mark.parametrize(
    "text",
    [
        "::error::x",
        "  ::set-output name=a::b",
        "ok\n::warning::x",
        "##vso[task.setvariable]x",
        "a ##[error]b",
    ],
)
def test_nothing_can_be_read_as_a_runners_command(text):
    out, err = Pipe(), Pipe()
    shown = output(out, err, CI)
    shown.data(text)
    shown.lines([text])
    shown.note(text)
    for line in (out.getvalue() + err.getvalue()).splitlines():
        assert not line.lstrip().startswith("::")
        assert "##vso[" not in line
        assert "##[" not in line


@pytest.mark.parametrize("text", ["::error::x", "##vso[task.setvariable]x", "a ##[error]b"])
def test_json_under_a_runner_keeps_its_value(text):
    stream = Pipe()
    output(stream, environ={"TF_BUILD": "True"}).json([text])
    assert "##vso[" not in stream.getvalue()
    assert "##[" not in stream.getvalue()
    assert json.loads(stream.getvalue()) == [text]


def test_markup_in_data_is_not_parsed():
    stream = Terminal()
    with output(stream, environ={"TERM": "xterm"}).drawing() as terminal:
        terminal.styled([("[red]not markup[/red] :smile:", "")])
    assert "[red]not markup[/red] :smile:" in stream.getvalue()


@pytest.mark.parametrize(
    ("color", "environ", "wanted"),
    [
        (Color.AUTO, {}, True),
        (Color.AUTO, {"NO_COLOR": "1"}, False),
        (Color.AUTO, {"NO_COLOR": ""}, True),
        (Color.AUTO, {"TERM": "dumb"}, False),
        (Color.ALWAYS, {"NO_COLOR": "1"}, True),
        (Color.NEVER, {"FORCE_COLOR": "1"}, False),
    ],
    ids=str,
)
def test_color_on_a_terminal_is_as_asked(color, environ, wanted):
    stream = Terminal()
    assert output(stream, environ=environ, color=color).wants_color(stream) is wanted


def test_a_pipe_has_color_only_when_forced():
    stream = Pipe()
    assert not output(stream).wants_color(stream)
    assert output(stream, environ={"FORCE_COLOR": "1"}).wants_color(stream)


def test_a_dumb_terminal_gets_plain_lines_and_no_live_display():
    out = output(Terminal(), Terminal(), {"TERM": "dumb"})
    assert (out.is_rich, out.wants_progress) == (False, False)


def test_a_runner_with_a_terminal_gets_plain_lines_and_no_live_display():
    out = output(Terminal(), Terminal(), {"TERM": "xterm", **CI})
    assert (out.is_rich, out.wants_progress) == (False, False)


def test_progress_is_shown_on_a_terminal_unless_switched_off():
    assert output(Pipe(), Terminal(), {"TERM": "xterm"}).wants_progress
    assert not output(Pipe(), Terminal(), {"TERM": "xterm"}, progress=False).wants_progress
    assert not output(Pipe(), Terminal(), {"TERM": "xterm"}, quiet=True).wants_progress
    assert not output(Pipe(), Pipe()).wants_progress


def test_quiet_silences_notes_and_hints_but_no_warning():
    stream = Pipe()
    out = output(stderr=stream, quiet=True)
    out.note("n")
    out.hint("h")
    out.warn("w")
    out.error("e", "do this")
    assert stream.getvalue() == "warning: w\ndurablectl: e\nhint: do this\n"


def test_details_are_for_verbose_only():
    stream = Pipe()
    output(stderr=stream).detail("d")
    output(stderr=stream, verbose=True).detail("D")
    assert stream.getvalue() == "D\n"


def test_talk_goes_above_a_live_display():
    stream, above = Pipe(), []
    out = output(stderr=stream)
    with out.talking_above(above.append):
        out.note("inside")
    out.note("after")
    assert (above, stream.getvalue()) == (["inside"], "after\n")


def test_an_array_is_written_element_by_element():
    stream, seen = Pipe(), []

    def rows():
        for number in range(3):
            seen.append(stream.getvalue().count("{"))
            yield {"n": number}

    output(stream).json_array(rows())
    assert json.loads(stream.getvalue()) == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert seen == [0, 1, 2]


def test_no_rows_are_an_empty_array():
    stream = Pipe()
    output(stream).json_array([])
    assert stream.getvalue() == "[]\n"


@pytest.mark.parametrize(
    ("format", "text"),
    [("text", "words\n"), ("json", '{\n  "a": 1\n}\n'), ("jsonl", '{"a": 1}\n'), ("id", "i-1\n")],
    ids=lambda v: v[:5],
)
def test_one_answer_is_shown_in_the_wanted_form(format, text):
    stream = Pipe()
    output(stream, format=OutputFormat(format)).show("words", {"a": 1}, id="i-1")
    assert stream.getvalue() == text


def test_an_answer_without_an_id_refuses_to_show_one():
    with pytest.raises(UsageError, match="no id"):
        output(format=OutputFormat.ID).show("words", {})


def test_a_query_filters_json():
    stream = Pipe()
    output(stream, query="[?n > `1`].n").json_array([{"n": 1}, {"n": 2}])
    assert json.loads(stream.getvalue()) == [2]


def test_a_query_asks_each_line():
    stream = Pipe()
    output(stream, query="n").jsonl([{"n": 1}, {"n": 2}])
    assert stream.getvalue() == "1\n2\n"


@pytest.mark.parametrize("query", ["[?", "foo(", ""], ids=repr)
def test_a_query_that_is_none_is_refused(query):
    with pytest.raises(UsageError, match="is not a JMESPath expression"):
        output(query=query)


def test_a_query_that_does_not_fit_is_refused():
    with pytest.raises(UsageError, match="does not fit"):
        output(query="abs(name)").json({"name": "x"})


def encoded(encoding: str, write) -> bytes:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding) as stream:
        write(output(stream))
        return raw.getvalue()


def test_text_that_the_stream_cannot_hold_is_spelled_out():
    assert encoded("ascii", lambda out: out.data("Grüße 🚀 \ud800")) == (
        b"Gr\\xfc\\xdfe \\U0001f680 \\ud800\n"
    )


def test_json_keeps_to_ascii_where_the_stream_does():
    assert encoded("ascii", lambda out: out.json("ü")) == b'"\\u00fc"\n'


def test_json_is_readable_where_the_stream_is_unicode():
    assert encoded("utf-8", lambda out: out.json("ü")) == '"ü"\n'.encode()


def test_a_lone_surrogate_survives_in_json():
    assert json.loads(encoded("utf-8", lambda out: out.json("a\ud800ü"))) == "a\ud800ü"


def test_a_reader_that_goes_away_ends_a_stream_of_rows():
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        with pytest.raises(BrokenPipeError):
            Output(stream, sys.stderr, environ={}).lines(["x"])
        Output(stream, sys.stderr, environ={}).lines(["y"])


def test_a_reader_that_goes_away_is_no_matter_for_one_answer():
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        Output(stream, sys.stderr, environ={}).data("x")


def test_a_real_terminal_is_recognised():
    leader, follower = pty.openpty()
    with os.fdopen(leader, "w"), os.fdopen(follower, "w") as stream:
        out = Output(stream, stream, environ={"TERM": "xterm-256color"})
        assert (out.is_terminal, out.is_rich, out.wants_progress) == (True, True, True)


def test_no_message_shows_a_key():
    stream = io.StringIO()
    out = Output(io.StringIO(), stream, verbose=True, environ={})
    for say in (out.talk, out.note, out.detail, out.hint, out.warn, out.error):
        say("https://h?code=S3CRET")
    assert (stream.getvalue().count("https://h?code=***"), "S3CRET" in stream.getvalue()) == (
        6,
        False,
    )


@pytest.mark.parametrize("stream", [Pipe(), Terminal()], ids=["pipe", "terminal"])
def test_a_cell_of_a_megabyte_is_shown_at_once_and_cut_on_a_terminal_only(stream):
    started = time.process_time()
    show_table(output(stream), Table(("id", "output"), [("a", "x" * 1_000_000)] * 4))
    assert time.process_time() - started < 2
    assert (stream.getvalue().count("x") == 4_000_000, "…" in stream.getvalue()) == (
        not stream.isatty(),
        stream.isatty(),
    )

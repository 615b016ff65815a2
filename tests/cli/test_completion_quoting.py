"""What a shell completes is one argument, exactly the value, whatever signs are in it: nothing in
it runs, or changes the command.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import tree_sitter_powershell
from terminal import Terminal, terminal
from tree_sitter import Language, Node, Parser

from durablectl.cli.framework.completion import answer
from durablectl.cli.framework.shell_words import complete_bash, read_bash, read_powershell
from durablectl.cli.session import open_session
from durablectl.quoting import powershell
from durablectl.render.output import Output

COMPLETIONS = Path(__file__).parents[2] / "completions"
SHELLS = {
    "bash": (
        ["--norc", "--noprofile", "-i"],
        "set -o histexpand; source {completions}/durablectl.bash",
    ),
    "zsh": (
        ["-f", "-i"],
        (
            "setopt extendedglob interactivecomments rcquotes; fpath=({completions} $fpath); autoload "
            "-U compinit; compinit -u -D"
        ),
    ),
    "fish": (["--no-config", "-i"], "source {completions}/durablectl.fish"),
}
# What is typed before the tab, and the one orchestrator that begins so.
HOSTILE = [
    ("a=", "a=`touch PWN`;touch PWN|touch PWN&touch PWN>PWN<PWN"),
    ("b:", "b:{x,y}[ab]*?(c)~#!-^%$HOME"),
    ("c", 'c it\'s "q" \\ back\\'),
    ("d", "d\ntouch PWN\n\x1b[31mé\u202e"),
    ("\\~", "~root"),
    ("'=", "=ls"),
    ('"g', "g:$(touch PWN)`touch PWN`!!\\\"'\n;x"),
    ("'h", "h:$(touch PWN)`touch PWN`!!\\\"'\n;x"),
    ("k\\", "k$(touch PWN)"),
    ('"l m"n:', "l mn:$(touch PWN)"),
    ("-- -", "-z;$(touch PWN)"),
]
EVERY_SIGN = "".join(map(chr, range(1, 128))) + "é\x80\u00a0\u2019\u202e\U0001f600"


@pytest.fixture
def names(project):
    """An app that has orchestrators of these names."""

    def write(*names: str) -> None:
        decorated = (
            f"@app.function_name(name={name!r})\n@app.orchestration_trigger(context_name='c')\ndef f(c): ...\n"
            for name in names
        )
        (project / "function_app.py").write_text("\n".join(decorated))

    return write


@contextmanager
def shell(name: str, project: Path) -> Iterator[Terminal]:
    """A shell with the completion of a `durablectl` that answers it, and that says what arrived
    when it is run.
    """
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    program = project.parent / "bin" / "durablectl"
    program.parent.mkdir()
    says = "import json, sys; print('arrived', json.dumps(sys.argv[1:]), 'whole')"
    program.write_text(
        f'#!/bin/sh\n[ -n "$_DURABLECTL_COMPLETE" ] && exec {sys.executable} -m durablectl '
        f'"$@"\n{sys.executable} -c "{says}" "$@"\n'
    )
    program.chmod(0o755)
    arguments, setup = SHELLS[name]
    environ = {"PS1": "> ", "HOME": str(project), "PATH": f"{program.parent}:{os.environ['PATH']}"}
    with terminal([found, *arguments], columns=2000, env=environ) as screen:
        screen.type(setup.format(completions=COMPLETIONS) + "; echo set-''up\n")
        screen.wait_for("set-up")
        yield screen


def arrived(screen: Terminal, typed: str) -> list[str]:
    """What the program got when a line was typed and entered."""
    before = len(screen.text)
    screen.type(f"{typed}\n")
    while (found := re.search(r"arrived (\[.*\]) whole", screen.text[before:])) is None:
        screen.wait_for(" whole", seconds=20, after=before)
    return json.loads(found[1])


@pytest.mark.parametrize("name", SHELLS)
def test_whatever_a_shell_completes_arrives_as_the_one_argument_that_it_is(names, project, name):
    names(*(value for _, value in HOSTILE))
    with shell(name, project) as screen:
        got = {typed: arrived(screen, f"durablectl start {typed}\t") for typed, _ in HOSTILE}
    assert got == {
        typed: ["start", *(["--"] if typed.startswith("--") else []), value]
        for typed, value in HOSTILE
    }
    assert not (project / "PWN").exists()


@pytest.mark.parametrize("name", SHELLS)
def test_what_several_candidates_begin_with_is_quoted_too(names, project, name):
    names("order:$(touch PWN);touch PWN #1", "order:$(touch PWN);touch PWN #2")
    with shell(name, project) as screen:
        got = arrived(screen, "durablectl start order:\t")
    assert got == ["start", "order:$(touch PWN);touch PWN #"]
    assert not (project / "PWN").exists()


@pytest.mark.parametrize("name", SHELLS)
def test_an_instance_is_completed_after_a_colon(run, names, project, name):
    (project / "function_app.py").write_text(
        "from durablectl import df\napp = "
        "df.DFApp()\n@app.orchestration_trigger(context_name='c')\ndef f(c): yield\n"
    )
    run("start", "f", "--instance-id", "order:$(echo>PWN)", "-q")
    with shell(name, project) as screen:
        assert arrived(screen, "durablectl status order:\t") == ["status", "order:$(echo>PWN)"]
    assert not (project / "PWN").exists()


@pytest.mark.parametrize("opening", ["", "'", '"', "$'"])
def test_bash_reads_back_what_is_completed_wherever_the_cursor_was(project, opening):
    """The value is typed up to each of its signs, as bash would have completed it, and then
    completed.
    """
    value, script = f"order:{EVERY_SIGN}:end", ["printf '%s\\0'"]
    for end in range(6, len(value)):
        line = f"durablectl status {opening}{value[:6]}"
        begun = line + _rest(line, value[:end]).removesuffix(opening.removeprefix("$"))
        script.append(begun.removeprefix("durablectl status ") + _rest(begun, value))
    done = subprocess.run(
        ["bash", "-c", " ".join(script)], capture_output=True, check=True, cwd=project
    )
    assert set(done.stdout.decode().split("\0")) == {value, ""}
    assert list(project.iterdir()) == []


def _rest(line: str, value: str) -> str:
    completed = complete_bash(value, read_bash(line), "")
    assert completed is not None
    return completed


def test_a_backslash_at_the_cursor_escapes_nothing_that_is_completed():
    for line, expected in (
        ("status k\\", "k\\$"),
        ('status "k\\', '"k\\$"'),
        ("status $'k\\", "$'k\\x24'"),
    ):
        word = line.removeprefix("status ")
        assert complete_bash("k$", read_bash(line), word) == expected


@pytest.mark.parametrize(
    "value",
    [
        EVERY_SIGN,
        *(value for _, value in HOSTILE),
        "--%",
        "@splat",
        "7f3a-1",
        "$(touch PWN)",
        "'",
        "’",
    ],
    ids=repr,
)
def test_powershell_reads_a_completed_value_as_one_string_by_its_grammar(value):
    text = powershell(value)
    tree = (
        Parser(Language(tree_sitter_powershell.language()))
        .parse(f"durablectl status {text} last".encode())
        .root_node
    )
    assert not tree.has_error
    (command,) = _nodes(tree, "command")
    *_, argument, last = (
        each
        for each in _nodes(command, "command_elements")[0].children
        if each.type != "command_argument_sep"
    )
    assert (argument.text.decode(), last.text) == (text, b"last")
    strings = [each.text.decode() for each in _nodes(argument, "verbatim_string_characters")]
    assert (argument.type, strings) in (("generic_token", []), ("array_literal_expression", [text]))
    assert read_powershell(f"durablectl status {text}").incomplete == value


def _nodes(node: Node, kind: str) -> list[Node]:
    return ([node] if node.type == kind else []) + [
        found for child in node.children for found in _nodes(child, kind)
    ]


@pytest.mark.parametrize(
    ("line", "incomplete"),
    [
        ("durablectl status 'it''s $(", "it's $("),
        ('durablectl status "a`"b$', 'a"b$'),
        ("durablectl status a` b", "a b"),
        ("durablectl status ", ""),
    ],
    ids=str,
)
def test_an_unfinished_line_is_read_as_powershell_does(line, incomplete):
    typed = read_powershell(line)
    assert (typed.words, typed.incomplete) == (["durablectl", "status"], incomplete)


def answered(capsys: pytest.CaptureFixture[str], shell: str, line: str, word: str = "") -> str:
    environ = {"_DURABLECTL_COMPLETE": shell, "_DURABLECTL_LINE": line, "_DURABLECTL_WORD": word}
    assert answer(Output(sys.stdout, sys.stderr), environ, line.split(" ")[1:], open_session) == 0
    return capsys.readouterr().out


def test_powershell_is_answered_in_json_that_any_code_page_can_carry(names, capsys):
    names("o'é\n", "other")
    first, second = map(
        json.loads, answered(capsys, "powershell", "durablectl start o").splitlines()
    )
    assert first == {"text": "'o''é\n'", "value": "o'é\n", "shown": "o'é\\n", "help": "o'é\\n"}
    assert second["text"] == "other"


def test_fish_is_not_offered_what_it_would_cut_at_a_tab(names, capsys):
    names("o\tx", "other")
    assert answered(capsys, "fish", "durablectl start o") == "other\t\0"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_a_value_that_begins_as_an_option_is_not_offered_as_an_argument(names, capsys, shell):
    names("--hub=evil.db", "-q", "order", "nul\0", "half\ud800")
    assert [
        word
        for word in re.split(r"[^a-z.=-]+", answered(capsys, shell, "durablectl start "))
        if "evil" in word or "q" in word
    ] == []
    assert "order" in answered(capsys, shell, "durablectl start ")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_value_of_a_long_option_is_completed_behind_its_equals_sign(capsys, shell):
    assert answered(capsys, shell, "durablectl list --status=Run").startswith("--status=Running")


def test_bash_completes_the_value_of_a_long_option_behind_its_word_break(capsys):
    assert answered(capsys, "bash", "durablectl list --status=Run", "Run") == "Running\n"


def test_what_a_shell_shows_of_a_value_holds_no_escape_sequence(names, capsys):
    names("o\x1b[31m")
    assert answered(capsys, "zsh", "durablectl start o").split("\0")[1] == "o\\x1b[31m"
    assert "\x1b" not in answered(capsys, "bash", "durablectl start o", "o")

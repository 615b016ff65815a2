"""Every command that is printed as a next step works on the hub that this one was given."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import durablectl
from durablectl.cli.framework.command_table import SUMMARIES

PRINTED = re.compile(rf"durablectl ({'|'.join(SUMMARIES)})(?![\w-])[^`\n]*")
# documentation: the commands in it are examples
DOCUMENTS = {"help_text.py", "skill.py", "global_options.py", "shapes.py"}
# names of commands, not commands to run: a reason, a title
TITLES = {"durablectl wait timed out", "durablectl replay", "durablectl wait"}


EXAMPLE = "\n      durablectl "


def texts(file: Path) -> list[str]:
    """The strings of a module that are printed: all but docstrings and helps."""
    tree = ast.parse(file.read_text())
    skipped = {id(part) for node in ast.walk(tree) for part in _documentation(node)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if id(node) not in skipped and node.value not in TITLES and EXAMPLE not in node.value
    ]


def _documentation(node: ast.AST) -> list[ast.AST]:
    if isinstance(node, ast.Expr):
        return [node.value]
    if isinstance(node, ast.keyword) and node.arg == "help":
        return list(ast.walk(node.value))
    return []


def unclear(text: str) -> bool:
    """Whether a command in a text is not seen as one, or where it ends: it needs backticks."""
    return any(
        not re.search(r"(^|`|: |\bor )$", text[: each.start()])
        or (not text[: each.start()].endswith("`") and re.search(r"[,;] ", each[0]))
        for each in PRINTED.finditer(text)
    )


def test_each_command_in_a_text_stands_where_its_hub_is_added():
    files = sorted(Path(durablectl.__file__).parent.rglob("*.py"))
    read = {file: texts(file) for file in files if file.name not in DOCUMENTS}
    assert [(file.name, text) for file in read for text in read[file] if unclear(text)] == []
    assert sum(bool(PRINTED.search(text)) for found in read.values() for text in found) > 40


FAILING = [
    ("status", "x"),
    ("list",),
    ("why", "x"),
    ("history", "x"),
    ("terminate", "x"),
    ("raise-event", "x"),
    ("restart", "x"),
    ("import", "x"),
    ("doctor",),
    ("start",),
    ("replay",),
    ("hub", "check"),
    ("purge",),
    ("entity", "get", "@a@b"),
]


@pytest.mark.parametrize("there", [True, False], ids=["a hub", "no hub"])
@pytest.mark.parametrize("words", FAILING, ids=" ".join)
def test_a_hint_repeats_the_hub_that_was_given(app, run, words, there):
    if there:
        run("start", "approval", "--instance-id", "a", "--hub", "x y.db")
    code, out, err = run(*words, "--hub", "x y.db")
    for each in PRINTED.finditer(out + err):
        assert "--hub 'x y.db'" in each[0]
    assert code in (0, 1, 2, 3, 6)


def test_json_errors_repeat_it_too(app, run):
    err = run("status", "x", "--hub", "x.db", "-o", "json").err
    assert '"hint": "a start makes one: durablectl start --hub x.db NAME"' in err


def test_a_hub_that_was_found_is_not_named(app, run):
    assert "durablectl start NAME" in run("status", "x").err

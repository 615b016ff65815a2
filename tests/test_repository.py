"""The repository as a whole: what its documents say is so, and its modules keep to the layout."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import durablectl
from durablectl.cli.framework.command_table import PROGRAM, SUMMARIES
from durablectl.cli.framework.groups import root

ROOT = Path(__file__).parents[1]
TOP_LEVEL = {
    *("CHANGELOG.md", "Dockerfile", "LICENSE", "README.md", "action.yml", "pyproject.toml"),
    *("benchmarks", "completions", "docs", "durablectl", "examples", "man", "tests"),
}
README = (ROOT / "README.md").read_text(encoding="utf-8")
MODULES = sorted((ROOT / "durablectl").rglob("*.py"))
MOST_IMPORTS_IN_FUNCTIONS = 40
SHELL_ENDS = {"|", "||", "&&", ">", ";"}


def command_lines(text: str) -> Iterator[list[str]]:
    """The arguments of each line that calls durablectl, as far as the shell does not take over."""
    for line in text.splitlines():
        words = (
            shlex.split(line.strip().removeprefix("$ "))
            if re.match(r"\s*(\$ )?(durablectl|python3 -m venv) ", line)
            else []
        )
        calls = [
            index for index, word in enumerate(words) if word in (PROGRAM, f".venv/bin/{PROGRAM}")
        ]
        for start in calls:
            rest = words[start + 1 :]
            yield rest[
                : next((index for index, word in enumerate(rest) if word in SHELL_ENDS), len(rest))
            ]


def blocks(language: str) -> str:
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL))


def parse(arguments: list[str]) -> Any:
    """The click context of a command line; raises for a command or an option that is not there."""
    context = root().make_context(PROGRAM, list(arguments))
    command, rest = context.command, list(arguments)
    while hasattr(command, "resolve_command"):
        name, command, rest = command.resolve_command(context, rest)
        context = command.make_context(name, rest, parent=context)
        rest = (
            [*context._protected_args, *context.args] if hasattr(command, "resolve_command") else []
        )
    return context


README_LINES = list(command_lines(blocks("sh") + blocks("console")))


@pytest.mark.parametrize("arguments", README_LINES, ids=" ".join)
def test_every_command_line_of_the_readme_is_one(arguments):
    assert parse(arguments).command is not None


def test_every_command_is_in_the_readme():
    assert [name for name in SUMMARIES if f"`{name}`" not in README] == []


def test_every_public_name_is_exported_and_sorted():
    assert dir(durablectl) == sorted(durablectl.__all__)
    assert [name for name in durablectl.__all__ if getattr(durablectl, name) is None] == []


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'durablectl' has no attribute 'nothing'"):
        _ = durablectl.nothing


@pytest.mark.parametrize("mark", ["main job", "tests"])
def test_the_readme_sets_up_a_bare_machine_in_one_line(mark):
    (block,) = re.findall(rf"<!-- ci: {mark} -->\n```sh\n(.*?)```", README, re.DOTALL)
    assert block.startswith("python3 -m venv .venv && .venv/bin/pip install")
    assert len(block.splitlines()) == 1


def test_every_link_of_the_readme_leads_somewhere():
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_readme_and_the_tool_agree_on_the_exit_codes():
    from durablectl.cli.framework.exit_codes import ExitCode

    table = README[README.index("| exit code |") :].split("\n\n")[0]
    assert {int(number) for number in re.findall(r"\| (\d+) \|", table)} == {
        int(code) for code in ExitCode
    }


def test_the_changelog_begins_with_what_is_not_released():
    versions = re.findall(
        r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert versions[0] == "Unreleased"


def test_no_module_is_longer_than_a_reader_is_patient():
    texts = {path: path.read_text(encoding="utf-8") for path in MODULES}
    assert [path for path, text in texts.items() if len(text.splitlines()) > 450] == []
    assert [path for path, text in texts.items() if not text.startswith(('"""', "#"))] == []


def test_few_functions_import():
    """They defer what is slow to load; each is a place where a reader does not look for imports."""
    found = {
        (path.name, each.lineno)
        for path in MODULES
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for each in ast.walk(function)
        if isinstance(each, ast.Import | ast.ImportFrom)
    }
    assert len(found) <= MOST_IMPORTS_IN_FUNCTIONS, sorted(found)


def test_every_step_of_the_checks_can_be_run_alone():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    listed = subprocess.run(
        [ROOT / ".ci" / "run", "--help"], capture_output=True, text=True, check=True
    ).stdout.partition("steps:\n")[2]
    functions = [
        name.replace("_", "-") for name in re.findall(r"^step_(\w+)\(\)", script, re.MULTILINE)
    ]
    assert [line.split()[0] for line in listed.splitlines()] == functions


def test_the_top_level_holds_what_belongs_there():
    there = {path.name for path in ROOT.iterdir() if path.name[0] != "."}
    assert there - {"__pycache__", "build", "dist"} == TOP_LEVEL


def test_the_pages_for_contributors_name_every_room_and_only_files_that_are_there():
    pages = (ROOT / "docs" / "contributing").glob("*.md")
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    named = {name for name in re.findall(r"`([a-z]\w*/[\w./-]*)`", text) if "N" not in name}
    package = ROOT / "durablectl"
    gone = [name for name in named if not any((at / name).exists() for at in (package, ROOT))]
    rooms = {f"{path.parent.relative_to(package)}/" for path in package.glob("*/**/__init__.py")}
    assert (gone, rooms - named) == ([], set())


def test_an_unknown_step_is_refused_with_the_list():
    done = subprocess.run(
        [ROOT / ".ci" / "run", "ruff", "nope"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, "newer-python" in done.stderr) == (2, "", True)


def test_every_import_is_allowed():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_a_new_process_finds_the_library_typed_and_quick():
    code = (
        "import sys, durablectl; print(sorted(name for name in sys.modules if "
        "name.startswith('durablectl')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['durablectl']\n"
    assert (ROOT / "durablectl" / "py.typed").is_file()

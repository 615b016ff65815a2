"""The pages of docs/ as scripts: their blocks become files, commands and what these have to
print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(
    r"(?:<!-- (?P<mark>[^\n]*?) -->\n+)?^```(?P<language>\w+)\n(?P<text>.*?)^```$|^<!-- "
    r"setup\n(?P<setup>.*?)^-->$",
    re.M | re.S,
)
_CHANGING = (
    (re.compile(r"\b[0-9a-f]{32}\b"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?"), "<time>"),
    (re.compile(r"\b\d+(\.\d+)? (s|ms|min)\b( \d+ s)?"), "<duration>"),
)
# which hub it is; that a job was killed
_NOT_SHOWN = re.compile(r"using |bash: line \d+: +\d+ Killed")
_PROGRESS = re.compile(r"^\S+: [A-Z].* \[<duration>\]$")
_UNTIL_IT_ANSWERS = """
import sys, time, urllib.error, urllib.request
for _ in range(300):
    try:
        sys.exit(urllib.request.urlopen(sys.argv[1]).status != 200)
    except urllib.error.HTTPError as refusal:
        sys.exit(refusal.code != 401)  # it is there, and asks who we are
    except OSError:
        time.sleep(0.1)
sys.exit("nothing answers")
"""


@dataclass(frozen=True)
class Step:
    """One thing that a reader does: a bash script, what it prints (None: whatever), and the line it
    stands on.
    """

    script: str
    expected: str | None
    line: int


@dataclass(frozen=True)
class Skipped:
    """A block that is shown and not run, and why."""

    reason: str
    line: int


def steps(page: Path) -> list[Step | Skipped]:
    """What a reader of the page does, from top to bottom."""
    text = page.read_text(encoding="utf-8")
    found: list[Step | Skipped] = []
    for block in _BLOCK.finditer(text):
        found += _block(block, text.count("\n", 0, block.start()) + 1)
    return found


def _block(block: re.Match[str], line: int) -> Iterator[Step | Skipped]:
    mark, language, text = block["mark"] or "", block["language"], block["text"]
    if block["setup"]:
        yield Step(block["setup"], None, line)
    elif mark.startswith("not run: "):
        yield Skipped(mark.removeprefix("not run: "), line)
    elif mark == "ci: tests":
        yield Skipped("a step of .ci/run is this line", line)
    elif mark.startswith("until stopped: "):
        yield Step(_in_background(text, mark.removeprefix("until stopped: ")), None, line)
    elif mark.startswith("file: "):
        yield _file(mark.removeprefix("file: "), text, line)
    elif language == "python" and (named := re.match(r"# ([\w.]+\.py)\n", text)):
        yield _file(named[1], text, line)
    elif language == "python":
        yield Step(f"python - <<'END_OF_BLOCK'\n{text}END_OF_BLOCK", None, line)
    elif language == "sh":
        yield Step(text, None, line)
    elif language == "console":
        yield from _console(text, line)
    elif language == "yaml":
        yield from (Step(script, None, line) for script in _scripts(yaml.safe_load(text)))


def _file(name: str, text: str, line: int) -> Step:
    return Step(f"cat > '{name}' <<'END_OF_BLOCK'\n{text}END_OF_BLOCK", None, line)


def _in_background(text: str, address: str) -> str:
    """Run a block whose last command goes on until it is stopped, and wait until something answers
    at the address.
    """
    *before, last = text.splitlines()
    return "\n".join(
        [
            *before,
            f"{last} &",
            f"python - {address} <<'END_OF_BLOCK'\n{_UNTIL_IT_ANSWERS}END_OF_BLOCK",
        ]
    )


def _console(text: str, line: int) -> Iterator[Step]:
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        first, *rest = part.splitlines()
        more = next(
            (number for number, each in enumerate(rest) if not each.startswith("> ")), len(rest)
        )
        command = "\n".join([first, *(each.removeprefix("> ") for each in rest[:more])])
        yield Step(command, "\n".join(rest[more:]).strip("\n") or None, line)


def _scripts(value: Any) -> Iterator[str]:
    """The shell steps of a pipeline, each with its variables."""
    if isinstance(value, dict):
        if script := value.get("run") or value.get("bash"):
            exports = "".join(
                f"export {name}={_variable(str(text))}\n"
                for name, text in value.get("env", {}).items()
            )
            yield f"(\nset -euo pipefail\n{exports}{script}\n)"
        for inner in value.values():
            yield from _scripts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _scripts(inner)


def _variable(text: str) -> str:
    named = re.fullmatch(r"\$\{\{ secrets\.(\w+) \}\}|\$\((\w+)\)", text)
    return f'"${named[1] or named[2]}"' if named else f"'{text}'"


def uses(value: Any) -> Iterator[dict[str, Any]]:
    """The steps of a pipeline that call the action or the template."""
    if isinstance(value, dict):
        if "uses" in value or "template" in value:
            yield value
        for inner in value.values():
            yield from uses(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from uses(inner)


def pipelines(page: Path) -> list[Any]:
    return [
        yaml.safe_load(block["text"])
        for block in _BLOCK.finditer(page.read_text(encoding="utf-8"))
        if block["language"] == "yaml"
    ]


def is_as_shown(expected: str, printed: str) -> bool:
    """Whether this was printed.

    A line `...` stands for any lines, `...` within a line for any text; ids, times and durations
    differ, and what the progress says depends on the machine. The line that names the hub need not
    be shown.
    """
    shown = [line for line in _fixed(expected) if not _PROGRESS.search(line)]
    lines = [
        line
        for line in _fixed(printed)
        if not _PROGRESS.search(line) and not (_NOT_SHOWN.match(line) and line[:6] != shown[0][:6])
    ]
    pattern = "".join(
        r"(?:.*\n)*?" if line == "..." else ".*?".join(map(re.escape, line.split("..."))) + r"\n"
        for line in shown
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in lines)) is not None


def _fixed(text: str) -> list[str]:
    for pattern, replacement in _CHANGING:
        text = pattern.sub(replacement, text)
    return [line.rstrip() for line in text.strip("\n").splitlines()]

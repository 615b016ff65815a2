"""What the shell's completion is told: commands, options, and names that can be known at once. Silent on failure, asks no network."""

from __future__ import annotations

import ast
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from durablectl.cli.tree import GIVEN, PROGRAM, root
from durablectl.render.output import Output
from durablectl.render.safe import safe_line

VARIABLE = "_DURABLECTL_COMPLETE"
SHELLS = {"bash": "durablectl.bash", "zsh": "durablectl.zsh", "fish": "durablectl.fish", "powershell": "durablectl.ps1"}
MOST = 50
_Hook = TypeVar("_Hook", bound=Callable[..., list[str]])


class Candidate(NamedTuple):
    """One answer."""

    value: str
    help: str = ""


def script(shell: str) -> str:
    """The completion script of a shell."""
    return (Path(__file__).parent / "shells" / SHELLS[shell]).read_text(encoding="utf-8")


def answer(out: Output, environ: Mapping[str, str], arguments: list[str]) -> int:
    """Answer the shell that set `_DURABLECTL_COMPLETE`: one candidate a line. Never fails."""
    shell = environ[VARIABLE]
    try:
        line = environ.get("_DURABLECTL_LINE")
        words = arguments if line is None else split(line)[1:]
        *before, incomplete = words or [""]
        found = candidates(before, incomplete)
        out.lines(_written(shell, found, incomplete, environ.get("_DURABLECTL_WORD")))
    except Exception:
        return 1
    return 0


def candidates(before: list[str], incomplete: str) -> list[Candidate]:
    """What may stand where `incomplete` is begun, after the words `before`."""
    from typer._completion_classes import BashComplete  # deferred: brings what only completion needs

    if incomplete.startswith("@") and "@" not in incomplete[1:]:
        return [Candidate(f"@{path}") for path in _paths(incomplete[1:])]
    os.environ.pop(VARIABLE, None)  # an app or a key command that is run must not answer, too
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):  # noqa: PTH123 - no path of ours
        items = BashComplete(root(), {}, PROGRAM, VARIABLE).get_completions(before, incomplete)
    found = []
    for item in items:
        if item.type in ("file", "dir"):
            found += [Candidate(path) for path in _paths(incomplete)]
        else:
            found.append(Candidate(item.value, (item.help or "").partition("\n")[0]))
    return found


def split(line: str) -> list[str]:
    """The words of a line that may end within one; the last is the one under the cursor, empty after a blank."""
    for closing in ("", '"', "'", "\\"):
        try:
            words = shlex.split(line + closing)
        except ValueError:
            continue
        return [*words, ""] if not closing and line[-1:].isspace() and not line.endswith("\\ ") else words
    return line.split()


def _written(shell: str, found: Iterable[Candidate], incomplete: str, word: str | None) -> Iterator[str]:
    for value, help in ((safe_line(each.value), safe_line(each.help)) for each in found):
        if shell == "zsh":
            yield f"{value.replace(':', chr(92) + ':')}:{help}" if help else value.replace(":", "\\:")
        elif shell == "bash":
            yield _after_break(value, incomplete, word)
        else:
            yield f"{value}\t{help}" if help else value


def _after_break(value: str, incomplete: str, word: str | None) -> str:
    """The part of a value that bash replaces: it breaks words at ':' and '='."""
    rest = "" if word in (None, ":", "=") else word or ""
    done = incomplete.removesuffix(rest) if incomplete.endswith(rest) else ""
    if word is not None and done and value.startswith(done) and done[-1:] in ":=":
        return value.removeprefix(done)
    return shlex.quote(value) if any(sign in value for sign in " ()&;|<>$`'\"\\*?") else value


def _paths(incomplete: str) -> list[str]:
    folder, _, start = incomplete.rpartition("/")
    where = Path(f"{folder}/" if folder or incomplete.startswith("/") else ".").expanduser()
    shown = incomplete[: len(incomplete) - len(start)]
    entries = sorted(where.iterdir()) if where.is_dir() else []
    named = [entry for entry in entries if entry.name.startswith(start) and (start.startswith(".") or not entry.name.startswith("."))]
    return [f"{shown}{entry.name}{'/' if entry.is_dir() else ''}" for entry in named]


def silent(hook: _Hook) -> _Hook:
    """A hook that finds nothing where it fails: a completion must never disturb the line that is being typed."""

    @wraps(hook)
    def found(*args: Any, **kwargs: Any) -> list[str]:
        try:
            return hook(*args, **kwargs)
        except Exception:
            return []

    return found  # type: ignore[return-value]


def _session(ctx: Any) -> Any:
    from durablectl.cli.session import open_session  # deferred: only names of the hub need it

    return open_session(ctx.meta.get(GIVEN, {}))


@silent
def contexts(incomplete: str) -> list[str]:
    """The names of the user's contexts."""
    from durablectl import config  # deferred: only this hook needs it

    return [name for name in config.read_user_file(config.default_user_file()).contexts if name.startswith(incomplete)]


def instances(ctx: Any, incomplete: str) -> list[str]:
    """The ids of a local hub's instances."""
    return _instances(ctx, incomplete)


@silent
def _instances(ctx: Any, incomplete: str) -> list[str]:
    from durablectl.model import InstanceFilter  # deferred, as above

    session = _session(ctx)
    try:
        if not session.is_local:
            return []
        page = session.hub.list_page(InstanceFilter(prefix=incomplete), top=MOST)
        return [status.instance_id for status in page]
    finally:
        session.close()


def orchestrators(ctx: Any, incomplete: str) -> list[str]:
    """The names of the app's orchestrators, read without running it."""
    return _orchestrators(ctx, incomplete)


@silent
def _orchestrators(ctx: Any, incomplete: str) -> list[str]:
    app = _session(ctx).app_path
    file = app / "function_app.py" if app is not None and app.is_dir() else app
    names = [] if file is None else declared_orchestrators(file.read_text(encoding="utf-8"))
    return [name for name in names if name.lower().startswith(incomplete.lower())]


def declared_orchestrators(source: str) -> list[str]:
    """The names of the functions that a module's source decorates as orchestrators."""
    found = []
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        marks = {
            mark.func.attr: mark for mark in function.decorator_list if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute)
        }
        if "orchestration_trigger" in marks:
            found.append(_given_name(marks) or function.name)
    return found


def _given_name(marks: Mapping[str, ast.Call]) -> str | None:
    """The name in `@app.function_name(…)` or `orchestration_trigger(…, orchestration=…)`."""
    for mark, keyword in (("function_name", "name"), ("orchestration_trigger", "orchestration")):
        if mark not in marks:
            continue
        arguments = [each.value for each in marks[mark].keywords if each.arg == keyword] or (
            marks[mark].args[:1] if keyword == "name" else []
        )
        if arguments and isinstance(arguments[0], ast.Constant) and isinstance(arguments[0].value, str):
            return arguments[0].value
    return None


def current_shell(environ: Mapping[str, str]) -> str | None:
    """The shell that the user has, if it is one that we know."""
    name = Path(environ.get("SHELL", "")).name
    if name in SHELLS:
        return name
    return "powershell" if name == "pwsh" or (sys.platform == "win32" and "PSModulePath" in environ) else None

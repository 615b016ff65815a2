"""What a shell is told, and the scripts that ask."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import tree_sitter_powershell
from scripted_server import scripted_server, status
from terminal import terminal
from tree_sitter import Language, Parser

from durablectl.cli.framework import completion
from durablectl.cli.framework.shell_scripts import script
from durablectl.cli.framework.shell_words import read_bash
from durablectl.cli.session import open_session
from durablectl.functionapp.source_names import declared_orchestrators

REPOSITORY = Path(__file__).parents[2]
FILES = {
    "bash": "durablectl.bash",
    "zsh": "_durablectl",
    "fish": "durablectl.fish",
    "powershell": "durablectl.ps1",
}
APP = """
import azure.durable_functions as df
app = df.DFApp()
@app.orchestration_trigger(context_name="context")
def order(context): yield
@app.function_name(name="Pay")
@app.orchestration_trigger(context_name="context")
def pay_it(context): yield
@app.orchestration_trigger(context_name="context", orchestration="ship")
def ship_it(context): yield
@app.activity_trigger(input_name="x")
def other(x): return x
raise SystemExit("completion must not run this")
"""


WAITING = """
from durablectl import df
app = df.DFApp()

@app.orchestration_trigger(context_name="context")
def hello(context):
    return "hello"

@app.orchestration_trigger(context_name="context")
def approval(context):
    return (yield context.task_all([context.wait_for_external_event("Approve"), context.wait_for_external_event("Approve"[::-1])]))
"""


@pytest.fixture
def app(project):
    """A project whose orchestrators wait for events."""
    (project / "function_app.py").write_text(WAITING)
    return project


STEPS = """
from durablectl import df
app = df.DFApp()

@app.orchestration_trigger(context_name="context")
def order(context):
    for name in ("pay", "pay", "ship"):
        yield context.call_activity(name)

@app.activity_trigger(input_name="nothing")
def pay(nothing): pass

@app.activity_trigger(input_name="nothing")
def ship(nothing): pass
"""


@pytest.fixture
def server():
    with scripted_server() as server:
        yield server


def values(before: list[str], incomplete: str) -> list[str]:
    return [
        candidate.value for candidate in completion.candidates(before, incomplete, open_session)
    ]


@pytest.mark.parametrize("shell", FILES)
def test_the_scripts_in_the_repository_are_current(shell):
    assert (REPOSITORY / "completions" / FILES[shell]).read_text() == script(shell)


@pytest.mark.parametrize(
    ("before", "incomplete", "expected"),
    [
        ([], "st", ["start", "status"]),
        (["context"], "", ["add", "use", "list", "show", "remove"]),
        (["context", "list", "-o"], "j", ["json", "jsonl"]),
        (["--color"], "", ["auto", "always", "never"]),
        (["--hub", "x.db", "context"], "a", ["add"]),
        (["-o", "json", "completion", "show"], "p", ["powershell"]),
    ],
    ids=str,
)
def test_commands_options_and_values_are_known(before, incomplete, expected):
    assert values(before, incomplete) == expected


@pytest.mark.parametrize("command", ["links", "worker"])
def test_global_options_are_known_after_every_command(command):
    assert {"--hub", "--context", "--output", "--help"} <= set(values([command], "--"))


def test_contexts_are_known(run):
    run("context", "add", "prod", "--url", "https://x.example")
    assert values(["--context"], "p") == ["prod"]
    assert values(["context", "use"], "") == ["prod"]


def test_orchestrators_are_read_without_running_the_app():
    assert declared_orchestrators(APP) == ["order", "Pay", "ship"]


def test_files_are_known_after_an_at_sign(project):
    (project / "run.json").touch()
    (project / "runs").mkdir()
    assert values(["links"], "@ru") == ["@run.json", "@runs/"]


def test_the_steps_of_an_instance_are_known(run, project):
    (project / "function_app.py").write_text(STEPS)
    assert run("run", "order", "--instance-id", "o-1").code == 0
    assert values(["restart", "o-1", "--from"], "") == ["1", "2", "3", "4", "5", "ship"]
    assert values(["restart", "o-1", "--from"], "s") == ["ship"]


@pytest.mark.parametrize("broken", ["contexts.toml", "durablectl.toml"])
def test_a_broken_file_completes_to_nothing(run, user_file, project, broken):
    file = user_file if broken == "contexts.toml" else project / broken
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("= broken")
    assert values(["links"], "") == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("durablectl st", ["durablectl", "st"]),
        ("durablectl status ", ["durablectl", "status", ""]),
        ("durablectl status 'a b", ["durablectl", "status", "a b"]),
        ('durablectl --query "[?a', ["durablectl", "--query", "[?a"]),
        ("durablectl a\\ ", ["durablectl", "a "]),
        ("durablectl '' $'a\\x0ab' c", ["durablectl", "", "a\nb", "c"]),
    ],
    ids=str,
)
def test_an_unfinished_line_is_split_as_a_shell_would(line, words):
    typed = read_bash(line)
    assert [*typed.words, typed.incomplete] == words


def answer(shell: str, *words: str, **environ: str) -> str:
    command = [sys.executable, "-m", "durablectl", *words]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "_DURABLECTL_COMPLETE": shell, **environ},
    )
    assert done.stderr == ""
    return done.stdout


def test_each_shell_is_answered_in_its_own_form():
    help = "Show the status of an instance."
    assert answer("fish", "stat") == f"status\t{help}\0"
    assert answer("zsh", "stat") == f"status\0status  -- {help}\0"
    assert answer("bash", _DURABLECTL_LINE="durablectl stat", _DURABLECTL_WORD="stat") == "status\n"
    expected = {"text": "status", "value": "status", "shown": "status", "help": help}
    assert json.loads(answer("powershell", _DURABLECTL_LINE="durablectl stat")) == expected


def test_a_completion_of_the_version_option_prints_no_version():
    assert answer("zsh", "--version") == "--version\0--version  -- Print the version and exit.\0"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_is_accepted_by_its_shell(shell):
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([program, "-n", str(REPOSITORY / "completions" / FILES[shell])], check=True)


@pytest.fixture
def program(tmp_path, monkeypatch):
    """`durablectl` on the path, as a shell finds it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "durablectl"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m durablectl "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return program


def installed(shell):
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    return found


def test_bash_completes_for_real(program):
    script = f"""
        source {REPOSITORY / "completions" / "durablectl.bash"}
        COMP_LINE="durablectl context re" COMP_POINT=21
        _durablectl {program} re context
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "remove\n"


@pytest.mark.parametrize(
    ("shell", "arguments", "setup"),
    [
        ("bash", ["--norc", "--noprofile", "-i"], "source {completions}/durablectl.bash"),
        ("zsh", ["-f", "-i"], "fpath=({completions} $fpath); autoload -U compinit; compinit -u -D"),
        ("fish", ["--no-config", "-i"], "source {completions}/durablectl.fish"),
    ],
    ids=["bash", "zsh", "fish"],
)
def test_a_tab_completes_a_command_and_an_instance_at_the_prompt(
    run, program, app, shell, arguments, setup
):
    run("start", "approval", "--instance-id", "order:7", "-q")
    with terminal(
        [installed(shell), *arguments], env={"PS1": "ready> ", "HOME": str(app)}
    ) as screen:
        screen.type(setup.format(completions=REPOSITORY / "completions") + "; echo set-''up\n")
        screen.wait_for("set-up")
        screen.type("durablectl term\t")
        screen.wait_for("inate")
        screen.type("ord\t")
        screen.wait_for("er")
        screen.type(" --yes --dry-run -o id\n")
        screen.wait_for("nothing was changed")
        assert "order:7" in screen.text.replace("\\", "")


def test_fish_is_told_what_a_command_does(program):
    script = (
        f"source {REPOSITORY / 'completions' / 'durablectl.fish'}; complete -C 'durablectl stat'"
    )
    done = subprocess.run(
        [installed("fish"), "--no-config", "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "status\tShow the status of an instance.\n"


def test_the_powershell_script_is_valid_by_the_languages_grammar():
    """Where no PowerShell is installed, its grammar is the judge."""
    script = (REPOSITORY / "completions" / "durablectl.ps1").read_bytes()
    parser = Parser(Language(tree_sitter_powershell.language()))
    assert not parser.parse(script).root_node.has_error
    assert parser.parse(script.replace(b"} finally {", b"finally {{")).root_node.has_error


def test_powershell_can_read_its_script():
    parse = (
        "[void][System.Management.Automation.Language.Parser]::ParseFile($args[0], "
        "[ref]$null, [ref]$errors)"
    )
    check = f"$errors = $null; {parse}; $errors.Count"
    script = REPOSITORY / "completions" / "durablectl.ps1"
    done = subprocess.run(
        [installed("pwsh"), "-NoProfile", "-Command", f"& {{ {check} }} {script}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "0"


def test_instances_of_a_local_hub_are_known_by_their_beginning(run, app):
    for name in ("order-1", "order-2", "other"):
        run("start", "approval", "--instance-id", name, "-q")
    assert values(["history"], "ord") == ["order-1", "order-2"]
    assert values(["wait", "order-1"], "oth") == ["other"]


def test_events_that_the_app_waits_for_are_known(run, app):
    run("start", "approval", "--instance-id", "a-1", "-q")
    assert values(["raise-event"], "a") == ["a-1"]
    assert values(["raise-event", "a-1"], "") == ["Approve"]
    assert values(["raise-event", "a-1", "Approve"], "") == []
    assert values(["raise-event", "--event"], "App") == ["Approve"]


def test_events_that_an_instance_has_had_are_known(run, app):
    run("start", "approval", "--instance-id", "a-1", "-q")
    run("raise-event", "a-1", "Hurry", "-q")
    run("worker", "--until-idle", "-q")
    assert set(values(["raise-event", "a-1"], "")) == {"Approve", "Hurry"}


def test_the_names_of_statuses_and_orchestrators_are_known_in_filters(run, app):
    assert values(["list", "--status"], "Run") == ["Running"]
    assert values(["list", "--name"], "he") == ["hello"]


def test_a_remote_hub_is_asked_only_where_its_context_says_so(run, server):
    server.on("GET", "/instances", (200, [status("order-7")]))
    run("context", "add", "still", "--url", server.url)
    run("context", "add", "asked", "--url", server.url, "--completion-network")
    assert (values(["--context", "still", "status"], ""), server.asked) == ([], [])
    assert values(["--context", "asked", "status"], "") == ["order-7"]


def test_an_id_that_would_be_read_as_a_file_or_an_address_is_not_offered(run, server):
    ids = ["@/etc/passwd", "https://evil.example/instances/x", "order-7", "-", "--yes"]
    server.on("GET", "/instances", (200, [status(each) for each in ids]))
    run("context", "add", "asked", "--url", server.url, "--completion-network")
    assert values(["--context", "asked", "status"], "") == ["order-7"]


def test_a_remote_hub_that_is_slow_completes_to_nothing_in_time(run, server):
    late = threading.Event()
    server.otherwise = lambda _request: late.wait(5) and (200, [])
    run("context", "add", "slow", "--url", server.url, "--completion-network")
    began = time.monotonic()
    assert values(["--context", "slow", "status"], "") == []
    assert time.monotonic() - began < 2
    late.set()


def test_a_script_is_shown_and_installed(run, home):
    assert run("completion", "show", "bash").out == script("bash")
    code, out, err = run("completion", "install", env={"SHELL": "/usr/bin/fish"})
    target = home / ".config" / "fish" / "completions" / "durablectl.fish"
    assert (code, out, err) == (0, "", f"written: {target}\nhint: open a new shell\n")
    assert target.read_text() == script("fish")


@pytest.mark.parametrize("shell", FILES)
def test_a_script_can_be_installed_for_every_shell(run, shell):
    code, _out, err = run("completion", "install", shell)
    assert code == 0
    written = Path(err.splitlines()[0].removeprefix("written: "))
    assert written.read_text() == script(shell)


def test_an_unknown_shell_is_told_the_known_ones(run):
    assert run("completion", "show", "tcsh") == (
        2,
        "",
        (
            "durablectl: there is no completion for 'tcsh'\nhint: name one of bash, zsh, fish, "
            "powershell\n"
        ),
    )


def test_without_a_shell_one_must_be_named(run):
    assert run("completion", "install", env={"SHELL": ""}).code == 2

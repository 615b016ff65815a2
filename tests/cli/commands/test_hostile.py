"""What a hub holds is data: no escape sequence, markup, direction mark or runner's command in it
does anything, in any view.
"""

import json
import os
import pty
import re
import subprocess
import sys

import pytest
from scripted_server import status

ESCAPES = "\x1b[2J\x1b]0;owned\x07\x9b31m\r\x08"
MARKUP = "[bold red]red[/] [link=http://evil.example]click[/link]"
BACKWARDS = "\u202egnp.exe\u202c\u2066x\u2069\u200f"
RUNNER = "\n::error::owned\n##vso[task.setvariable variable=x]owned\n##[command]owned"
ALONE = "\ud83d lone \udc00"
LONG = "x" * (1 << 20)
EVIL = f"{ESCAPES}{MARKUP}{BACKWARDS}{RUNNER}{ALONE}"
ODD = "a" + ESCAPES + MARKUP.replace("/", "") + BACKWARDS  # the service takes no id with a slash
UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|[\ud800-\udfff]"
)
COMMANDS = re.compile(r"^\s*::|##(vso)?\[", re.MULTILINE)


SHOWN = "[bold red]"  # of every id, name and message of this hub, as every view shows it


def held(state="Failed", **members):
    custom = {"percent": 40, "message": EVIL}
    return status(
        ODD,
        state,
        **{"name": EVIL, "input": EVIL, "output": EVIL, "customStatus": custom, **members},
    )


@pytest.fixture
def hostile(server):
    """A hub whose one instance is hostile, wherever it is asked for; it is in flight for those who
    ask for that only.
    """

    def answer(request):
        if request.method == "GET":
            instance = held("Running" if "Running" in request.query else "Failed")
            return 200, [instance] if request.path in ("/instances", "/entities") else instance
        return 400, {"Message": EVIL, "ExceptionMessage": EVIL}

    server.otherwise = answer
    return server


VIEWS = [
    ["list"],
    ["list", "--columns", "id,name,kind,status,input,custom,output"],
    ["list", "--count", "--by", "name"],
    ["list", "--sort", "name", "-o", "json"],
    ["list", "-o", "jsonl"],
    ["list", "-o", "id"],
    ["status", ODD],
    ["status", ODD, "-o", "json"],
    ["wait", ODD],
    ["wait", ODD, "other"],
    ["wait", ODD, "-o", "json"],
    ["wait", ODD, "--until", "name=='x'"],
    ["terminate", "--status", "Failed", "--dry-run"],
    ["terminate", "--status", "Failed", "--yes"],
    ["terminate", "--status", "Failed", "--yes", "-o", "json"],
    ["terminate", ODD, "b"],
    ["drain", "--timeout", "0"],
    ["purge", "--status", "Failed", "--dry-run"],
]


@pytest.mark.parametrize("arguments", VIEWS, ids=" ".join)
@pytest.mark.parametrize("runner", ["GITHUB_ACTIONS", "TF_BUILD"])
def test_no_view_carries_a_command_to_a_runner_or_a_sign_to_its_log(
    remote, hostile, arguments, runner
):
    result = remote(*arguments, env={runner: "true", "DURABLECTL_CI": "off"})
    assert SHOWN in result.out + result.err
    for text in (result.out, result.err):
        assert COMMANDS.search(text) is None
        assert UNSAFE.search(text) is None


@pytest.mark.parametrize("arguments", VIEWS, ids=" ".join)
def test_no_view_carries_a_sign_to_a_terminal(hostile, arguments, monkeypatch):
    monkeypatch.setenv("COLUMNS", "1000")
    screen = on_a_terminal(*arguments, "--hub", hostile.url, "--color", "never", "--no-progress")
    assert SHOWN in screen
    # bold headers are our own
    assert UNSAFE.search(re.sub(r"\x1b\[[01]m|\r(?=\n)", "", screen)) is None
    assert "owned\x07" not in screen


@pytest.mark.parametrize("arguments", VIEWS[6:10] + VIEWS[12:13], ids=" ".join)
def test_no_view_carries_a_command_to_a_runner_that_has_a_terminal(hostile, arguments):
    env = {"GITHUB_ACTIONS": "true", "DURABLECTL_CI": "off"}
    screen = on_a_terminal(*arguments, "--hub", hostile.url, "--color", "always", env=env)
    assert SHOWN in screen
    assert COMMANDS.search(screen) is None


def on_a_terminal(*arguments, env=None):
    main, terminal = pty.openpty()
    command = [sys.executable, "-m", "durablectl", *arguments]
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
        env=os.environ | (env or {}),
    ) as process:
        os.close(terminal)
        screen = b""
        try:
            while part := os.read(main, 65536):
                screen += part
        except OSError:  # Linux tells the end of a terminal so
            pass
        process.wait()
    os.close(main)
    return screen.decode("utf-8", "surrogateescape")


def test_a_long_name_does_not_push_the_id_off_the_screen(server):
    server.on("GET", "/instances", (200, [status("order-7", name="n" * 300)]))
    assert "order-7" in on_a_terminal("list", "--hub", server.url)


def test_markup_is_shown_as_it_is_written(hostile):
    assert MARKUP in on_a_terminal("status", ODD, "--hub", hostile.url, "--color", "never")


def test_json_says_exactly_what_the_hub_holds(remote, hostile):
    (shown,) = json.loads(remote("list", "-o", "json").out)
    assert (shown["name"], shown["output"], shown["instanceId"]) == (EVIL, EVIL, ODD)


@pytest.mark.parametrize(
    "arguments",
    [["status", "a"], ["wait", "a"], ["list", "--columns", "id,output"], ["list", "-o", "json"]],
    ids=" ".join,
)
def test_a_megabyte_is_no_trouble(remote, server, arguments):
    server.on("GET", "/instances", (200, [status("a", output=LONG)]))
    server.on("GET", "/instances/a", (200, status("a", output=LONG)))
    code, out, _ = remote(*arguments)
    assert (code, LONG in out) == (0, True)


def test_a_lone_surrogate_in_an_id_is_an_error_of_that_one_alone(remote, server):
    server.on("GET", "/instances", (200, [status("a\ud83d", "Running"), status("b", "Running")]))
    server.on("POST", "/instances/b/terminate", (202, None))
    code, out, _ = remote("terminate", "--status", "Running", "--yes", "-o", "json")
    assert code == 1
    assert {each["instanceId"]: "error" in each for each in json.loads(out)} == {
        "a\ud83d": True,
        "b": False,
    }

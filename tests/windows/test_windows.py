"""What is promised on Windows, tried with CPython for Windows under Wine."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from terminal import terminal

from durablectl.errors import LONG_PATH
from tests.windows.conftest import WINE, windows_path

ORDERS = Path(__file__).parents[2] / "examples" / "orders"
BREAK = """
import signal, sys, threading
from durablectl.__main__ import main

class Watched:
    encoding = "utf-8"
    def write(self, text):
        sys.__stderr__.write(text)
        if "stop it with" in text:
            threading.Thread(target=signal.raise_signal, args=[signal.SIGBREAK]).start()
    def flush(self):
        sys.__stderr__.flush()
    def isatty(self):
        return False

sys.argv[1:] = ["worker"]
sys.stderr = Watched()
sys.exit(main())
"""
"""A worker that gets the signal of Ctrl-Break once it works: Wine has no console to press it in."""

pytestmark = pytest.mark.timeout(300)


def test_the_main_job(windows):
    shutil.copytree(
        ORDERS,
        windows.folder / "orders",
        ignore=shutil.ignore_patterns(".durablectl", "__pycache__"),
    )
    words = ("--app", "orders", "--input", "orders\\order.json", "-o", "json")
    done = windows.run("run", "Order", *words)
    assert (done.returncode, json.loads(done.stdout)["output"]["state"]) == (0, "shipped")


def test_a_client_beside_a_worker(windows):
    windows.start("worker", until="stop it with")
    assert (
        windows.run("start", "greet", "--input-json", '"Ada"', "--instance-id", "a").returncode == 0
    )
    done = windows.run("wait", "a", "--timeout", "60s")
    assert (done.returncode, done.stdout) == (0, "Hello, Ada!\n")
    assert json.loads(windows.run("hub", "check", "-o", "json").stdout)["liveWorkers"] == 1


def test_two_workers_share_a_hub(windows):
    for _ in range(2):
        windows.start("worker", until="stop it with")
    (windows.folder / "all.jsonl").write_text('{"name": "greet", "input": "Ada"}\n' * 20)
    ids = windows.run("start", "--batch", "all.jsonl", "-o", "id").stdout
    (windows.folder / "ids").write_text(ids)
    assert windows.run("wait", "@ids", "--timeout", "120s", "-o", "id").returncode == 0
    assert windows.run("list", "--status", "Completed", "--count").stdout == "20\n"


def test_what_a_killed_worker_held_is_taken_over(windows):
    worker, _ = windows.start("worker", until="stop it with")
    flag = windows.folder / "began"
    words = ("--input-json", json.dumps(windows_path(flag)), "--instance-id", "s")
    windows.run("start", "slow", *words)
    windows.python(
        "-c", "import pathlib, time\nwhile not pathlib.Path('began').exists(): time.sleep(0.05)"
    )
    worker.kill()
    worker.wait()
    done = windows.run("wait", "s", "--timeout", "120s")
    assert (done.returncode, done.stdout) == (0, "taken over\n"), done.stderr


def test_a_remote_client_of_serve(windows):
    _, line = windows.start("serve", "--port", "0", until="http://")
    address = re.search(r"http://[\d.]+:\d+", line)
    assert address is not None
    done = windows.run("run", "greet", "--input-json", '"Ada"', "--hub", address[0])
    assert (done.returncode, done.stdout) == (0, "Hello, Ada!\n"), done.stderr


def test_ctrl_break_ends_a_worker_in_order(windows):
    done = windows.python("-c", BREAK)
    assert (done.returncode, "stop it with" in done.stderr) == (0, True), done.stderr


def test_text_that_the_code_page_lacks_is_spelled(windows):
    words = ("run", "greet", "--input-json", '"\\u6771\\u4eac"')
    assert windows.run(*words).stdout == "Hello, \\u6771\\u4eac!\n"
    assert json.loads(windows.run(*words, "-o", "json").stdout)["output"] == "Hello, 東京!"
    assert windows.run(*words, PYTHONUTF8="1").stdout == "Hello, 東京!\n"


def test_a_hub_may_be_on_another_drive(windows, tmp_path):
    hub = "D:\\elsewhere.db"
    assert windows.run("run", "greet", "--hub", hub, "--instance-id", "d").returncode == 0
    assert windows.run("status", "d", "--hub", hub, "-o", "id").stdout == "d\n"
    assert (windows.prefix.parent / "elsewhere.db").is_file()


def test_powershell_completes_ids_and_its_script_is_there(windows):
    windows.run("run", "greet", "--instance-id", "abc-1")
    done = windows.python(
        "-m",
        "durablectl",
        _DURABLECTL_COMPLETE="powershell",
        _DURABLECTL_LINE="durablectl status a",
    )
    assert json.loads(done.stdout)["text"] == "abc-1"
    assert windows.run("completion", "show", "powershell").stdout.startswith("# Completion")
    installed = windows.run("completion", "install", "powershell")
    assert (installed.returncode, ".ps1" in installed.stderr) == (0, True)


def test_contexts_are_kept_in_the_users_profile(windows):
    assert windows.run("context", "add", "spare", "--hub", "spare.db").returncode == 0
    assert json.loads(windows.run("context", "list", "-o", "json").stdout)[0]["name"] == "spare"
    (kept,) = windows.prefix.glob("drive_c/users/*/AppData/**/contexts.toml")
    assert kept.is_file()
    windows.run("context", "remove", "spare")


def test_the_file_of_a_hub_is_checked_copied_and_diagnosed(windows):
    windows.run("run", "greet", "--instance-id", "a")
    assert windows.run("hub", "backup", "copies.db").returncode == 0
    assert json.loads(windows.run("hub", "check", "-o", "json").stdout)["sound"] is True
    assert windows.run("status", "a", "--hub", "copies.db", "-o", "id").stdout == "a\n"
    assert windows.run("doctor").returncode == 0


def test_the_app_of_init_passes_its_test(windows):
    written = windows.run("init", "new")
    assert (written.returncode, "wrote new\\function_app.py" in written.stdout) == (0, True)
    done = windows.python("-m", "pytest", "-q", "new")
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_a_path_that_is_too_long_is_named_as_the_reason(windows):
    hub = windows_path(windows.folder) + "\\" + "d" * 300 + "\\hub.db"
    done = windows.run("run", "greet", "--hub", hub)
    assert (done.returncode, "characters; Windows takes 259, or more" in done.stderr) == (1, True)


def test_a_long_path_is_taken_behind_its_prefix(windows):
    hub = LONG_PATH + windows_path(windows.folder) + ("\\" + "d" * 120) * 3 + "\\hub.db"
    assert windows.run("run", "greet", "--hub", hub, "--instance-id", "d").returncode == 0
    assert windows.run("status", "d", "--hub", hub, "-o", "id").stdout == "d\n"


@pytest.mark.parametrize(
    ("words", "until", "code", "says"),
    [
        (("worker",), "stop it with", 0, "stopped; nothing is lost"),
        (("run", "waits", "--no-progress"), "Running", 130, "interrupted; instance "),
    ],
    ids=["worker", "run"],
)
def test_control_c_in_a_console(windows, words, until, code, says):
    command = [str(WINE), windows.executable, "-m", "durablectl", *words]
    with terminal(command, columns=100, env=windows.environ, cwd=windows.folder) as shown:
        shown.wait_for(until, 120)
        shown.type("\x03")
        assert (shown.end(60), says in shown.text) == (code, True), shown.text


def test_a_file_that_another_program_holds_is_left_whole(windows):
    assert windows.run("context", "add", "spare", "--hub", "spare.db").returncode == 0
    hold = (
        "import pathlib, subprocess, sys\n"
        "kept, = pathlib.Path.home().glob('AppData/**/contexts.toml')\n"
        "before = kept.read_text()\n"
        "with kept.open():\n"
        "    done = subprocess.run([sys.executable, '-m', 'durablectl', 'context', 'add', 'b', '--hub', "
        "'b.db'], capture_output=True, text=True)\n"
        "print(done.returncode, done.stderr, kept.read_text() == before, list(kept.parent.glob('*.tmp')))\n"
    )
    done = windows.python("-c", hold)
    windows.run("context", "remove", "spare")
    windows.run("context", "remove", "b")
    assert "Traceback" not in done.stdout
    assert done.stdout.rstrip().endswith(("True []", "False []")), done.stdout + done.stderr

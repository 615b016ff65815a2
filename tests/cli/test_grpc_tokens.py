"""Tokens as commands get them: what cannot be used is not sent, and nothing shows what was."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
import threading
import time

import pytest

pytest.importorskip("grpc", reason="grpcio is not installed")
from scripted_grpc import Refuse, found, instance, scripted_grpc

CLAIMS = base64.urlsafe_b64encode(b'{"exp": 1700000000}').decode().rstrip("=")
JWT = f"e30.{CLAIMS}.S3CRET"

WORKLOAD = "Endpoint=https://localhost:1;Authentication=WorkloadIdentity"


def printing(text: str) -> str:
    """A command that prints a text."""
    return f'"{sys.executable}" -c "print({text!r})"'


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (printing("S3CRET and more"), "printed something that is not a token"),
        (printing(""), "printed something that is not a token"),
        ("""echo '{"accessToken": "S3CRET", "expires_on": 1700000000}'""", "has expired"),
        (printing(JWT), "has expired"),
        ("exit 3", "failed with exit code 3"),
    ],
    ids=["junk", "nothing", "expired", "expired JWT", "failure"],
)
def test_a_token_that_cannot_be_used_is_not_sent(run, command, reason):
    with scripted_grpc() as server:
        run("context", "add", "a", "--url", server.url, "--token-command", command)
        result = run("status", "x", "--context", "a")
        assert (result.code, reason in result.err, "S3CRET" in result.err) == (4, True, False)
        assert server.asked == []


@pytest.mark.parametrize(
    "shape", ["{}", "{} | cat", "({}; true)"], ids=["alone", "pipe", "compound"]
)
def test_a_token_command_that_hangs_ends_a_wait_on_time_and_leaves_nothing(run, shape):
    with socket.create_server(("127.0.0.1", 0)) as server:
        connected = f"import socket, time; s = socket.create_connection({server.getsockname()})"
        command = shape.format(f'"{sys.executable}" -c "{connected}; time.sleep(60)"')
        run("context", "add", "a", "--url", "grpc://localhost:1", "--token-command", command)
        started = time.monotonic()
        result = run("wait", "x", "--timeout", "3s", "--context", "a")
        assert (result.code, "gave no answer in" in result.err) == (124, True)
        assert time.monotonic() - started < 30
        with server.accept()[0] as held:
            held.settimeout(20)
            assert held.recv(1) == b""


AT_A_TERMINAL = """
import sys
from durablectl.config.shell import run_command
from durablectl.errors import KeyRefused
try:
    print("key:", run_command(sys.argv[1], "it", seconds=3))
except KeyRefused as error:
    print("refused:", error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such terminal")
def test_a_command_at_a_terminal_may_ask_there_and_leaves_nothing():
    from terminal import terminal

    ask = "printf 'passphrase? ' >/dev/tty; read x </dev/tty; echo \"$x-key\""
    with terminal([sys.executable, "-c", AT_A_TERMINAL, ask]) as screen:
        screen.wait_for("passphrase?")
        screen.type("open\n")
        screen.wait_for("key: open-key")
    with socket.create_server(("127.0.0.1", 0)) as server:
        connected = f"import socket, time; s = socket.create_connection({server.getsockname()})"
        hangs = f'"{sys.executable}" -c "{connected}; time.sleep(60)" | cat'
        with terminal([sys.executable, "-c", AT_A_TERMINAL, hangs]) as screen:
            screen.wait_for("refused: it gave no answer in 3 s")
            with server.accept()[0] as held:
                held.settimeout(20)
                assert held.recv(1) == b""


@pytest.fixture
def identity(monkeypatch):
    """azure-identity, whose credential for a workload does what a test says."""
    azure = pytest.importorskip("azure.identity", reason="azure-identity is not installed")
    pytest.importorskip("durablectl.config.azure_identity")._credential.cache_clear()
    return lambda make: monkeypatch.setattr(azure, "WorkloadIdentityCredential", make)


def test_an_identity_that_does_not_answer_ends_a_wait_on_time(run, identity):
    class Silent:
        def get_token(self, _scope):
            threading.Event().wait(60)

    identity(lambda **_options: Silent())
    run("context", "add", "dts", "--connection-string", WORKLOAD)
    started = time.monotonic()
    result = run("wait", "x", "--timeout", "1s", "--context", "dts")
    assert (result.code, "gave no answer in 1 s" in result.err) == (124, True)
    assert time.monotonic() - started < 30


def test_an_identity_that_cannot_be_set_up_is_a_refused_key(run, identity):
    def make(**options):
        raise ValueError(f"no token_file_path in {sorted(options)}")

    identity(make)
    run("context", "add", "dts", "--connection-string", f"{WORKLOAD};ClientID=a")
    result = run("list", "--context", "dts")
    assert (result.code, "gave no token: no token_file_path in ['client_id']" in result.err) == (
        4,
        True,
    )


def test_an_identity_without_a_token_says_so_once_and_what_to_do(run):
    pytest.importorskip("azure.identity", reason="azure-identity is not installed")
    text = "Endpoint=https://localhost:1;Authentication=Environment"
    run("context", "add", "dts", "--connection-string", text)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AZURE_")}
    command = [sys.executable, "-m", "durablectl", "list", "--context", "dts"]
    # a process of its own: pytest handles what is logged here
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (ended.returncode, "az login" in ended.stderr) == (4, True)
    assert [line.partition(":")[0] for line in ended.stderr.splitlines()] == ["durablectl", "hint"]


def test_a_token_is_asked_for_again_by_the_command_that_waits(run, project):
    count = f"{project / 'count'}"
    command = (
        f'echo x >> "{count}"; {printing("token")} | sed s/$/-$(wc -l < "{count}" | tr -d " ")/'
    )
    with scripted_grpc() as server:
        server.answers["GetInstance"] = lambda _request: (
            found("x", 1) if len(server.asked) > 1 else Refuse("UNAUTHENTICATED", "expired")
        )
        run("context", "add", "a", "--url", server.url, "--token-command", command)
        assert run("wait", "x", "--timeout", "60s", "--context", "a").code == 0
        sent = [each.metadata["authorization"] for each in server.asked]
    assert sent[:2] == ["Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize("kind", ["ManagedIdentity", "WorkloadIdentity", "InteractiveBrowser"])
def test_a_missing_azure_identity_says_how_to_install_it(run, monkeypatch, kind):
    monkeypatch.setitem(sys.modules, "azure.identity", None)
    monkeypatch.delitem(sys.modules, "durablectl.config.azure_identity", raising=False)
    text = f"Endpoint=https://localhost:1;Authentication={kind}"
    run("context", "add", "dts", "--connection-string", text)
    assert run("context", "show", "--context", "dts").code == 0
    for command in (("list",), ("doctor",)):
        result = run(*command, "--context", "dts")
        said = result.out + result.err
        assert (result.code, "azure-identity" in said, "[azure]" in said) == (1, True, True)


COMMANDS = [
    "start order --wait --timeout 5s",
    "status x --history",
    "status x -v",
    "list",
    "list --count",
    "wait x --timeout 1s",
    "history x",
    "why x",
    "links x --show-secrets",
    "raise-event x Go",
    "terminate x",
    "suspend x",
    "purge x",
    "entity get @c@k",
    "doctor",
    "context show --sources",
    "context list -o json",
    "context show a -o json",
]


@pytest.mark.parametrize("refuses", [False, True], ids=["served", "refused"])
def test_nothing_shows_a_token_or_a_connection_string(run, project, refuses):
    with scripted_grpc() as server:

        def answer(_request):
            sent = server.asked[-1].metadata["authorization"]
            return Refuse("UNAUTHENTICATED", f"{sent.split()[1]} is bad") if refuses else found("x")

        server.answers |= dict.fromkeys(("GetInstance", "WaitForInstanceCompletion"), answer)
        server.answers["QueryInstances"] = {"orchestrationState": [instance("x")]}
        text = f"Endpoint={server.url};Authentication=ManagedIdentity;ClientID=S3CRET-client"
        (project.parent / "token").write_text("S3CRET-token")
        own = ("--connection-string", text, "--token-command", "cat ../token")
        run("context", "add", "a", *own, "--header", "x-own: S3CRET-header", "--use")
        said = [run(*line.split(), *flags) for line in COMMANDS for flags in ((), ("--debug",))]
    assert {each.metadata["authorization"] for each in server.asked} == {"Bearer S3CRET-token"}
    assert "S3CRET" not in "".join(each.out + each.err for each in said)
    kept = [path for path in project.rglob("*") if path.is_file()]
    assert "S3CRET" not in "".join(path.read_text() for path in kept)

"""`doctor` on a hub over gRPC: which of address, TLS, token, task hub and IP list refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("grpc", reason="grpcio is not installed")
from grpc_server import durable_task_server, free_port, needs_durabletask
from scripted_grpc import Refuse, scripted_grpc
from scripted_server import scripted_server

from durablectl.protocol.messages import dapr

CERTIFICATE = Path(__file__).parents[1] / "backends" / "self_signed.pem"
TOKEN = "echo token"


def diagnosis(run, *flags: str) -> tuple[int, dict[str, dict[str, str]]]:
    result = run("doctor", *flags, "-o", "json")
    return result.code, {each["check"]: each for each in json.loads(result.out)}


@needs_durabletask
def test_doctor_finds_a_healthy_hub(run):
    with durable_task_server() as server:
        endpoint = server.replace("grpc:", "http:")
        text = f"Endpoint={endpoint};Authentication=None;TaskHub=default"
        run("context", "add", "dts", "--connection-string", text)
        code, found = diagnosis(run, "--context", "dts")
    assert (code, {each["verdict"] for each in found.values()}) == (0, {"ok"})
    assert list(found)[:6] == ["address", "token", "name", "connection", "task hub", "abilities"]
    assert found["abilities"]["message"].endswith("rewind, restart, entities")


@pytest.mark.parametrize(
    ("url", "check", "code"),
    [
        ("grpc://no-such-host.invalid:1", "name", 5),
        ("grpc://127.0.0.1:{closed}", "connection", 5),
        ("grpc://127.0.0.1:{http}", "connection", 5),
        ("grpcs://127.0.0.1:{http}", "connection", 5),
    ],
)
def test_doctor_says_which_step_fails(run, url, check, code):
    with scripted_server() as http:
        ports = {"closed": free_port(), "http": http.url.rpartition(":")[2]}
        run(
            "context",
            "add",
            "a",
            "--url",
            url.format(**ports),
            *["--insecure"] * ("no-such" in url),
        )
        found_code, found = diagnosis(run, "--context", "a", "--request-timeout", "1s")
    assert (found_code, found[check]["verdict"], list(found)[-1]) == (code, "problem", check)


def test_doctor_says_that_the_token_cannot_be_had(run):
    run("context", "add", "a", "--url", "grpc://localhost:1", "--token-command", "exit 3")
    code, found = diagnosis(run, "--context", "a")
    assert (code, found["token"]["verdict"]) == (4, "problem")


@pytest.mark.parametrize(
    ("refusal", "check", "code", "fix"),
    [
        (("UNAUTHENTICATED", "it has expired"), "token", 4, "sign in again"),
        (("UNKNOWN", "Received http2 header with status: 401"), "token", 4, "sign in again"),
        (("PERMISSION_DENIED", "no action 'client/read'"), "task hub", 4, "needs the role"),
        (("PERMISSION_DENIED", "IP 192.0.2.1 is blocked"), "task hub", 4, "the scheduler's IP"),
        (("UNKNOWN", "Received http2 header with status: 403"), "task hub", 4, "IP allowlist"),
        (("NOT_FOUND", "there is not a task hub 'orders'"), "task hub", 5, "check --task-hub"),
        (("INTERNAL", "out of order"), "task hub", 1, ""),
    ],
    ids=["token", "HTTP 401", "role", "IP list", "HTTP 403", "task hub", "fault"],
)
def test_doctor_says_what_refuses(run, refusal, check, code, fix):
    with scripted_grpc() as server:
        server.answers |= dict.fromkeys(("Hello", "GetInstance"), Refuse(*refusal))
        flags = ("--url", server.url, "--token-command", TOKEN, "--task-hub", "orders")
        run("context", "add", "a", *flags)
        found_code, said = diagnosis(run, "--context", "a")
    assert (found_code, list(said)[-1]) == (code, "connection" if check == "token" else check)
    assert (said["connection"]["verdict"], said[check]["verdict"]) == ("ok", "problem")
    assert fix in (said[check]["mend"] or "")


@pytest.mark.parametrize(
    ("host", "scheme", "ca_file", "reason", "fix"),
    [
        ("127.0.0.1", "grpcs", None, "is not trusted", "ca-file"),
        ("localhost", "grpcs", CERTIFICATE, "is for another name", "use the name"),
        ("127.0.0.1", "grpc", None, "cannot reach", "grpcs://"),
    ],
    ids=["authority", "name", "no TLS"],
)
def test_doctor_says_what_is_wrong_with_tls(run, host, scheme, ca_file, reason, fix):
    with scripted_grpc(tls=CERTIFICATE) as server:
        url = f"{scheme}://{host}:{server.url.rpartition(':')[2]}"
        run("context", "add", "a", "--url", url, *(("--ca-file", ca_file) if ca_file else ()))
        code, said = diagnosis(run, "--context", "a", "--request-timeout", "1s")
    connection = said["connection"]
    assert (code, connection["verdict"], reason in connection["message"]) == (5, "problem", True)
    assert fix in connection["mend"]


def test_doctor_names_what_dapr_lacks(run):
    with scripted_grpc(dapr()) as server:
        server.answers |= {
            "Hello": {},
            "GetInstance": {"exists": False},
            "QueryInstances": Refuse("UNKNOWN", "unimplemented"),
            "ListInstanceIDs": {},
            "GetInstanceHistory": {},
            "RewindInstance": {},
            "QueryEntities": {},
        }
        code, said = diagnosis(run, "--hub", server.url)
    assert code == 0
    assert said["abilities"]["message"].endswith("the server lacks: rewind, restart, entities")
    assert said["in flight"]["message"] == "nothing"

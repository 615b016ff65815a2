"""What a context says of the way to its hub is what its requests take: keys, headers, certificates
and proxies, over real TLS.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from recorded_server import RecordedServer, Reply, reply_json
from scripted_server import payload, status

CERTIFICATE = Path(__file__).parents[1] / "backends" / "self_signed.pem"


def guarded(asked):
    """A hub behind a login: it wants the key, and a token in front of it."""
    if asked.headers.get("authorization") not in (None, "Bearer t0ken"):
        return Reply(401, {"WWW-Authenticate": "Bearer"})
    if asked.headers.get("x-functions-key") != "k3y":
        return Reply(401)
    return (
        reply_json([status("order-7")])
        if asked.path == "/instances"
        else reply_json(status("order-7"))
    )


@pytest.fixture
def server():
    with RecordedServer(guarded, certificate=CERTIFICATE) as server:
        yield server


@pytest.fixture
def context(run, server):
    """Add the context `prod` for the server, with these settings, and make it the current one."""
    return lambda *settings: run(
        "context", "add", "prod", "--url", server.origin, "--use", *settings
    )


def test_a_certificate_that_a_context_names_is_trusted(run, context):
    context("--key-env", "K", "--ca-file", CERTIFICATE)
    assert run("list", "-o", "id", env={"K": "k3y"}).out == "order-7\n"


def test_a_certificate_that_nobody_names_is_not(run, context):
    context("--key-env", "K")
    code, _, err = run("list", env={"K": "k3y"})
    assert (code, "ca-file" in err) == (5, True)


def test_a_key_comes_from_a_command(run, context):
    context("--key-command", "printf k3y", "--ca-file", CERTIFICATE)
    assert run("list", "-o", "id").code == 0


@pytest.mark.parametrize(("mode", "code"), [(0o600, 0), (0o644, 4)])
def test_a_key_comes_from_a_file_that_only_its_owner_reads(run, context, project, mode, code):
    (project / "key").write_text("k3y\n")
    (project / "key").chmod(mode)
    context("--key-file", "key", "--ca-file", CERTIFICATE)
    assert run("list", "-o", "id").code == code


def test_headers_come_from_a_command(run, context, server):
    context("--key-command", "printf k3y", "--header", "X-Tenant: north", "--header-command", "echo 'Authorization: Bearer t0ken'",
            "--ca-file", CERTIFICATE)  # fmt: skip
    assert run("list", "-o", "id").code == 0
    assert {name: server.asked[0].headers[name] for name in ("authorization", "x-tenant")} == {
        "authorization": "Bearer t0ken",
        "x-tenant": "north",
    }


def test_a_command_that_fails_is_told_without_what_it_printed(run, context, server):
    context("--key-command", "echo s3cret; exit 3", "--ca-file", CERTIFICATE)
    code, out, err = run("list")
    assert (code, "exit code 3" in err, "try it" in err, server.asked) == (4, True, True, [])
    assert "durablectl: the key-command of context prod failed" in err
    assert out == ""


def test_a_payload_of_a_contexts_address_takes_the_contexts_way(run, context, server, project):
    context("--key-env", "K", "--ca-file", CERTIFICATE)
    run("context", "add", "other", "--url", "https://other.invalid", "--use")
    entries = {
        name: uri.replace("s3cret", "***")
        for name, uri in payload(server.origin, "order-7").items()
    }
    (project / "run.json").write_text(json.dumps(entries))
    assert run("status", "@run.json", "-o", "id", env={"K": "k3y"}).out == "order-7\n"


def test_requests_go_through_the_contexts_proxy(run):
    with RecordedServer(lambda _asked: reply_json([status("order-7")])) as proxy:
        run(
            "context",
            "add",
            "prod",
            "--url",
            "http://orders.invalid",
            "--proxy",
            proxy.origin,
            "--use",
        )
        assert run("list", "-o", "id").out == "order-7\n"
        assert proxy.asked[0].path.startswith(
            "http://orders.invalid/runtime/webhooks/durabletask/instances"
        )


def test_a_payload_goes_through_the_proxy_of_its_address(run, project):
    with RecordedServer(lambda _asked: reply_json(status("order-7"))) as proxy:
        run("context", "add", "prod", "--url", "http://orders.invalid", "--proxy", proxy.origin)
        (project / "run.json").write_text(json.dumps(payload("http://orders.invalid", "order-7")))
        assert run("status", "@run.json", "-o", "id").out == "order-7\n"


def test_a_doctor_takes_the_contexts_way(run, context):
    context("--key-env", "K", "--ca-file", CERTIFICATE)
    code, out, _ = run("doctor", "-o", "json", env={"K": "k3y"})
    found = {each["check"]: each["message"] for each in json.loads(out)}
    assert code == 0
    assert found["connection"].startswith("over TLS, answered in")

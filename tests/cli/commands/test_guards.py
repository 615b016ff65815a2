"""A protected or read-only context is honoured wherever its address is used, whoever named it."""

import json

import pytest
from scripted_server import payload, status


@pytest.fixture
def asked(run, server, project):
    """A context for the server's address, and a payload that leads there; returns how to add the
    context.
    """
    server.on("GET", "/instances/a", (200, status("a", "Running")))
    server.on("POST", "/instances/a/terminate", (202, None))
    (project / "run.json").write_text(json.dumps(payload(server.url, "a")))

    def add(*flags):
        assert (
            run("context", "add", "prod", "--url", server.url, "--task-hub", "Orders", *flags).code
            == 0
        )

    return add


def ways(server):
    return {
        "payload": ["@run.json"],
        "address": ["a", "--hub", server.url],
        "context": ["a", "--context", "prod"],
    }


@pytest.mark.parametrize("way", ["payload", "address", "context"])
@pytest.mark.parametrize(
    ("flag", "said"),
    [("--read-only", "is read-only"), ("--protected", "add --yes --confirm Orders")],
)
def test_a_change_is_refused(run, server, asked, way, flag, said):
    asked(flag)
    code, _, err = run("terminate", *ways(server)[way])
    assert (code, server.paths("POST")) == (2, [])
    assert said in err


@pytest.mark.parametrize("way", ["payload", "address", "context"])
def test_the_name_of_a_protected_hub_lets_it_pass(run, server, asked, way):
    asked("--protected")
    assert run("terminate", *ways(server)[way], "--yes", "--confirm", "Orders").code == 0


def test_a_wait_that_may_terminate_is_a_change(run, server, asked):
    asked("--read-only")
    assert run("wait", "@run.json", "--timeout", "0", "--on-timeout", "terminate").code == 2
    assert run("wait", "@run.json", "--timeout", "0").code == 124
    assert server.paths("POST") == []


def test_another_task_hub_of_the_same_app_is_no_concern_of_a_context(run, server, asked):
    asked("--protected")
    assert run("terminate", "a", "--hub", server.url, "--task-hub", "Other").code == 0

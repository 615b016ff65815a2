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


FILE = ".durablectl/hub.db"
BY_FILE = pytest.mark.parametrize(
    ("way", "context"),
    [
        ((), FILE),
        ((), "."),
        (("--hub", FILE), FILE),
        (("--hub", "."), FILE),
        (("--hub", "link.db"), FILE),
        (("--context", "theirs"), FILE),
        (("--context", "prod"), "."),
    ],
    ids=str,
)


@pytest.fixture
def guarded(run, app):
    """A local hub with an instance that waits, and how to add a context for its file."""
    run("start", "approval", "--instance-id", "a")
    (app / "link.db").symlink_to(FILE)
    (app / "durablectl.toml").write_text(f"[contexts.theirs]\nhub = '{FILE}'\n")

    def add(hub, flag):
        assert run("context", "add", "prod", "--hub", hub, flag).code == 0

    return add


@BY_FILE
def test_a_read_only_file_is_not_changed_however_it_is_named(run, guarded, way, context):
    guarded(context, "--read-only")
    for words in (("suspend", "a"), ("start", "approval"), ("raise-event", "a", "Approval")):
        code, _, err = run(*words, *way)
        assert (code, "context 'prod' is read-only" in err) == (2, True)
    assert run("list", "-o", "id", *way).out == "a\n"


@BY_FILE
def test_a_protected_file_is_changed_with_its_name_only(run, guarded, way, context):
    guarded(context, "--protected")
    assert "add --yes --confirm prod" in run("suspend", "a", *way).err
    assert run("suspend", "a", *way, "--yes", "--confirm", "prod").code == 0
    assert run("start", "approval", *way).code == 0


def test_another_context_of_the_users_for_the_same_file_is_a_choice(run, guarded):
    guarded(FILE, "--read-only")
    run("context", "add", "mine", "--hub", FILE)
    assert run("suspend", "a", "--context", "mine").code == 0


def test_another_file_is_no_concern_of_a_context(run, guarded):
    guarded("other.db", "--read-only")
    assert run("suspend", "a").code == 0


@pytest.mark.parametrize("words", [("worker", "--until-idle"), ("serve", "--port", "0")], ids=str)
@pytest.mark.parametrize("way", [(), ("--context", "prod")], ids=str)
def test_no_worker_runs_on_a_read_only_hub(run, guarded, words, way):
    guarded(FILE, "--read-only")
    code, out, err = run(*words, *way, "--app", ".")
    assert (code, out) == (2, "")
    assert "context 'prod' is read-only" in err
    assert run("list", "--status", "Pending", "-o", "id").out == "a\n"


@pytest.mark.parametrize("way", [(), ("--context", "prod")], ids=str)
def test_a_wait_at_a_read_only_hub_only_waits(run, guarded, way):
    guarded(FILE, "--read-only")
    code, _, err = run("wait", "a", "--timeout", "1s", *way, "--app", ".")
    assert code == 124
    assert (
        "warning: no worker is running on this hub, and this command cannot be one: the context of "
        "the hub is read-only\n"
    ) in err
    assert run("list", "--status", "Pending", "-o", "id").out == "a\n"

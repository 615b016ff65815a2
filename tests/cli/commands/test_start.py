"""`start`: what is sent, what is printed, and that nothing is started when the input cannot be
used.
"""

import json

import pytest
from scripted_server import payload, status


def accept(server, instance_id="o-7", name="order"):
    server.on(
        "POST", f"/orchestrators/{name}/{instance_id}", (202, payload(server.url, instance_id))
    )
    server.on(
        "GET", f"/instances/{instance_id}", (404, None), (202, status(instance_id, "Pending"))
    )


def sent(server):
    (request,) = [request for request in server.asked if request.method == "POST"]
    return request.json


def test_a_file_is_sent_as_the_input(remote, server, project):
    accept(server)
    (project / "order.json").write_text('{"city": "Tōkyō"}')
    assert remote("start", "order", "--instance-id", "o-7", "--input", "order.json").code == 0
    assert sent(server) == {"city": "Tōkyō"}


def test_fields_standard_input_and_text_are_sent_too(remote, server):
    for arguments, stdin, value in (
        (["city=Tokyo", "count:=3"], None, {"city": "Tokyo", "count": 3}),
        (["--input", "-"], "[1, 2]", [1, 2]),
        (["--input-json", '"Ada"'], None, "Ada"),
    ):
        server.asked.clear()
        accept(server)
        remote("start", "order", *arguments, "--instance-id", "o-7", stdin=stdin)
        assert sent(server) == value


def test_encode_string_sends_json_in_a_string(remote, server):
    accept(server)
    remote("start", "order", "a:=1", "--encode", "string", "--instance-id", "o-7")
    assert sent(server) == '{"a": 1}'


def test_a_local_start_waits_for_its_time_and_keeps_its_tags(run, app):
    later = ("start", "hello", "--instance-id", "l-1", "--at", "2100-01-01", "--tag", "team=a")
    assert "it starts at 2100-01-01 00:00:00Z" in run(*later).err
    told = json.loads(run("why", "l-1", "-o", "json").out)
    assert (told["scheduledStartTime"], told["tags"]) == ("2100-01-01T00:00:00Z", {"team": "a"})
    assert "its start, in " in run("list", "--columns", "id,waiting").out
    assert run("wait", "l-1", "--timeout", "0.1s").code == 124
    soon = ("start", "echo", "n:=1", "--instance-id", "l-2", "--at", "2020-01-01", "--wait")
    assert json.loads(run(*soon, "-o", "json").out)["output"] == {"n": 1}
    assert "scheduledStartTime" not in run("status", "l-1", "-o", "json").out


def test_a_start_with_a_time_or_a_tag_is_the_last_one_started(run, app):
    for instance_id, option in (("l-1", ("--tag", "team=a")), ("l-2", ("--at", "2100-01-01"))):
        assert run("start", "hello", "--instance-id", instance_id, *option).code == 0
        assert run("status", "--last", "-o", "id").out == f"{instance_id}\n"


@pytest.mark.parametrize("flags", [(), ("--recursive",)], ids=["alone", "recursive"])
def test_a_start_for_later_is_terminated_before_its_time(run, app, flags):
    run("start", "hello", "--instance-id", "l-1", "--at", "2100-01-01")
    assert run("terminate", "l-1", *flags, "--wait", "--timeout", "20s").code == 0
    assert "Terminated" in run("status", "l-1").out


def test_tags_select_and_stay_on_their_line(run, app):
    run("start", "hello", "--instance-id", "keep", "--tag", "keep=yes")
    run("start", "hello", "--instance-id", "drop", "--tag", "keep=no\nnext: purge keep")
    where = ("--where", "tags.keep!='yes'", "-o", "id")
    assert run("list", *where).out == "drop\n"
    assert run("terminate", *where, "--dry-run").out == "drop\n"
    assert "tags keep=no\\nnext: purge keep\n" in run("why", "drop").out


def test_over_http_nothing_starts_later(remote, server):
    refused = remote("start", "order", "--at", "1h")
    assert (refused.code, "for local hubs" in refused.err, server.asked) == (7, True, [])


def test_people_see_id_state_next_commands_and_addresses_without_the_key(remote, server):
    accept(server)
    code, out, err = remote("start", "order", "--instance-id", "o-7")
    assert code == 0
    assert out.splitlines()[:3] == [
        "id         o-7",
        "status     Pending",
        f"next       durablectl wait --hub {server.url} o-7",
    ]
    assert (
        "status      GET  "
        f"{server.url}/runtime/webhooks/durabletask/instances/o-7?taskHub=Orders&connection=Storage\n"
    ) in out
    assert "s3cret" not in out + err
    assert "code=" not in out


def test_json_is_the_services_own_with_the_key_hidden(remote, server):
    accept(server)
    shown = json.loads(remote("start", "order", "--instance-id", "o-7", "-o", "json").out)
    assert list(shown) == list(payload(server.url, "o-7"))
    assert shown["statusQueryGetUri"].endswith("taskHub=Orders&connection=Storage&code=***")


def test_secrets_are_shown_when_asked_for(remote, server):
    accept(server)
    shown = json.loads(
        remote("start", "order", "--instance-id", "o-7", "-o", "json", "--show-secrets").out
    )
    assert shown == payload(server.url, "o-7")


def test_id_is_the_id(remote, server):
    accept(server)
    assert remote("start", "order", "--instance-id", "o-7", "-o", "id").out == "o-7\n"


def test_an_id_that_exists_is_a_conflict(remote, server):
    server.on("GET", "/instances/o-7", (200, status("o-7")))
    code, _, err = remote("start", "order", "--instance-id", "o-7")
    assert code == 6
    assert "o-7" in err
    assert server.paths("POST") == []


def test_an_id_that_exists_can_be_attached_to(remote, server):
    server.on("GET", "/instances/o-7", (202, status("o-7", "Running")))
    assert remote(
        "start", "order", "--instance-id", "o-7", "--if-exists", "attach", "-o", "id"
    ) == (0, "o-7\n", "")


@pytest.mark.parametrize("wait", [[], ["--wait", "--timeout", "10s"]], ids=["start", "wait"])
@pytest.mark.parametrize("state", ["Completed", "Pending"])
def test_what_was_there_is_not_told_as_started(app, run, wait, state):
    if state == "Completed":
        run("run", "echo", "--instance-id", "e", "--timeout", "30s")
    else:
        run("start", "echo", "--instance-id", "e")
    err = run("start", "echo", "--instance-id", "e", "--if-exists", "attach", *wait).err
    assert f"e was there already, and is {state}\n" in err
    assert "started e" not in err
    assert ("no worker is running" in err) is (state == "Pending" and not wait)


def test_a_remote_instance_that_failed_at_once_is_told(remote, server):
    accept(server)
    reason = (
        "Orchestrator function 'order' failed: The function 'order' doesn't exist, is "
        "disabled, or is not an orchestrator function."
    )
    server.on("GET", "/instances/o-7", (404, None), (200, status("o-7", "Failed", output=reason)))
    code, out, err = remote("start", "order", "--instance-id", "o-7")
    assert (code, "Failed" in out) == (0, True)
    assert "failed already: The function 'order' doesn't exist" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--input", "gone.json"], "no such file: gone.json"),
        (["--input", "."], "is a directory"),
        (["--input", "bad.json"], "bad.json is not JSON: line 2, column 3"),
        (["--input", "latin.json"], "is not valid UTF-8"),
        (["--input", '{"a": 1}'], "takes a file, not JSON"),
        (["--input-json", "NaN"], "is not JSON"),
        (["--input-json", "1", "a=1"], "two inputs at once"),
        (["a"], "is not a field"),
        (["--instance-id", "@a"], "@"),
        (["--instance-id", "a/b"], "a/b"),
        (["--instance-id", "x" * 257], "256"),
        (["--timeout", "1s"], "not --wait"),
        (["--wait", "--timeout", "soon"], "'soon' is not a duration"),
        (["--encode", "xml"], "xml"),
    ],
)
def test_what_cannot_be_used_starts_nothing(remote, server, project, arguments, message):
    (project / "bad.json").write_text("{\n  oops")
    (project / "latin.json").write_bytes(b'"\xe9"')
    code, out, err = remote("start", "order", *arguments)
    assert (code, out, server.paths("POST")) == (2, "", [])
    assert err.startswith("durablectl: ")
    assert message in err


def test_a_long_id_is_warned_about(remote, server):
    accept(server, "x" * 101)
    assert (
        "warning: the instance id has 101 characters"
        in remote("start", "order", "--instance-id", "x" * 101).err
    )


def test_an_unknown_orchestrator_of_the_app_gets_a_suggestion(app, run):
    code, out, err = run("start", "hullo")
    assert (code, out) == (3, "")
    assert "available: approval, echo, failing, hello" in err
    assert "hint: did you mean 'hello'?" in err


def test_a_start_on_a_local_hub_that_nobody_works_on_says_so(app, run):
    code, _, err = run("start", "echo", "a=1")
    assert code == 0
    assert "no worker is running on this hub" in err


def test_ten_megabytes_arrive(app, run):
    (app / "big.json").write_text(json.dumps({"text": "x" * 10_000_000}))
    instance_id = run("start", "echo", "--input", "big.json", "-o", "id").out.strip()
    assert len(run("wait", instance_id, "--timeout", "30s").out) > 10_000_000


def test_start_and_wait_prints_the_output(app, run):
    assert run("start", "hello", "--input-json", '["Ada"]', "--wait", "--timeout", "30s")[:2] == (
        0,
        '["Hello Ada!"]\n',
    )

"""Every example in a command's help works as it stands, and every help begins with a verb and ends
with its examples.
"""

import json
import shlex
from urllib.parse import parse_qs

import pytest
from scripted_server import payload, status

COMMANDS = [
    "start",
    "run",
    "wait",
    "status",
    "list",
    "raise-event",
    "terminate",
    "suspend",
    "resume",
    "rewind",
    "restart",
    "purge",
    "drain",
]
COMMANDS += [f"entity {verb}" for verb in ("get", "list", "signal", "delete")]


LOCAL = "restart order-7 --from"
"""An example that is for local hubs: test_restart_from.py runs it."""


def obliging(server):
    """A hub on which everything is there and everything is allowed."""

    def answer(request):
        kind, *rest = request.path.strip("/").split("/")
        match (request.method, kind, rest):
            case ("POST", "orchestrators", [_, *given]):
                return 202, payload(server.url, *given)
            case ("GET", "instances", []):
                asked = parse_qs(request.query).get("runtimeStatus", ["Completed"])
                states = asked[0].split(",")
                # nothing is in flight for drain
                return 200, [] if "Suspended" in states[1:] else [status("order-7", states[0])]
            case ("GET", "instances", [instance_id]):
                return 200, status(instance_id)
            case ("POST", "instances", [instance_id, "restart"]):
                return 202, payload(server.url, instance_id)
            case ("DELETE", "instances", _):
                return 200, {"instancesDeleted": 1}
            case ("GET", "entities", [_, _]):
                return 200, 3
            case ("GET", "entities", _):
                return 200, []
            case _:
                return 202, None

    server.otherwise = answer


def examples(text):
    """The command lines under `Examples:`, each a list of the pipeline's commands; what is written
    to a file stays on stdout.
    """
    lines = [line.strip() for line in text.splitlines()]
    found = [line for line in lines if line.startswith("durablectl ") and LOCAL not in line]
    return [
        [shlex.split(part.partition(" > ")[0])[1:] for part in line.split(" | ")] for line in found
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_example_works_as_it_stands(remote, run, server, project, command):
    obliging(server)
    (project / "order.json").write_text('{"city": "Tokyo"}')
    (project / "payment.json").write_text('{"by": "ada"}')
    (project / "orders.jsonl").write_text('{"instanceId": "order-8"}')
    (project / "run.json").write_text(json.dumps(payload(server.url, "order-7")))
    found = examples(run(*command.split(), "--help").out)
    assert found
    for pipeline in found:
        text = ""
        for words in pipeline:
            code, text, err = remote(*words, stdin=text)
            assert code == 0, (words, err)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_starts_with_a_verb_and_says_where_the_global_options_are(run, command):
    code, out, _ = run(*command.split(), "--help")
    first = next(line.strip() for line in out.splitlines() if line.startswith("  "))
    assert (code, first[:1].isupper(), first.split()[0].endswith("s")) == (0, True, False), first
    assert "Global options: see `durablectl --help`." in out
    assert out.isascii()

"""`--rate N`: at most N a second, on both kinds of hub and in every kind of batch.

Here the second one would come after 1000 s.
"""

import json
import re
import signal
import subprocess
import sys

import pytest
from faulty_hub import FaultyHub

NAMES = [f"i{number}" for number in range(9)]
BATCHES = {
    "start": ["start", "--batch", "many.jsonl", "-o", "id"],
    "terminate": ["terminate", *NAMES],
    "restart": ["restart", *NAMES, "--new-id"],
    "purge": ["purge", *NAMES],
}
FIRST = re.compile(r"^(\w+( requested)?: )?i\d")


@pytest.fixture(autouse=True)
def many(project):
    lines = [{"name": "echo", "instanceId": name} for name in NAMES]
    (project / "many.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def interrupted(*arguments):
    """Run a batch until it has shown the first of its instances, then interrupt it; its exit code,
    and how many it has shown.
    """
    command = [sys.executable, "-m", "durablectl", *arguments, "--rate", "0.001"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        shown = next(line for line in process.stdout if FIRST.match(line))
        process.send_signal(signal.SIGINT)
        lines = [shown, *process.communicate()[0].splitlines()]
    return process.returncode, sum(FIRST.match(line) is not None for line in lines)


@pytest.mark.parametrize(
    ("verb", "state"),
    [("start", None), ("terminate", "Running"), ("restart", "Failed"), ("purge", "Failed")],
)
def test_a_batch_over_http_keeps_to_its_rate(server, verb, state):
    FaultyHub(server, dict.fromkeys(NAMES, state) if state else {})
    assert interrupted(*BATCHES[verb], "--hub", server.url) == (130, 1)
    assert len([request for request in server.asked if request.method != "GET"]) == 1


@pytest.mark.parametrize(
    ("verb", "before"),
    [
        ("start", []),
        ("terminate", ["start"]),
        ("restart", ["start", "wait"]),
        ("purge", ["start", "wait"]),
    ],
)
def test_a_batch_on_a_local_hub_keeps_to_its_rate(run, app, verb, before):
    for each in before:
        assert run(*BATCHES.get(each, [each, *NAMES])).code == 0
    assert interrupted(*BATCHES[verb]) == (130, 1)

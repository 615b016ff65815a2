"""The part of a soak's load that goes through the command line: a process for each command, in
pipes as people build them.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

from durablectl.wire import time_from_text
from tests.soak.missions import Client
from tests.soak.processes import command, environ

COMMAND_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Shell:
    """A client at a command line in `folder`; `hub` is a path or an address."""

    client: Client
    folder: Path
    hub: str

    def call(self, *words: str, given: str | None = None, code: int = 0) -> str:
        done = subprocess.run(
            command(*words, "--hub", self.hub),
            cwd=self.folder,
            env=environ(self.folder),
            input=given,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        assert done.returncode == code, (
            f"{words} ended with {done.returncode}: {done.stdout[-300:]} {done.stderr[-600:]}"
        )
        self.client.ledger.count("commands")
        return done.stdout

    def start(self, orchestrator: str, input: Any, *words: str) -> str:
        instance_id = self.client.new_id()
        return self.call(
            "start",
            orchestrator,
            "--input-json",
            json.dumps(input),
            "--instance-id",
            instance_id,
            *words,
        )

    def settle(self, status: Any, output: Any, runs: int) -> None:
        assert (status["runtimeStatus"], status["output"]) == ("Completed", output), status
        self.client.ledger.finish(status["instanceId"], time_from_text(status["createdTime"]))
        self.client.ledger.count("runs", runs)
        self.client.ledger.count("instances")


def pipe(shell: Shell) -> None:
    """start | wait"""
    started = shell.start("sequence", [1, 2], "-o", "json")
    status = json.loads(shell.call("wait", "-", "--timeout", "60", "-o", "json", given=started))
    shell.settle(status, [1, 2], 2)


def look(shell: Shell) -> None:
    """run, then list | status"""
    instance_id = shell.client.new_id()
    shown = shell.call("run", "fan_out", "--input-json", "3", "--instance-id", instance_id)
    assert json.loads(shown) == [0, 1, 2], shown
    ids = shell.call("list", "--prefix", instance_id, "-o", "id")
    assert ids.split() == [instance_id], ids
    shell.settle(json.loads(shell.call("status", "-", "-o", "json", given=ids)), [0, 1, 2], 3)


def raise_events(shell: Shell) -> None:
    """start, raise-event twice, follow its history to the end"""
    instance_id = json.loads(shell.start("items", 2, "-o", "json"))["id"]
    for number in (1, 2):
        shell.call("raise-event", instance_id, "Item", "--input-json", str(number))
        shell.client.ledger.count("events")
    shell.call("history", instance_id, "--follow")
    shell.settle(json.loads(shell.call("status", instance_id, "-o", "json")), [1, 2], 0)


def start_batch(shell: Shell) -> None:
    """start --batch, and wait for all of it"""
    ids = [shell.client.new_id() for _ in range(10)]
    lines = "\n".join(json.dumps({"instanceId": each, "input": [each]}) for each in ids)
    started = shell.call("start", "sequence", "--batch", "-", "-o", "jsonl", given=lines)
    statuses = json.loads(shell.call("wait", "-", "--timeout", "60", "-o", "json", given=started))
    for status in statuses:
        shell.settle(status, [status["instanceId"]], 1)


def fail(shell: Shell) -> None:
    """A failure is exit code 10, a termination 11"""
    instance_id = shell.client.new_id()
    shown = shell.call(
        "run",
        "failing",
        "--input-json",
        '"broken"',
        "--instance-id",
        instance_id,
        "-o",
        "json",
        "--ci",
        "off",
        code=10,
    )
    shell.client.ledger.finish(instance_id, time_from_text(json.loads(shown)["createdTime"]))
    shell.client.ledger.count("runs")
    instance_id = json.loads(shell.start("items", 1, "-o", "json"))["id"]
    shell.call("terminate", "--prefix", instance_id, "--yes")
    shown = shell.call("wait", instance_id, "--timeout", "60", "-o", "json", "--ci", "off", code=11)
    shell.client.ledger.finish(instance_id, time_from_text(json.loads(shown)["createdTime"]))
    shell.client.ledger.count("instances", 2)


def purge_ids(shell: Shell) -> None:
    """Purge some old ones by their ids, from a pipe"""
    if ids := shell.client.ledger.take_old(20):
        shell.call("purge", "-", "--yes", given="\n".join(ids))


def purge_time(shell: Shell) -> None:
    """Purge by time, children too"""
    cut = shell.client.ledger.cut()
    shell.call(
        "purge", "--created-before", cut.astimezone(UTC).isoformat(), "--include-children", "--yes"
    )
    shell.client.ledger.purged_until(cut)


COMMANDS = (pipe, look, raise_events, start_batch, fail)

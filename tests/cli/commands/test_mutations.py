"""Whatever a hub answers, no command ends in an unexpected error: its answers, as recorded, are
damaged at random.
"""

from __future__ import annotations

import json
import os
import random
import time

import pytest
from mutations import Answers, damaged
from recorded_server import NO_INSTANCES, Asked, RecordedServer, Reply
from test_hostile import UNSAFE

CASES = int(os.environ.get("DURABLECTL_FUZZ", "120"))
FIRST = int(os.environ.get("DURABLECTL_FUZZ_SEED", "1"))
CODES = {*range(13), 124}
ANSWERS = Answers()
ID = "r0123456789a"
COMMANDS = """
status ID
status ID -v
status ID --history --history-output
status ID --exit-status
list
list --columns id,name,kind,status,input,custom,output
list --sort created
list --count --by name
list --limit 3
list --where input.x
list --stuck
list --name hello --updated-after 1d
list --include-entities --show-input
history ID
history ID --gantt
wait ID -t 300ms
wait ID -t 300ms --response
wait ID other -t 300ms --any
wait ID -t 300ms --until customStatus.x
drain --timeout 300ms
watch --interval 50ms --until-empty
raise-event ID Go x=1
terminate ID
suspend ID --wait -t 300ms
resume ID
rewind ID
rewind ID --wait -t 300ms
restart ID --new-id
restart ID --same-id --yes
purge ID --yes
purge --status Completed --yes
purge --status Completed --created-before 1d --dry-run
terminate --status Running --yes
terminate --status Running --yes --wait -t 300ms
restart --status Failed --new-id --yes
rewind --status Failed --yes
raise-event --event Go --status Running --yes
entity get @counter@ID
entity list
entity list --state
entity signal @counter@ID add --input-json 1
entity delete @counter@ID --yes
start hello
start hello --instance-id ID
start hello --instance-id ID --if-exists attach
start hello --instance-id ID --if-exists replace
start hello --wait -t 300ms
run hello -t 300ms
doctor
""".strip().splitlines()
FORMATS = ["", "", "-o json", "-o jsonl", "-o id", "-o json --query [0]", "-v", "-q"]


@pytest.mark.parametrize("seed", range(FIRST, FIRST + CASES))
def test_no_answer_ends_in_an_unexpected_error(run, seed):
    chance = random.Random(seed)
    command = COMMANDS[seed % len(COMMANDS)]
    line = f"{command} {chance.choice(FORMATS)}".replace("ID", ID).split()
    bad, count = {chance.choice([1, 1, 2, 3])}, 0

    def answer(asked: Asked) -> Reply:
        nonlocal count
        count += 1
        reply = ANSWERS.good(asked, chance) if count < 30 else NO_INSTANCES
        return damaged(reply, chance) if count in bad else reply

    started = time.monotonic()
    with RecordedServer(answer) as server:
        code, out, err = run(
            *line,
            "--hub",
            server.origin,
            "--task-hub",
            "SampleHub",
            env={"GITHUB_ACTIONS": "true", "DURABLECTL_CI": "off"},
        )
    shown = f"{' '.join(line)}\n{err[-2000:]}"
    assert "unexpected error" not in err, shown
    assert "Traceback" not in err, shown
    assert code in CODES, shown
    assert count or code == 2, shown
    assert time.monotonic() - started < 20, shown
    assert UNSAFE.search(out + err) is None, shown
    if line[-2:] == ["-o", "json"] and code == 0:
        json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON: {shown}"))

"""What the kill test runs and kills: an app whose activities leave their traces, and a client that
prints what was acknowledged.

As a program it is that client: `python -m tests.engine.killed HUB NAME` starts instances and raises
events until it is killed.
"""

from __future__ import annotations

import os
import sys
import time
from itertools import count

from durablectl.backends.local import LocalTaskHub
from durablectl.model import EntityId

APP = """
import os
import time
from datetime import timedelta
from durablectl import df

app = df.DFApp()

@app.activity_trigger(input_name="what")
def note(what):
    with open(os.environ["NOTES"], "ab", buffering=0) as notes:
        notes.write(f"{what} {time.time_ns() // 1000}\\n".encode())
    return what

@app.orchestration_trigger(context_name="context")
def work(context):
    name = context.instance_id
    yield context.call_activity("note", name + ":first")
    yield context.task_all([context.call_activity("note", f"{name}:{n}") for n in range(3)])
    yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=20))
    yield context.call_sub_orchestrator("child", name, name + ":child")
    context.signal_entity(df.EntityId("counter", "works"), "add", 1)
    yield context.call_entity(df.EntityId("counter", "works"), "add", 1)
    seen = []
    while (item := (yield context.wait_for_external_event("Item"))) is not None:
        seen.append(item)
    return seen

@app.orchestration_trigger(context_name="context")
def child(context):
    yield context.call_activity("note", context.get_input() + ":child")

@app.entity_trigger(context_name="context")
def counter(context):
    total = context.get_state(lambda: 0) + context.get_input()
    context.set_state(total)
    context.set_result(total)
"""
STEPS = ("first", "0", "1", "2", "child")
ITEMS = 3


def run_client(path: str, name: str) -> None:
    """Ask for one thing after the other; each line that is printed was acknowledged before."""
    with LocalTaskHub(path) as hub:
        for number in count():
            instance_id = hub.start("work", instance_id=f"{name}-{number}").id
            say(f"started {instance_id}")
            for item in range(ITEMS):
                hub.raise_event(instance_id, "Item", item)
                say(f"raised {instance_id} {item}")
            hub.signal_entity(EntityId("counter", "clients"), "add", 1)
            say("signalled")
            hub.raise_event(instance_id, "Item", None)
            time.sleep(0.01)


def say(line: str) -> None:
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


if __name__ == "__main__":
    run_client(*sys.argv[1:])

"""The app of the watched runs: activities, children, timers, events over several executions, and an
entity that counts each name.
"""

from datetime import timedelta

from durablectl import df

app = df.DFApp()


@app.activity_trigger(input_name="text")
def echo(text):
    return text


@app.orchestration_trigger(context_name="context")
def work(context):
    name = context.get_input()["name"]
    first = yield context.call_activity("echo", name)
    many = yield context.task_all([context.call_activity("echo", n) for n in range(3)])
    yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=10))
    child = yield context.call_sub_orchestrator("child", name, f"{name}:child")
    context.signal_entity(df.EntityId("ledger", "work"), "add", name)
    return [first, many, child]


@app.orchestration_trigger(context_name="context")
def child(context):
    return (yield context.call_activity("echo", context.get_input() + ":child"))


@app.orchestration_trigger(context_name="context")
def collect(context):
    """Gather numbers until there is none any more, three in each execution."""
    seen = list(context.get_input() or [])
    for _ in range(3):
        number = yield context.wait_for_external_event("Tick")
        if number is None:
            return seen
        seen.append((yield context.call_activity("echo", number)))
    context.continue_as_new(seen)
    return None


@app.entity_trigger(context_name="context")
def ledger(context):
    context.set_state([*context.get_state(list), context.get_input()])

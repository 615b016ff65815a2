"""The app of the soak: an orchestrator for each thing that an instance can do.

Each run of an activity leaves a byte in $SOAK_RUNS.
"""

import os
from datetime import timedelta
from pathlib import Path

from durablectl import df

app = df.DFApp()
QUICKLY = df.RetryOptions(10, 3)
LONG = timedelta(hours=1)


def ran():
    with open(os.environ["SOAK_RUNS"], "ab", buffering=0) as runs:  # noqa: PTH123  # one write, at the end of the file
        runs.write(b".")


@app.activity_trigger(input_name="value")
def echo(value):
    ran()
    return value


@app.activity_trigger(input_name="value")
async def later(value):
    ran()
    return value


@app.activity_trigger(input_name="why")
def fail(why):
    ran()
    raise ValueError(why)


@app.activity_trigger(input_name="token")
def flaky(token):
    """Fails the first time."""
    ran()
    mark = Path(os.environ["SOAK_RUNS"]).with_name(f"flaky-{token}")
    if not mark.exists():
        mark.touch()
        raise ConnectionError("not the first time")
    mark.unlink()
    return token


@app.orchestration_trigger(context_name="context")
def sequence(context):
    said = []
    for value in context.get_input():
        said.append((yield context.call_activity("echo", value)))
        context.set_custom_status({"done": len(said)})
    return said


@app.orchestration_trigger(context_name="context")
def fan_out(context):
    tasks = [
        context.call_activity("later" if n % 4 == 0 else "echo", n)
        for n in range(context.get_input())
    ]
    return (yield context.task_all(tasks))


@app.orchestration_trigger(context_name="context")
def family(context):
    """How many leaves a tree of sub-orchestrations has: `[]` is a leaf, `[[], []]` has two."""
    branches = context.get_input()
    if not branches:
        return (yield context.call_activity("echo", 1))
    return sum(
        (
            yield context.task_all(
                [context.call_sub_orchestrator("family", each) for each in branches]
            )
        )
    )


@app.orchestration_trigger(context_name="context")
def naps(context):
    for milliseconds in context.get_input():
        yield context.create_timer(
            context.current_utc_datetime + timedelta(milliseconds=milliseconds)
        )
    return "woke"


@app.orchestration_trigger(context_name="context")
def items(context):
    """So many events, in their order; each one races with a timer that is cancelled."""
    seen = []
    for _ in range(context.get_input()):
        event = context.wait_for_external_event("Item")
        timer = context.create_timer(context.current_utc_datetime + LONG)
        yield context.task_any([event, timer])
        timer.cancel()
        seen.append(event.result)
    return seen


@app.orchestration_trigger(context_name="context")
def counted(context):
    """Adds the amount twice: by a signal, and by a call."""
    key, amount = context.get_input()
    context.signal_entity(df.EntityId("counter", key), "add", amount)
    yield context.call_entity(df.EntityId("counter", key), "add", amount)
    return "counted"


@app.orchestration_trigger(context_name="context")
def failing(context):
    return (yield context.call_activity("fail", context.get_input()))


@app.orchestration_trigger(context_name="context")
def retried(context):
    try:
        yield context.call_activity_with_retry("fail", QUICKLY, "no luck")
    except Exception:
        return (yield context.call_activity_with_retry("flaky", QUICKLY, context.get_input()))


@app.orchestration_trigger(context_name="context")
def rounds(context):
    left, total = context.get_input()
    total += yield context.call_activity("echo", left)
    if left == 0:
        return total
    context.continue_as_new([left - 1, total])


@app.orchestration_trigger(context_name="context")
def monitor(context):
    """Looks again and again until it is told to stop: how often it did."""
    stop = context.wait_for_external_event("Stop")
    timer = context.create_timer(context.current_utc_datetime + timedelta(milliseconds=200))
    if (yield context.task_any([stop, timer])) is stop:
        timer.cancel()
        return context.get_input()
    context.continue_as_new(context.get_input() + 1)


@app.entity_trigger(context_name="context")
def counter(context):
    total = context.get_state(lambda: 0) + context.get_input()
    context.set_state(total)
    context.set_result(total)


@app.route(route="wait/{functionName}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def wait(req, client):
    made = await client.start_new(
        req.route_params["functionName"], req.params["id"], req.get_json()
    )
    return await client.wait_for_completion_or_create_check_status_response(req, made, 60_000, 100)

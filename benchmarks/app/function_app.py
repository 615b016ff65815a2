"""The app of the benchmarks: the shapes that every durable engine has to run."""

import time

from durablectl import df

app = df.DFApp()


@app.activity_trigger(input_name="name")
def hello(name):
    return f"Hello {name}"


@app.activity_trigger(input_name="milliseconds")
def burn(milliseconds):
    """Keep a core busy for so much CPU time, as computing would."""
    end = time.thread_time() + milliseconds / 1000
    number = 0
    while time.thread_time() < end:
        number = sum(range(300))
    return number


@app.orchestration_trigger(context_name="context")
def sequence(context):
    said = []
    for _ in range(context.get_input()):
        said.append((yield context.call_activity("hello", "Tokyo")))
    return len(said)


@app.orchestration_trigger(context_name="context")
def fan_out(context):
    said = yield context.task_all(
        [context.call_activity("hello", "Tokyo") for _ in range(context.get_input())]
    )
    return len(said)


@app.orchestration_trigger(context_name="context")
def burn_many(context):
    done = yield context.task_all(
        [context.call_activity("burn", 5) for _ in range(context.get_input())]
    )
    return len(done)


@app.orchestration_trigger(context_name="context")
def wait_for_go(context):
    return (yield context.wait_for_external_event("go"))

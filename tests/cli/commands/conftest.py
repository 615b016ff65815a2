"""The two kinds of hub that commands are tried on: a real HTTP server with scripted answers, and a
local hub beside a real app.
"""

import pytest
from scripted_server import scripted_server

APP = """
from durablectl import df

app = df.DFApp()


@app.activity_trigger(input_name="city")
def say_hello(city: str) -> str:
    return f"Hello {city}!"


@app.activity_trigger(input_name="why")
def fail(why: str) -> str:
    raise RuntimeError(why)


@app.orchestration_trigger(context_name="context")
def hello(context):
    said = []
    for city in context.get_input() or ["Tokyo", "London"]:
        said.append((yield context.call_activity("say_hello", city)))
    return said


@app.orchestration_trigger(context_name="context")
def echo(context):
    return context.get_input()
    yield


@app.orchestration_trigger(context_name="context")
def failing(context):
    return (yield context.call_activity("fail", "no luck"))


@app.orchestration_trigger(context_name="context")
def approval(context):
    context.set_custom_status({"percent": 50, "message": "waiting for approval"})
    return (yield context.wait_for_external_event("Approve"))


@app.entity_trigger(context_name="context")
def counter(context):
    value = context.get_state(lambda: 0)
    if context.operation_name == "add":
        value += context.get_input()
        context.set_state(value)
    context.set_result(value)
"""


@pytest.fixture
def server():
    with scripted_server() as server:
        yield server


@pytest.fixture
def remote(run, server):
    """Run one command line on the hub behind `server`."""
    return lambda *args, **settings: run(*args, "--hub", server.url, **settings)


@pytest.fixture
def app(project):
    """A project with an app: commands in it work on its own local hub."""
    (project / "function_app.py").write_text(APP)
    return project

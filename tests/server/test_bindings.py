"""HTTP functions with a context, with outputs, with a client of their own making; ASGI and WSGI
apps; functions that are switched off.
"""

from __future__ import annotations

import json
import signal

import pytest

from tests.server.serving import AZURE, OWN, serving

APP = """
import json, logging
app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="ctx")
def ctx(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    trace = context.trace_context
    return json.dumps([context.function_name, len(context.invocation_id), trace.trace_parent, trace.trace_state, trace.attributes])

@app.route(route="thread")
async def thread(req, context):
    return str(context.thread_local_storage.invocation_id == context.invocation_id)

@app.route(route="message", binding_arg_name="message")
def message(req, message: func.Out[func.HttpResponse]) -> None:
    message.set(func.HttpResponse("from an output", status_code=201))

@app.route(route="both", binding_arg_name="message")
def both(req, message):
    message.set("text")
    return "and a value"

@app.route(route="queue")
@app.queue_output(arg_name="msg", queue_name="orders", connection="C")
def queue(req, msg: func.Out[str]) -> func.HttpResponse:
    msg.set("an order")
    return func.HttpResponse("queued", status_code=202)

@app.route(route="text")
@app.generic_input_binding(arg_name="starter", type="durableClient")
async def text(req: func.HttpRequest, starter: str):
    return json.dumps([type(starter).__name__, json.loads(starter)["taskHubName"]])

@app.route(route="text-bare")
@app.generic_input_binding(arg_name="starter", type="durableClient")
async def bare(req, starter):
    return type(starter).__name__

@app.activity_trigger(input_name="name")
@app.queue_output(arg_name="msg", queue_name="greetings", connection="C")
def SayHello(name, msg: func.Out[str]):
    msg.set(f"greeted {name}")
    return f"Hello {name}"

@app.activity_trigger(input_name="name")
def Off(name):
    return name

@app.route(route="off")
def off_starter(req):
    return "on"

@app.orchestration_trigger(context_name="context")
def Hello(context):
    return (yield context.call_activity("SayHello", context.get_input()))

@app.orchestration_trigger(context_name="context")
def CallsOff(context):
    return (yield context.call_activity("Off", 1))
"""


@pytest.fixture(scope="module", params=[AZURE, OWN], ids=["azure", "durablectl"])
def served(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("app")
    (folder / "function_app.py").write_text(request.param + APP)
    off = {
        "Values": {"AzureWebJobs.Off.Disabled": "true", "azurewebjobs.OFF_STARTER.disabled": "1"}
    }
    (folder / "local.settings.json").write_text(json.dumps(off))
    with serving(folder) as server:
        yield server


def test_a_function_has_a_context_with_the_trace_of_its_request(served):
    trace = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": "k=v"}
    name, invocation, parent, state, attributes = served.ask("GET", "/api/ctx", headers=trace)[1]
    assert (name, invocation, state, attributes) == ("ctx", 36, "k=v", {})
    assert parent.startswith(f"00-{'a' * 32}-")
    assert parent.endswith("-01")
    assert "b" * 16 not in parent


def test_a_request_without_a_trace_begins_one(served):
    parents = [
        served.ask("GET", "/api/ctx", headers={"traceparent": wrong})[1][2]
        for wrong in ("", "00-x-y-01")
    ]
    assert len({parent.split("-")[1] for parent in parents}) == 2


def test_the_thread_of_an_async_function_knows_its_invocation(served):
    assert served.ask("GET", "/api/thread") == (200, "True")


def test_a_response_may_be_set_instead_of_returned(served):
    assert served.ask("GET", "/api/message") == (201, "from an output")


def test_a_value_without_a_binding_for_it_fails_as_on_azure(served):
    assert served.ask("GET", "/api/both") == (500, "")
    served.until_said("the function 'both' returned a value, and has no $return binding for it")


def test_an_output_is_logged_and_the_response_is_sent(served):
    assert served.ask("GET", "/api/queue") == (202, "queued")
    served.until_said("queue: output 'msg' would be sent to queue 'orders': an order")


def test_an_output_of_an_activity_is_logged_with_its_instance(served):
    served.ask("POST", "orchestrators/Hello/greets", "Ada")
    assert served.finished("greets")["output"] == "Hello Ada"
    served.until_said(
        "[greets] warning: SayHello: output 'msg' would be sent to queue 'greetings': greeted Ada"
    )


def test_a_generic_client_binding_hands_over_the_json_text(served):
    assert served.ask("GET", "/api/text") == (200, ["str", "local"])
    assert served.ask("GET", "/api/text-bare") == (200, "str")


def test_what_is_disabled_is_missing_for_its_callers(served):
    assert served.ask("GET", "/api/off")[0] == 404
    served.ask("POST", "orchestrators/CallsOff/calls-off")
    assert (
        "The function 'Off' doesn't exist, is disabled, or is not an activity function."
        in served.finished("calls-off")["output"]
    )


ASGI = """
import json
from contextlib import asynccontextmanager
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
import azure.functions as func

@asynccontextmanager
async def lifespan(app):
    print("the web app starts", flush=True)
    yield {"ready": True}
    print("the web app ends", flush=True)

async def hello(request):
    return JSONResponse([request.path_params["name"], (await request.body()).decode(), request.scope["azure_functions.function_name"]])

web = Starlette(routes=[Route("/hello/{name}", hello, methods=["GET", "POST"])], lifespan=lifespan)
"""


AS_AN_APP = "app = func.AsgiFunctionApp(web, http_auth_level=func.AuthLevel.ANONYMOUS)\n"
AS_A_FUNCTION = """
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
@app.route(route="{*all}")
async def http_app_func(req: func.HttpRequest, context: func.Context):
    return await func.AsgiMiddleware(web).handle_async(req, context)
"""


@pytest.mark.parametrize("hosting", [AS_AN_APP, AS_A_FUNCTION], ids=["an app", "a middleware"])
def test_an_asgi_app_is_hosted(tmp_path, hosting):
    (tmp_path / "function_app.py").write_text(ASGI + hosting)
    (tmp_path / "host.json").write_text('{"extensions": {"http": {"routePrefix": ""}}}')
    with serving(tmp_path) as server:
        assert server.ask("POST", "/hello/Ada", b"body") == (200, ["Ada", "body", "http_app_func"])
        assert server.ask("GET", "/none")[0] == 404
        assert server.ask("GET", "instances") == (200, [])
        assert server.stop(signal.SIGTERM) == 0
        assert server.errors.count("the web app ends") == (1 if hosting == AS_AN_APP else 0)


def test_a_wsgi_app_is_hosted(tmp_path):
    (tmp_path / "function_app.py").write_text(
        "import azure.functions as func\n"
        "def web(environ, start_response):\n"
        "    start_response('200 OK', [('Content-Type', 'text/plain')])\n"
        "    return [f\"{environ['PATH_INFO']} "
        "{environ['azure_functions.function_name']}\".encode()]\n"
        "app = func.WsgiFunctionApp(web, http_auth_level=func.AuthLevel.ANONYMOUS, "
        "function_name='site')\n"
    )
    with serving(tmp_path) as server:
        assert server.ask("GET", "/api/x/y") == (200, "/api/x/y site")


def test_a_function_json_app_sets_its_response_and_its_outputs(tmp_path):
    http = {
        "type": "httpTrigger",
        "name": "req",
        "direction": "in",
        "route": "go/{name}",
        "authLevel": "anonymous",
    }
    outputs = [
        {"type": "http", "name": "message", "direction": "out"},
        {"type": "queue", "name": "note", "direction": "out", "queueName": "n"},
    ]
    client = {"type": "durableClient", "name": "starter", "direction": "in"}
    files = {
        "host.json": "{}",
        "Hi/function.json": '{"bindings": [{"type": "orchestrationTrigger", "name": "context", '
        '"direction": "in"}]}',
        "Hi/__init__.py": "import azure.durable_functions as df\nmain = "
        "df.Orchestrator.create(lambda context: context.get_input())\n",
        "Go/function.json": json.dumps({"bindings": [http, *outputs, client]}),
        "Go/__init__.py": (
            "import azure.durable_functions as df\n"
            "async def main(req, starter: str, message, note):\n"
            "    client = df.DurableOrchestrationClient(starter)\n"
            "    made = await client.start_new('Hi', None, req.route_params['name'])\n"
            "    note.set(['started', made])\n"
            "    message.set(await "
            "client.wait_for_completion_or_create_check_status_response(req, made, 20000, 20))\n"
        ),
        "Off/function.json": json.dumps(
            {"bindings": [{**http, "route": "off"}], "disabled": "SWITCH"}
        ),
        "Off/__init__.py": "raise SystemExit('the script of a disabled function is not run')\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    with serving(tmp_path, app=tmp_path, environ={"SWITCH": "True"}) as server:
        assert server.ask("GET", "/api/go/Ada") == (200, "Ada")
        server.until_said("Go: output 'note' would be sent to queue 'n': [\"started\", ")
        assert server.ask("GET", "/api/off")[0] == 404

"""Whole apps as people write them for Azure, of function.json folders and of decorated functions,
driven over HTTP alone.
"""

from __future__ import annotations

import json

import pytest

from tests.server.serving import serving

JSON = {"Content-Type": "application/json"}
IMPORTS = (
    "import json\nfrom datetime import timedelta\nimport azure.functions as func\nimport "
    "azure.durable_functions as df\n"
)
MESSAGE = {"type": "http", "name": "message", "direction": "out"}
RETURN = {"type": "http", "name": "$return", "direction": "out"}
SMS = {
    "type": "twilioSms",
    "name": "message",
    "direction": "out",
    "from": "%PHONE%",
    "accountSidSetting": "SID",
    "authTokenSetting": "TOKEN",
}
ORCHESTRATION = [{"type": "orchestrationTrigger", "name": "context", "direction": "in"}]


def http(route, *others, methods=("get", "post")):
    trigger = {
        "type": "httpTrigger",
        "name": "req",
        "direction": "in",
        "authLevel": "anonymous",
        "route": route,
        "methods": methods,
    }
    return [trigger, *others]


def client(type="durableClient"):
    return {"type": type, "name": "starter", "direction": "in", "datatype": "string"}


def activity(name, *others):
    return [{"type": "activityTrigger", "name": name, "direction": "in"}, *others]


FOLDERS = {
    "StartByReturn": (
        http("start/{functionName}", RETURN, client("orchestrationClient")),
        """
async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    client = df.DurableOrchestrationClient(starter)
    given = json.loads(req.get_body().decode()) if req.get_body() else None
    return client.create_check_status_response(req, await client.start_new(req.route_params["functionName"], client_input=given))
""",
    ),
    "StartByMessage": (
        http("orchestrators/{functionName}", MESSAGE, client()),
        """
from ..shared_code.parcels import Parcel
async def main(req: func.HttpRequest, starter: str, message):
    client = df.DurableOrchestrationClient(starter)
    given = Parcel(5) if req.route_params["functionName"] == "Weighing" else None
    message.set(client.create_check_status_response(req, await client.start_new(req.route_params["functionName"], client_input=given)))
""",
    ),
    "Chain": (
        ORCHESTRATION,
        """
def steps(context: df.DurableOrchestrationContext):
    number = 0
    for _ in range(3):
        number = yield context.call_activity("AddOne", number)
        context.set_custom_status(f"at {number}")
    return number
main = df.Orchestrator.create(steps)
""",
    ),
    "AddOne": (activity("num"), "def main(num: int) -> int:\n    return num + 1\n"),
    "FanOut": (
        ORCHESTRATION,
        """
def all_at_once(context):
    sizes = yield context.task_all([context.call_activity("AddOne", n) for n in context.get_input()])
    return sum(sizes)
main = df.Orchestrator.create(all_at_once)
""",
    ),
    "Parent": (
        ORCHESTRATION,
        (
            "def parent(context):\n    return (yield context.call_sub_orchestrator('Chain', "
            "None))\nmain = df.Orchestrator.create(parent)\n"
        ),
    ),
    "Weighing": (
        ORCHESTRATION,
        """
from ..shared_code.parcels import Parcel
def weighing(context):
    parcel: Parcel = context.get_input()
    again = yield context.call_activity("Echo", parcel)
    return [parcel.grams(), again.grams()]
main = df.Orchestrator.create(weighing)
""",
    ),
    "Echo": (
        activity("value"),
        "from ..shared_code import parcels\ndef main(value):\n    return value\n",
    ),
    "Counter": (
        [{"type": "entityTrigger", "name": "context", "direction": "in"}],
        """
def counter(context: df.DurableEntityContext):
    value = context.get_state(lambda: 0) + (context.get_input() if context.operation_name == "add" else 0)
    context.set_state(value)
    context.set_result(value)
main = df.Entity.create(counter)
""",
    ),
    "Counting": (
        ORCHESTRATION,
        """
def counting(context):
    entity = df.EntityId("Counter", "mine")
    context.signal_entity(entity, "add", 3)
    return (yield context.call_entity(entity, "get"))
main = df.Orchestrator.create(counting)
""",
    ),
    "ReadEntity": (
        http("entity/{name}/{key}", RETURN, client(), methods=("get",)),
        """
from azure.durable_functions import DurableOrchestrationClient
from azure.durable_functions.models.utils.entity_utils import EntityId
async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    found = await DurableOrchestrationClient(starter).read_entity_state(EntityId(req.route_params["name"], req.route_params["key"]))
    return func.HttpResponse(json.dumps(found.entity_state), status_code=200 if found.entity_exists else 404)
""",
    ),
    "Verification": (
        ORCHESTRATION,
        """
def verification(context):
    code = yield context.call_activity("SendCode", context.get_input())
    over = context.create_timer(context.current_utc_datetime + timedelta(seconds=90))
    for _ in range(3):
        answer = context.wait_for_external_event("Answer")
        if (yield context.task_any([answer, over])) == over:
            return False
        if answer.result == code:
            over.cancel()
            return True
    over.cancel()
    return False
main = df.Orchestrator.create(verification)
""",
    ),
    "SendCode": (
        activity("phoneNumber", SMS),
        (
            "def main(phoneNumber, message):\n    message.set(json.dumps({'body': 'code 7', 'to': "
            "phoneNumber}))\n    return '7'\n"
        ),
    ),
    "Monitor": (
        ORCHESTRATION,
        """
def monitor(context):
    for _ in range(context.get_input()):
        context.set_custom_status("not yet")
        yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=20))
    return (yield context.call_activity("Alert", "+1"))
main = df.Orchestrator.create(monitor)
""",
    ),
    "Alert": (
        activity("phone", SMS),
        (
            "def main(phone: str, message: func.Out[str]):\n    "
            "message.set('look!')\n    return 'sent'\n"
        ),
    ),
    "Site": (
        http("site/{*rest}", RETURN),
        """
async def site(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": (scope["path"] + " " + scope["azure_functions.function_name"]).encode()})
main = func.AsgiMiddleware(site).main
""",
    ),
}
PARCELS = """
class Parcel:
    def __init__(self, kilograms):
        self.kilograms = kilograms
    def grams(self):
        return 1000 * self.kilograms
    @staticmethod
    def to_json(parcel):
        return str(parcel.kilograms)
    @staticmethod
    def from_json(text):
        return Parcel(int(text))
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """An app of function.json folders, found from its own folder."""
    folder = tmp_path_factory.mktemp("folders")
    (folder / "host.json").write_text(
        '{"version": "2.0", "extensionBundle": {"id": "x", "version": "[2.*, 3.0.0)"}}'
    )
    (folder / "shared_code").mkdir()
    (folder / "shared_code" / "__init__.py").touch()
    (folder / "shared_code" / "parcels.py").write_text(PARCELS)
    for name, (bindings, source) in FOLDERS.items():
        (folder / name).mkdir()
        (folder / name / "function.json").write_text(
            json.dumps({"scriptFile": "__init__.py", "bindings": bindings, "disabled": False})
        )
        (folder / name / "__init__.py").write_text(IMPORTS + source)
    with serving(folder, app=folder) as server:
        yield server


def output(server, links):
    return server.until(
        links["statusQueryGetUri"].partition(f":{server.port}")[2],
        lambda status, _body: status == 200,
    )["output"]


@pytest.mark.parametrize(
    ("start", "function", "given", "result"),
    [
        ("orchestrators", "Chain", None, 3),
        ("start", "FanOut", [1, 2, 3], 9),
        ("start", "Parent", None, 3),
        ("orchestrators", "Weighing", None, [5000, 5000]),
        ("start", "Monitor", 3, "sent"),
    ],
)
def test_an_app_of_folders_starts_and_completes(folders, start, function, given, result):
    status, links = folders.ask("POST", f"/api/{start}/{function}", given)
    assert (status, output(folders, links)) == (202, result)


def test_an_app_of_folders_counts_in_an_entity(folders):
    assert folders.ask("GET", "/api/entity/Counter/mine") == (404, None)
    assert output(folders, folders.ask("POST", "/api/orchestrators/Counting")[1]) == 3
    assert folders.ask("GET", "/api/entity/Counter/mine") == (200, 3)


@pytest.mark.parametrize(("answers", "verified"), [(["1", "7"], True), (["1", "2", "3"], False)])
def test_an_app_of_folders_asks_a_person(folders, answers, verified):
    links = folders.ask("POST", "/api/start/Verification", "+49")[1]
    folders.until_said(
        'SendCode: output \'message\' would be sent to twilioSms: {"body": "code 7", "to": "+49"}'
    )
    for answer in answers:
        assert (
            folders.ask("POST", f"instances/{links['id']}/raiseEvent/Answer", answer, JSON)[0]
            == 202
        )
    assert output(folders, links) is verified


def test_an_app_of_folders_hosts_a_site(folders):
    assert folders.ask("GET", "/api/site/a/b") == (200, "/api/site/a/b Site")


BLUEPRINT = """
import azure.durable_functions as df
import azure.functions as func
bp = df.Blueprint()

@bp.route(route="greetings")
@bp.durable_client_input(client_name="client")
async def start_greetings(req: func.HttpRequest, client):
    return client.create_check_status_response(req, await client.start_new("Greetings"))

@bp.orchestration_trigger(context_name="context")
def Greetings(context: df.DurableOrchestrationContext):
    first = yield context.call_activity(say_hello, "Tokyo")
    second = yield context.call_activity("say_hello", "Oslo")
    return [first, second]

@bp.activity_trigger(input_name="city")
def say_hello(city: str) -> str:
    return f"Hello {city}!"
"""
DECORATED = """
import logging
from blueprints.greetings import bp
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.register_functions(bp)

@app.route(route="plain")
def plain(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    logging.info("asked for %s", context.function_name)
    return func.HttpResponse(f"Hello {req.params.get('name')}")

@app.timer_trigger(schedule="0 0 * * * *", arg_name="timer", run_on_startup=False)
@app.durable_client_input(client_name="client")
async def nightly(timer: func.TimerRequest, client) -> None:
    await client.start_new("Greetings")

@app.route(route="singleton/{id}")
@app.durable_client_input(client_name="client")
async def singleton(req, client):
    found = await client.get_status(req.route_params["id"])
    if found.runtime_status in (None, df.OrchestrationRuntimeStatus.Completed, df.OrchestrationRuntimeStatus.Failed):
        await client.start_new("Eternal", req.route_params["id"], 0)
        return client.create_check_status_response(req, req.route_params["id"])
    return func.HttpResponse("it runs already", status_code=409)

@app.orchestration_trigger(context_name="context")
def Eternal(context):
    rounds = context.get_input()
    yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=10))
    if rounds < 3:
        context.continue_as_new(rounds + 1)
        return
    return (yield context.wait_for_external_event("Stop"))

@app.route(route="http/{port}")
@app.generic_input_binding(arg_name="starter", type="durableClient")
async def call(req: func.HttpRequest, starter: str):
    client = df.DurableOrchestrationClient(starter)
    made = await client.start_new("Calls", client_input=req.route_params["port"])
    return await client.wait_for_completion_or_create_check_status_response(req, made, 20_000, 20)

@app.route(route="seen", methods=["POST"])
def seen(req):
    return json.dumps([req.headers.get("content-type"), req.get_body().decode()])

@app.orchestration_trigger(context_name="context")
def Calls(context):
    answer = yield context.call_http("POST", f"http://127.0.0.1:{context.get_input()}/api/seen", {"image_id": "a", "n": 1})
    return json.loads(answer["content"])

@app.route(route="enqueue", methods=["POST"])
@app.queue_output(arg_name="orders", queue_name="orders", connection="AzureWebJobsStorage")
@app.cosmos_db_output(arg_name="doc", database_name="shop", container_name="items", connection="Cosmos")
def enqueue(req, orders: func.Out[func.QueueMessage], doc: func.Out[func.Document]) -> func.HttpResponse:
    orders.set(func.QueueMessage(body=req.get_body()))
    doc.set(func.Document.from_dict({"id": "1"}))
    return func.HttpResponse(status_code=202)
"""


@pytest.fixture(scope="module")
def decorated(tmp_path_factory):
    """An app of decorated functions, with a blueprint in a package of its own."""
    folder = tmp_path_factory.mktemp("decorated")
    (folder / "blueprints").mkdir()
    (folder / "blueprints" / "__init__.py").touch()
    (folder / "blueprints" / "greetings.py").write_text(BLUEPRINT)
    (folder / "function_app.py").write_text(IMPORTS + DECORATED)
    with serving(folder) as server:
        yield server


def test_a_blueprint_is_hosted(decorated):
    assert output(decorated, decorated.ask("POST", "/api/greetings")[1]) == [
        "Hello Tokyo!",
        "Hello Oslo!",
    ]
    assert decorated.ask("GET", "/api/plain?name=Ada") == (200, "Hello Ada")
    decorated.until_said("asked for plain")


def test_a_singleton_starts_once(decorated):
    assert decorated.ask("POST", "/api/singleton/one")[0] == 202
    assert decorated.ask("POST", "/api/singleton/one") == (409, "it runs already")
    decorated.until("instances/one", lambda _status, body: body["input"] in (3, "3"))
    decorated.ask("POST", "instances/one/raiseEvent/Stop", "stopped", JSON)
    assert decorated.finished("one")["output"] == "stopped"
    assert decorated.ask("POST", "/api/singleton/one")[0] == 202


def test_a_durable_http_call_is_seen_as_on_azure(decorated):
    assert decorated.ask("GET", f"/api/http/{decorated.port}") == (
        200,
        ["text/plain", '{"image_id": "a", "n": 1}'],
    )


def test_several_outputs_are_logged(decorated):
    assert decorated.ask("POST", "/api/enqueue", b"order 7")[0] == 202
    decorated.until_said("enqueue: output 'orders' would be sent to queue 'orders': order 7")
    decorated.until_said("enqueue: output 'doc' would be sent to cosmosDB 'items': {\"id\": \"1\"}")

"""The classic demos as an app with HTTP starters, for the SDK and for our own names."""

from __future__ import annotations

APP = """
import json
from datetime import timedelta

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="orchestrators/{functionName}/{instanceId?}")
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client):
    given = req.get_json() if req.get_body() else None
    made = await client.start_new(req.route_params["functionName"], req.route_params.get("instanceId"), given)
    return client.create_check_status_response(req, made)


@app.route(route="wait/{functionName}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def wait(req: func.HttpRequest, client):
    timeout, interval = int(req.params.get("timeout", "10000")), int(req.params.get("interval", "50"))
    made = await client.start_new(req.route_params["functionName"], None, req.get_json())
    return await client.wait_for_completion_or_create_check_status_response(req, made, timeout, interval)


@app.route(route="steer/{operation}/{id}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def steer(req: func.HttpRequest, client):
    operation, one = req.route_params["operation"], req.route_params["id"]
    if operation in ("terminate", "suspend", "resume", "rewind"):
        await getattr(client, operation)(one, "because")
        return "done"
    if operation == "restart":
        again = await client.restart(one)
        return again if isinstance(again, str) else again["id"]
    if operation == "event":
        await client.raise_event(one, req.params["name"], req.get_json())
        return func.HttpResponse(status_code=202)
    if operation == "purge":
        return str((await client.purge_instance_history(one)).instances_deleted)


@app.route(route="status/{id}")
@app.durable_client_input(client_name="client")
async def status(req: func.HttpRequest, client):
    found = await client.get_status(req.route_params["id"], show_input=True)
    if not found:
        return func.HttpResponse("nobody", status_code=404)
    return func.HttpResponse(json.dumps([found.runtime_status.value, found.output, found.custom_status]), mimetype="application/json")


@app.route(route="all/{prefix}")
@app.durable_client_input(client_name="client")
async def everything(req: func.HttpRequest, client):
    found = await client.get_status_by(instance_id_prefix=req.route_params["prefix"])
    return json.dumps(sorted(one.instance_id for one in found))


@app.route(route="count/{key}", methods=["GET", "POST"])
@app.durable_client_input(client_name="client")
async def count(req: func.HttpRequest, client):
    counter_id = df.EntityId("counter", req.route_params["key"])
    if req.method == "POST":
        await client.signal_entity(counter_id, "add", int(req.params["by"]))
        return func.HttpResponse(status_code=202)
    found = await client.read_entity_state(counter_id)
    return json.dumps([found.entity_exists, found.entity_state])


@app.route(route="plain/{number:int}/{rest?}", methods=["GET"])
def plain(req: func.HttpRequest) -> str:
    return f"{req.method} {req.route_params['number']} {req.route_params.get('rest')} {req.params.get('q')} {req.headers['X-Mark']}"


@app.route(route="plain/{word:alpha}")
def word(req: func.HttpRequest):
    return func.HttpResponse(f"<b>{req.route_params['word']}</b>", mimetype="text/html", headers={"X-Mark": "1"}, status_code=201)


@app.route(route="nothing")
async def nothing(req: func.HttpRequest):
    return None


@app.route(route="broken")
async def broken(req: func.HttpRequest):
    raise SystemExit("a secret")


@app.route(route="wrong")
def wrong(req: func.HttpRequest):
    return {"no": "response"}


@app.route(route="locked", auth_level=func.AuthLevel.FUNCTION)
def locked(req: func.HttpRequest):
    return "open"


@app.orchestration_trigger(context_name="context")
def greet(context):
    return (yield context.call_activity("hello", context.get_input()))


@app.orchestration_trigger(context_name="context")
def fan_out(context):
    said = yield context.task_all([context.call_activity("hello", str(n)) for n in range(context.get_input())])
    return len(said)


@app.orchestration_trigger(context_name="context")
def approval(context):
    context.set_custom_status("asked")
    answer = yield context.wait_for_external_event("Approve")
    return {"answer": answer, "then": (yield context.call_activity("hello", "you"))}


@app.orchestration_trigger(context_name="context")
def monitor(context):
    for _ in range(context.get_input()):
        yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=20))
    return "healthy"


@app.orchestration_trigger(context_name="context")
def fails(context):
    yield context.call_activity("hello", "once")
    raise ValueError("no luck")


@app.activity_trigger(input_name="name")
def hello(name: str) -> str:
    return f"Hello {name}!"


@app.entity_trigger(context_name="context")
def counter(context):
    if context.operation_name == "add":
        context.set_state(context.get_state(lambda: 0) + context.get_input())
"""

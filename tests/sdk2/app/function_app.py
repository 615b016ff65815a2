"""An app on azure-functions-durable 2.x that uses what the SDK has."""

from datetime import timedelta

import azure.durable_functions as df
import azure.functions as func
import grpc
from durabletask import task
from durabletask.entities import DurableEntity, EntityInstanceId

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
blueprint = df.Blueprint()
COUNTER = EntityInstanceId("counter", "one")


@app.activity_trigger(input_name="name")
def hello(name: str) -> str:
    return f"Hello, {name}!"


@app.activity_trigger(input_name="value")
def native(ctx, value):
    return value * 2


@app.activity_trigger(input_name="value")
async def later(value):
    return f"later {value}"


@app.activity_trigger(input_name="text")
def boom(text: str) -> None:
    raise ValueError(f"boom {text}")


@app.activity_trigger(input_name="input")
@app.durable_client_input(client_name="client")
def ask(input: str, client) -> str:
    return client.get_orchestration_state(input).name


@app.orchestration_trigger(context_name="context")
def compat(context):
    """One argument: the context of 1.x over the one of 2.x."""
    names = context.get_input() or ["Ada"]
    said = yield context.task_all([context.call_activity("hello", name) for name in names])
    context.set_custom_status({"said": len(said)})
    return said


@app.orchestration_trigger(context_name="ctx")
def two_arguments(ctx, number):
    doubled = yield ctx.call_activity("native", input=number)
    return [doubled, (yield ctx.call_activity("later", input=doubled))]


@app.orchestration_trigger(context_name="context", input_type=int)
def typed(context):
    return context.get_input() + 1


@app.orchestration_trigger(context_name="ctx", orchestration="Renamed")
def _renamed(ctx, _):
    return ctx.instance_id


@app.orchestration_trigger(context_name="ctx")
def catches(ctx, _):
    try:
        yield ctx.call_activity("boom", input="one")
    except task.TaskFailedError as error:
        details = error.details
        return [details.message, details.error_type, details.is_caused_by(ValueError)]


@app.orchestration_trigger(context_name="ctx")
def fails(ctx, _):
    yield ctx.call_sub_orchestrator("fails_below")


@app.orchestration_trigger(context_name="ctx")
def fails_below(ctx, _):
    yield ctx.call_activity("boom", input="below")


@app.orchestration_trigger(context_name="ctx")
def all_fail(ctx, _):
    tasks = [ctx.call_activity("boom", input=str(number)) for number in range(2)]
    tasks.append(ctx.call_activity("hello", input="x"))
    try:
        yield task.when_all(tasks)
    except task.TaskFailedError as error:
        return [error.details.message, [each.is_complete for each in tasks]]


@app.orchestration_trigger(context_name="ctx")
def retries(ctx, _):
    policy = task.RetryPolicy(
        first_retry_interval=timedelta(seconds=10),
        max_number_of_attempts=4,
        backoff_coefficient=2,
        max_retry_interval=timedelta(seconds=30),
    )
    begun = ctx.current_utc_datetime
    try:
        yield ctx.call_activity("boom", input="again", retry_policy=policy)
    except task.TaskFailedError:
        return (ctx.current_utc_datetime - begun).total_seconds()


@app.orchestration_trigger(context_name="ctx")
def races(ctx, _):
    timer, event = ctx.create_timer(timedelta(hours=1)), ctx.wait_for_external_event("go")
    if (yield task.when_any([timer, event])) is event:
        timer.cancel()
        return event.get_result()
    return "too late"


@app.orchestration_trigger(context_name="ctx")
def sleeps(ctx, days):
    yield ctx.create_timer(timedelta(days=days))
    return ctx.current_utc_datetime.isoformat()


@app.orchestration_trigger(context_name="ctx")
def leaves_open(ctx, _):
    ctx.create_timer(timedelta(days=30))
    ctx.call_activity("hello", input="nobody")
    yield ctx.call_activity("hello", input="x")
    return "done"


@app.orchestration_trigger(context_name="ctx")
def counts_up(ctx, number):
    if number < 3:
        ctx.continue_as_new(number + 1, new_version="2.0")
        return None
    return [number, ctx.version]


@app.orchestration_trigger(context_name="ctx")
def collects(ctx, seen):
    seen = [*(seen or []), (yield ctx.wait_for_external_event("item"))]
    if len(seen) < 3:
        ctx.continue_as_new(seen, save_events=True)
        return None
    return seen


@app.orchestration_trigger(context_name="ctx")
def sends(ctx, target):
    ctx.send_event(target, "go", data={"from": ctx.instance_id})
    return "sent"


@app.orchestration_trigger(context_name="ctx")
def uses_entity(ctx, _):
    ctx.signal_entity(COUNTER, "add", input=2)
    total = yield ctx.call_entity(COUNTER, "add", input=3)
    try:
        yield ctx.call_entity(COUNTER, "fail")
    except task.TaskFailedError as error:
        return [total, error.details.message, (yield ctx.call_entity(COUNTER, "get"))]


@app.orchestration_trigger(context_name="ctx")
def signals_later(ctx, _):
    ctx.signal_entity(
        COUNTER, "add", input=5, signal_time=ctx.current_utc_datetime + timedelta(hours=2)
    )
    return "sent"


@app.orchestration_trigger(context_name="ctx")
def forwards(ctx, _):
    yield ctx.call_entity(EntityInstanceId("relay", "r"), "forward", input=4)
    return (yield ctx.call_entity(COUNTER, "get"))


@app.entity_trigger(context_name="context", entity_name="counter")
class Counter(DurableEntity):
    def add(self, number: int) -> int:
        total = self.get_state(int, 0) + number
        self.set_state(total)
        return total

    def get(self):
        return self.get_state(int, 0)

    def fail(self):
        self.set_state(-1)
        self.signal_entity(EntityInstanceId("relay", "never"), "forward", 1)
        raise RuntimeError("refused")


@app.entity_trigger(context_name="context")
def relay(ctx, input):
    ctx.signal_entity(COUNTER, "add", input)
    ctx.schedule_new_orchestration("Renamed", instance_id="started-by-relay")
    ctx.set_state(input)
    return "forwarded"


@app.entity_trigger(context_name="context", entity_name="old")
def old_style(context):
    if context.operation_name == "end":
        context.destruct_on_exit()
        context.set_result("ended")
    else:
        context.set_state((context.get_state(lambda: 0)) + context.get_input())
        context.set_result(context.get_state())


@app.orchestration_trigger(context_name="context")
def uses_old_entity(context):
    old = df.EntityId("old", "k")
    first = yield context.call_entity(old, "add", 2)
    second = yield context.call_entity(old, "end")
    return [first, second]


@app.orchestration_trigger(context_name="context")
def calls_http(context):
    response = yield context.call_http("GET", "http://localhost/thing")
    return [response.status_code, response.content]


@app.orchestration_trigger(context_name="ctx")
def asks(ctx, _):
    return (yield ctx.call_activity("ask", input=ctx.instance_id))


@blueprint.orchestration_trigger(context_name="ctx")
def from_blueprint(ctx, _):
    return (yield ctx.call_activity("hello", input="blueprint"))


@app.route(route="start/{name}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client) -> func.HttpResponse:
    body = req.get_json() if req.get_body() else None
    instance_id = await client.schedule_new_orchestration(req.route_params["name"], input=body)
    return client.create_check_status_response(req, instance_id)


@app.route(route="run/{name}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def run(req: func.HttpRequest, client) -> func.HttpResponse:
    body = req.get_json() if req.get_body() else None
    instance_id = await client.schedule_new_orchestration(req.route_params["name"], input=body)
    state = await client.wait_for_orchestration_completion(instance_id, timeout=30)
    return func.HttpResponse(state.serialized_output or "null")


@app.route(route="big", methods=["POST"])
@app.durable_client_input(client_name="client")
async def big(req: func.HttpRequest, client) -> func.HttpResponse:
    try:
        await client.schedule_new_orchestration("compat", input=["x" * req.get_json()])
    except grpc.RpcError as error:
        return func.HttpResponse(error.code().name, status_code=413)
    return func.HttpResponse("started")


@app.route(route="look/{instance}", methods=["GET"])
@app.durable_client_input(client_name="client")
def look(req: func.HttpRequest, client) -> func.HttpResponse:
    state = client.get_orchestration_state(req.route_params["instance"])
    return func.HttpResponse("none" if state is None else state.runtime_status.name)


app.register_functions(blueprint)

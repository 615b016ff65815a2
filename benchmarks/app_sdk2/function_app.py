"""The shapes of the benchmarks as an app on azure-functions-durable 2.x."""

import azure.durable_functions as df
import azure.functions as func
from durabletask import task

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.activity_trigger(input_name="name")
def hello(name):
    return f"Hello {name}"


@app.orchestration_trigger(context_name="ctx")
def sequence(ctx, count):
    said = []
    for _ in range(count):
        said.append((yield ctx.call_activity("hello", input="Tokyo")))
    return len(said)


@app.orchestration_trigger(context_name="ctx")
def fan_out(ctx, count):
    said = yield task.when_all([ctx.call_activity("hello", input="Tokyo") for _ in range(count)])
    return len(said)


@app.route(route="run/{count}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def run(req: func.HttpRequest, client) -> func.HttpResponse:
    started = await client.schedule_new_orchestration(
        "sequence", input=int(req.route_params["count"])
    )
    state = await client.wait_for_orchestration_completion(started, timeout=30)
    return func.HttpResponse(state.serialized_output)

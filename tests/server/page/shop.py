"""An app whose instances show everything that the page can show."""

from datetime import timedelta

from durablectl import df

app = df.DFApp()


@app.activity_trigger(input_name="order")
def reserve(order: dict) -> dict:
    return {"order": order["id"], "reserved": [item["sku"] for item in order["items"]]}


@app.activity_trigger(input_name="order")
def charge(order: dict) -> str:
    if order.get("card", "").startswith("4000-9"):
        raise ValueError(f"card {order['card']} was declined by the bank")
    return f"charge-{order['id']}"


@app.activity_trigger(input_name="parcel")
def ship(parcel: dict) -> str:
    return f"tracking-{parcel['sku']}"


@app.activity_trigger(input_name="text")
def notify(text: str) -> str:
    return text


@app.orchestration_trigger(context_name="context")
def Parcel(context):
    parcel = context.get_input()
    yield context.call_activity("notify", f"packing {parcel['sku']}")
    return (yield context.call_activity("ship", parcel))


@app.orchestration_trigger(context_name="context")
def Order(context):
    order = context.get_input()
    context.set_custom_status({"percent": 20, "message": "reserving"})
    yield context.call_activity("reserve", order)
    context.set_custom_status({"percent": 50, "message": "charging"})
    retry = df.RetryOptions(first_retry_interval_in_milliseconds=20, max_number_of_attempts=3)
    yield context.call_activity_with_retry("charge", retry, order)
    parcels = [context.call_sub_orchestrator("Parcel", item) for item in order["items"]]
    tracking = yield context.task_all(parcels)
    context.set_custom_status({"percent": 100, "message": "shipped"})
    return {"state": "shipped", "tracking": tracking}


@app.orchestration_trigger(context_name="context")
def Approval(context):
    context.set_custom_status({"stage": "waiting for approval"})
    approved = context.wait_for_external_event("Approve")
    timeout = context.create_timer(context.current_utc_datetime + timedelta(days=1))
    first = yield context.task_any([approved, timeout])
    if first is approved:
        timeout.cancel()
        return {"approved": approved.result}
    return {"approved": None}


@app.orchestration_trigger(context_name="context")
def Long(context):
    for number in range(context.get_input()):
        yield context.call_activity("notify", str(number))
    return "done"


@app.orchestration_trigger(context_name="context")
def Echo(context):
    return context.get_input()
    yield


@app.orchestration_trigger(context_name="context")
def Wide(context):
    children = [context.call_sub_orchestrator("Echo", n) for n in range(context.get_input())]
    return len((yield context.task_all(children)))

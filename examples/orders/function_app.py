"""Orders of a small shop: check the stock, wait for an approval, charge the card, ship.

It runs under `durablectl` on this machine and, unchanged, on Azure.
"""

import itertools
import json
from datetime import timedelta
from pathlib import Path

try:
    import azure.durable_functions as df
except ImportError:
    from durablectl import df

app = df.DFApp()

CATALOG = Path(__file__).with_name("catalog.json")
NEEDS_APPROVAL_FROM = 1000
A_WEEK = 7 * 24 * 3600
_attempts = itertools.count()


@app.orchestration_trigger(context_name="context")
def Order(context: df.DurableOrchestrationContext):
    """One order from the basket to the parcels.

    Raise the event `Approval` (`{"approved": true, "by": "ada"}`) for a dear one.
    """
    order = context.get_input()
    context.set_custom_status({"percent": 10, "message": "checking the stock"})
    lines = yield context.task_all(
        [context.call_activity("reserve", item) for item in order["items"]]
    )
    total = round(sum(line["total"] for line in lines), 2)

    if total >= NEEDS_APPROVAL_FROM:
        context.set_custom_status(
            {"percent": 40, "message": f"waiting for the approval of {total:.2f}"}
        )
        refusal = yield from approval(
            context, total, timedelta(seconds=order.get("approve_within_seconds", A_WEEK))
        )
        if refusal:
            return {"order": order["id"], "state": "refused", "reason": refusal}

    context.set_custom_status({"percent": 60, "message": "charging the card"})
    retry = df.RetryOptions(first_retry_interval_in_milliseconds=100, max_number_of_attempts=5)
    receipt = yield context.call_activity_with_retry(
        "charge", retry, {"card": order["card"], "amount": total}
    )

    context.set_custom_status({"percent": 90, "message": "shipping"})
    parcels = yield context.task_all([context.call_activity("ship", line) for line in lines])
    context.set_custom_status({"percent": 100, "message": "done"})
    return {
        "order": order["id"],
        "state": "shipped",
        "total": total,
        "receipt": receipt,
        "parcels": parcels,
    }


def approval(context, total, within):
    """Wait for a person, but not for ever. Returns why the order is refused, or None."""
    decision = context.wait_for_external_event("Approval")
    deadline = context.create_timer(context.current_utc_datetime + within)
    winner = yield context.task_any([decision, deadline])
    if winner is deadline:
        return f"nobody approved {total:.2f} in time"
    deadline.cancel()
    answer = decision.result or {}  # an event may come without data
    if answer.get("approved"):
        return None
    by = answer.get("by", "somebody")
    return f"{by} did not approve {total:.2f}"


@app.activity_trigger(input_name="item")
def reserve(item: dict) -> dict:
    """Take articles off the shelf; fails for what the shop does not have."""
    article = json.loads(CATALOG.read_text(encoding="utf-8")).get(item["sku"])
    if article is None:
        raise LookupError(f"there is no article '{item['sku']}'")
    if item["quantity"] > article["stock"]:
        raise ValueError(
            f"only {article['stock']} of '{item['sku']}' left, {item['quantity']} ordered"
        )
    return {
        "sku": item["sku"],
        "quantity": item["quantity"],
        "total": round(article["price"] * item["quantity"], 2),
    }


@app.activity_trigger(input_name="payment")
def charge(payment: dict) -> str:
    """Charge the card. The bank is busy every third time, which is what the retries are for."""
    if next(_attempts) % 3 == 0:
        raise ConnectionError("the bank is busy")
    return f"{payment['card'][-4:]}/{payment['amount']:.2f}"


@app.activity_trigger(input_name="line")
async def ship(line: dict) -> str:
    """Hand a parcel to the carrier; its number."""
    return f"{line['sku']}-x{line['quantity']}"


@app.route(route="orchestrators/{functionName}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req, client):
    """Start an orchestrator over HTTP."""
    instance_id = await client.start_new(
        req.route_params["functionName"], client_input=req.get_json()
    )
    return client.create_check_status_response(req, instance_id)

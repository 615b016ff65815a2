"""An app on azure-functions-durable 2.x with critical sections."""

from datetime import timedelta

import azure.durable_functions as df
from durabletask.entities import DurableEntity, EntityInstanceId

app = df.DFApp()


def account(key):
    return EntityInstanceId("account", key)


@app.entity_trigger(context_name="context", entity_name="account")
class Account(DurableEntity):
    def add(self, amount):
        self.set_state(self.get_state(int, 0) + amount)
        return self.get_state(int)

    def get(self):
        return self.get_state(int, 0)

    def set(self, amount):
        self.set_state(amount)

    def note(self, number):
        self.set_state(number)


@app.orchestration_trigger(context_name="ctx")
def transfer(ctx, order):
    """Read and write in two steps: only the lock makes that safe."""
    source, target, amount = order
    with (yield ctx.lock_entities([account(source), account(target)])):
        before = [
            (yield ctx.call_entity(account(source), "get")),
            (yield ctx.call_entity(account(target), "get")),
        ]
        after = [before[0] - amount, before[1] + amount]
        yield ctx.call_entity(account(source), "set", after[0])
        yield ctx.call_entity(account(target), "set", after[1])
    return after


@app.orchestration_trigger(context_name="ctx")
def holds(ctx, key):
    with (yield ctx.lock_entities([account(key)])):
        yield ctx.wait_for_external_event("release")


@app.orchestration_trigger(context_name="ctx")
def slow(ctx, keys):
    with (yield ctx.lock_entities([account(key) for key in keys])):
        yield ctx.create_timer(timedelta(seconds=5))
    return "done"


@app.orchestration_trigger(context_name="ctx")
def reads(ctx, key):
    return (yield ctx.call_entity(account(key), "get"))


@app.orchestration_trigger(context_name="ctx")
def fails_inside(ctx, key):
    with (yield ctx.lock_entities([account(key)])):
        raise ValueError("inside")


@app.activity_trigger(input_name="key")
def risky(key):
    return key


@app.orchestration_trigger(context_name="ctx")
def risks(ctx, key):
    with (yield ctx.lock_entities([account(key)])):
        yield ctx.call_activity("risky", input=key)
        yield ctx.call_entity(account(key), "add", 1)
    return (yield ctx.call_activity("risky", input="after"))


@app.orchestration_trigger(context_name="ctx")
def risks_below(ctx, key):
    return (yield ctx.call_sub_orchestrator("risks", input=key, instance_id="below"))


@app.orchestration_trigger(context_name="ctx")
def ends_inside(ctx, key):
    yield ctx.lock_entities([account(key)])
    return "kept"


@app.orchestration_trigger(context_name="ctx")
def continues_inside(ctx, key):
    if key is None:
        return "again"
    with (yield ctx.lock_entities([account(key)])):
        ctx.continue_as_new(None)


@app.orchestration_trigger(context_name="ctx")
def locks_twice(ctx, key):
    with (yield ctx.lock_entities([account(key)])):
        yield ctx.lock_entities([account("other")])


@app.orchestration_trigger(context_name="ctx")
def locks_unknown(ctx, key):
    with (yield ctx.lock_entities([EntityInstanceId("ghost", key), EntityInstanceId("zoo", key)])):
        return "inside"


@app.orchestration_trigger(context_name="ctx")
def calls_another(ctx, key):
    with (yield ctx.lock_entities([account(key)])):
        yield ctx.call_entity(account("other"), "get")

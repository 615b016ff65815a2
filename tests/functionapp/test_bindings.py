"""Bindings beside the trigger: contexts, outputs, inputs; of decorated functions and of
function.json.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from durablectl.engine.worker.activities import run_activity
from durablectl.errors import AppError
from durablectl.functionapp.loader import load_app

BOTH = pytest.mark.parametrize(
    "names",
    [
        "import azure.functions as func\nimport azure.durable_functions as df\n",
        "from durablectl import df\nfunc = df\n",
    ],
    ids=["azure", "durablectl"],
)
APP = "app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n"
QUEUE = '@app.queue_output(arg_name="msg", queue_name="orders", connection="C")\n'


@pytest.fixture
def folders(folder, write):
    """Write an app of one function.json folder `step`, and load it."""

    def load(source, *bindings, **members):
        write("host.json", "{}")
        write("step/__init__.py", source)
        write("step/function.json", json.dumps({"bindings": bindings, **members}))
        return load_app(folder)

    return load


@BOTH
def test_a_call_has_a_context(load, folder, names):
    source = (
        '@app.function_name("Sent")\n@app.activity_trigger(input_name="x")\ndef send(x, context: '
        "func.Context):\n    return x, context\n"
    )
    value, context = load(APP + source, names).activities.get("Sent").function(x=1)
    assert (value, context.function_name, context.function_directory) == (1, "Sent", str(folder))
    assert UUID(context.invocation_id).hex
    assert context.thread_local_storage.invocation_id == context.invocation_id
    assert (context.retry_context.retry_count, context.retry_context.max_retry_count) == (0, 0)
    assert context.trace_context.Traceparent == context.trace_context.trace_parent
    assert context.trace_context.trace_parent.startswith("00-")


@BOTH
def test_two_calls_have_two_invocation_ids(load, names):
    source = (
        '@app.activity_trigger(input_name="x")\nasync def send(x, context):\n    return '
        "context.invocation_id\n"
    )
    send = load(APP + source, names).activities.get("send")
    assert send.is_async
    assert asyncio.run(send.function(x=1)) != asyncio.run(send.function(x=1))


def test_the_folder_of_a_function_is_that_of_its_function_json(folders, folder):
    registry = folders(
        "def main(x, context):\n    return context.function_directory\n",
        {"type": "activityTrigger", "name": "x"},
    )
    assert registry.activities.get("step").function(x=1) == str(folder / "step")


@BOTH
def test_an_output_is_collected_and_logged_and_the_result_is_its_own(load, names, caplog):
    source = (
        QUEUE + '@app.activity_trigger(input_name="x")\ndef send(x, msg: func.Out[str]):\n    '
        'msg.set(f"order {x}")\n    return msg.get()\n'
    )
    assert load(APP + source, names).activities.get("send").function(x=7) == "order 7"
    assert caplog.messages == ["send: output 'msg' would be sent to queue 'orders': order 7"]


@BOTH
def test_an_output_of_an_async_activity_is_collected_too(load, names, caplog):
    source = (
        '@app.generic_output_binding(arg_name="sms", type="twilioSms", '
        'to="+1")\n@app.activity_trigger(input_name="x")\n'
        'async def send(x, sms):\n    sms.set({"body": x})\n'
    )
    assert (
        asyncio.run(load(APP + source, names).activities.get("send").function(x="hi\x07")) is None
    )
    assert caplog.messages == [
        "send: output 'sms' would be sent to twilioSms '+1': {\"body\": \"hi\\u0007\"}"
    ]


@BOTH
def test_what_is_not_set_or_fails_is_not_sent(load, names, caplog):
    source = (
        QUEUE + '@app.activity_trigger(input_name="x")\ndef send(x, msg):\n    if x:\n        '
        'msg.set("lost")\n        raise ValueError(x)\n'
    )
    send = load(APP + source, names).activities.get("send").function
    send(x=0)
    with pytest.raises(ValueError):
        send(x=1)
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ('func.QueueMessage(body="order")', "order"),
        ('[func.Document.from_dict({"id": "1"})]', '[{"id": "1"}]'),
        (
            (
                'func.EventGridOutputEvent(id="i", data={"a": 1}, subject="s", event_type="t", '
                'event_time=None, data_version="1")'
            ),
            '{"a": 1}',
        ),
        ("datetime(2026, 1, 2)", "2026-01-02 00:00:00"),
        ("7", "7"),
        ("{(1, 2): 3}", "{(1, 2): 3}"),
        ("b'raw'", "raw"),
        ("[1, 2]", "[1, 2]"),
        ("'x' * 501", "x" * 500 + "…"),
        ("'a\\nb'", "a b"),
    ],
    ids=[
        "a message",
        "documents",
        "an event",
        "a time",
        "a number",
        "no JSON",
        "bytes",
        "a list",
        "a long text",
        "lines",
    ],
)
def test_an_output_is_logged_on_one_line(load, caplog, value, told):
    source = QUEUE + (
        f'@app.activity_trigger(input_name="x")\ndef send(x, msg):\n    msg.set({value})\n'
    )
    load(
        "from datetime import datetime\nimport azure.functions as func\nimport "
        "azure.durable_functions as df\n" + APP + source,
        "",
    ).activities.get("send").function(x=1)
    assert caplog.messages == [f"send: output 'msg' would be sent to queue 'orders': {told}"]


def test_the_result_of_an_activity_may_be_an_output_as_well(folders, caplog):
    queue = {"type": "queue", "name": "$return", "direction": "out", "queueName": "q"}
    registry = folders(
        "def main(x):\n    return x\n", {"type": "activityTrigger", "name": "x"}, queue
    )
    assert registry.activities.get("step").function(x="hi") == "hi"
    assert caplog.messages == ["step: output would be sent to queue 'q': hi"]


@BOTH
@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            (
                '@app.blob_input(arg_name="b", path="p/x", '
                'connection="C")\n@app.activity_trigger(input_name="x")\ndef f(x, b): ...\n'
            ),
            (
                "activity 'f' has the input binding 'b' (blob 'p/x'), which is not available here "
                "(function_app.py:4)"
            ),
        ),
        (
            (
                '@app.route(route="x")\n@app.blob_input(arg_name="b", path="p/x", '
                'connection="C")\ndef f(req, b): ...\n'
            ),
            (
                "HTTP function 'f' has the input binding 'b' (blob 'p/x'), which is not available "
                "here (function_app.py:4)"
            ),
        ),
        (
            '@app.durable_client_input(client_name="c")\n@app.activity_trigger(input_name="x")\nasync def f(x, c): ...\n',
            (
                "activity 'f' has the input binding 'c' (durableClient), which is not available here "
                "(function_app.py:4)"
            ),
        ),
        (
            QUEUE + '@app.orchestration_trigger(context_name="c")\ndef f(c, msg): ...\n',
            (
                "orchestrator 'f' has the output binding 'msg' (queue 'orders'), which is not "
                "available here (function_app.py:4)"
            ),
        ),
    ],
    ids=["an activity", "an HTTP function", "a client", "an orchestrator"],
)
def test_a_binding_that_cannot_be_had_is_named_when_the_app_is_loaded(load, names, source, message):
    with pytest.raises(AppError) as error:
        load(APP + source, names)
    assert error.value.message == message
    assert (
        'or switch the function off: "AzureWebJobs.f.Disabled": "true" in local.settings.json'
        in (error.value.hint or "")
    )


def test_an_input_of_a_function_json_is_named_too(folders):
    with pytest.raises(
        AppError,
        match=r"activity 'step' has the input binding 'doc' \(cosmosDB "
        r"'items'\), which is not available here",
    ):
        folders(
            "def main(x, doc): ...\n",
            {"type": "activityTrigger", "name": "x"},
            {"type": "cosmosDB", "name": "doc", "direction": "in", "containerName": "items"},
        )


@BOTH
def test_bindings_of_functions_that_are_not_run_here_are_of_no_concern(load, names):
    source = (
        '@app.queue_trigger(arg_name="m", queue_name="q", '
        'connection="C")\n@app.blob_input(arg_name="b", path="p", connection="C")\n'
        '@app.durable_client_input(client_name="c")\nasync def take(m, b, c): ...\n'
    )
    assert [each.name for each in load(APP + source, names).others] == ["take"]


@BOTH
@pytest.mark.parametrize(
    ("parameters", "message", "hint"),
    [
        (
            "req",
            "HTTP function 'f' has no parameter 'msg'",
            "a binding has that name; give the function that parameter",
        ),
        ("req, msg, other", "no binding fills the parameter 'other' of HTTP function 'f'", None),
        (
            "req, msg, ctx: func.Context",
            "no binding fills the parameter 'ctx' of HTTP function 'f'",
            "a parameter named 'context' gets the context of the call, and no other",
        ),
    ],
    ids=["missing", "another", "a context by another name"],
)
def test_parameters_that_are_not_those_of_the_bindings_are_refused(
    load, names, parameters, message, hint
):
    with pytest.raises(AppError) as error:
        load(APP + '@app.route(route="x")\n' + QUEUE + f"def f({parameters}): ...\n", names)
    assert (error.value.message, error.value.hint) == (f"{message} (function_app.py:4)", hint)


@BOTH
def test_a_parameter_with_a_default_is_only_warned_about(load, names):
    registry = load(
        APP + '@app.activity_trigger(input_name="x")\ndef f(x, factor=2):\n    return x * factor\n',
        names,
    )
    assert registry.activities.get("f").function(x=2) == 4
    told = (
        "no binding fills the parameter 'factor' of activity 'f' (function_app.py:4); on Azure "
        "the app does not load"
    )
    assert registry.warnings == [told]


@BOTH
def test_the_trace_of_a_failure_begins_in_the_apps_code(load, folder, names):
    source = QUEUE + (
        '@app.activity_trigger(input_name="x")\ndef send(x, msg, context):\n    '
        "raise ValueError(x)\n"
    )
    failed = run_activity(
        load(APP + source, names).activities.get("send"), 0, "1", lambda: datetime.now(UTC)
    )
    first = json.loads(failed.details)["StackTraceString"].splitlines()[1]
    assert first.strip().startswith(f'File "{folder / "function_app.py"}"')

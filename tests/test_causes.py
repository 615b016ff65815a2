"""Why an instance failed: the innermost cause and the chain, whichever worker wrote the text around
it, and where in the app's code.
"""

import json
import time

import pytest

from durablectl.causes import (
    MOST_CAUSES,
    NO_REASON,
    OTHER_CAUSE,
    Cause,
    cause_of,
    cause_of_event,
    grouped_causes,
    masked,
    split_exceptions,
)
from durablectl.frames import app_lines

RECORDED = (
    "Orchestrator function 'failing' failed: The activity function 'fail' failed: \"no luck\"."
    " See the function execution logs for additional details."
)
RECORDED_CHILD = (
    "Orchestrator function 'failing_parent' failed: The orchestrator function 'failing' failed: "
    "\"The activity function 'fail' failed: "
    '"no luck". See the function execution logs for additional details.". See the function '
    "execution logs for additional details."
)
RECORDED_TERMINATED = (
    "Orchestrator function 'parent_slow' failed: The orchestrator function 'sleeper' failed: \"\"."
    " See the function execution logs for additional details."
)
NESTED = (
    "Orchestrator function 'outer' failed: The orchestrator function 'inner' failed: \"The "
    "activity function 'pay' failed: "
    '\\"card \\\\\\"gold\\\\\\" refused\\". See the function execution logs for additional '
    'details.". '
    "See the function execution logs for additional details."
)
TRACEBACK = """Traceback (most recent call last):
  File "/app/function_app.py", line 9, in boom
    check(x)
  File "/app/rules.py", line 4, in check
    json.loads(x)
  File "/usr/lib/python3.11/json/__init__.py", line 346, in loads
    return _default_decoder.decode(s)
ValueError: plain
"""
HOST_STACK = """   at Microsoft.Azure.WebJobs.Host.Executors.FunctionExecutor.Invoke() in D:\\a\\src\\FunctionExecutor.cs:line 352
   at Shop.Payments.Pay(String id) in C:\\shop\\Payments.cs:line 12"""


def exception(kind, message, stack=None, **more):
    return json.dumps({"ClassName": kind, "Message": message, "StackTraceString": stack, **more})


LEAF = (
    "Activity function 'boom' failed:  ValueError: plain \n "
    f"{exception('ValueError', 'plain', TRACEBACK)}"
)
TOP = f"Orchestrator function 'top' failed: {LEAF}"
OUTER = f"Orchestrator function 'outer' failed: {TOP} \n {exception('System.Exception', TOP)}"
CHAIN = ("activity 'boom'", "orchestrator 'top'", "orchestrator 'outer'")
HOST = "Activity function 'a' failed: Result: Failure\nException: KeyError: 'x'\nStack:   File 1"
ISOLATED = "Task 'Pay' (#3) failed with an unhandled exception: no gold"
NEWER = "o-1:1: Activity task #2 failed: no gold"
ORCHESTRATOR, OWN = "Orchestrator function 'o' failed: ", ("orchestrator 'o'",)
JAVASCRIPT = (
    "Error: no\n    at pay (/app/index.js:12:9)\n    at run "
    "(/app/node_modules/x/y.js:1:2)\n    at node:internal/x:1:2"
)
CAUSED = (
    "\nThe above exception was the direct cause ...\n\nTraceback (most recent call last):\n  "
    'File "/app/a.py", line 1, in f\n'
)
USERS_JSON = 'response was:\n{"code": "QuotaExceeded"}'


@pytest.mark.parametrize(
    ("output", "text", "through"),
    [
        (RECORDED, "no luck", ("activity 'fail'", "orchestrator 'failing'")),
        (RECORDED_CHILD, "no luck", ("activity 'fail'", "orchestrator 'failing'", ("orchestrator "
                                                                                  "'failing_parent'"))),
        (RECORDED_TERMINATED, NO_REASON, ("orchestrator 'sleeper'", "orchestrator 'parent_slow'")),
        (NESTED, 'card "gold" refused', ("activity 'pay'", "orchestrator 'inner'", ("orchestrator "
                                                                                   "'outer'"))),
        ("Orchestrator function 'throwing' failed: bad orchestrator", "bad orchestrator", ("orchestrator 'throwing'",)),
        (TOP, "ValueError: plain", CHAIN[:2]),
        (OUTER, "ValueError: plain", CHAIN),
        (f"Orchestrator function 'o' failed: {USERS_JSON}", USERS_JSON, ("orchestrator 'o'",)),
        (f"{ORCHESTRATOR}it said {LEAF} (giving up)", ("it said Activity function 'boom' failed:  "
                                                      "ValueError: plain (giving up)"), OWN),
        ("Orchestrator function 'o' failed: enough \n None", "enough", ("orchestrator 'o'",)),
        ("Orchestrator function 'o' failed: the answer was\nNone", "the answer was\nNone", ("orchestrator 'o'",)),
        (f"Orchestrator function 'o' failed: {exception('E', 'only this')}", "E: only this", ("orchestrator 'o'",)),
        (f"{ORCHESTRATOR}{HOST}", "KeyError: 'x'", ("activity 'a'", *OWN)),
        (f"Microsoft.DurableTask.TaskFailedException: {ISOLATED}", "no gold", ("task 'Pay'",)),
        (f"durabletask.task.TaskFailedError: {NEWER}", "no gold", ("activity task #2",)),
        (f"Sub-orchestration task #1 failed: {NEWER}", "no gold", ("activity task #2", "sub-orchestration task #1")),
        ("System.Exception: boom", "System.Exception: boom", ()),
        ("a message\n { not json }", "a message\n { not json }", ()),
        ("", NO_REASON, ()),
        (None, NO_REASON, ()),
        ({"code": 7}, '{"code": 7}', ()),
        ("GET https://h?code=S3CRET failed", "GET https://h?code=*** failed", ()),
    ],
    ids=[
        "recorded", "recorded child", "recorded terminated child", "nested quotes", "orchestrator", "python 1.x", "python 1.x, child",
        "the user's json", "text after the details", "no details", "the user's None", "details alone", "host", "isolated", "python 2.x",
        "python 2.x, child", "bare", "braces", "empty", "null", "object", "key",
    ],
)  # fmt: skip
def test_the_innermost_cause_is_found_and_unescaped(output, text, through):
    cause = cause_of(output)
    assert (cause.text, cause.through) == (text, through)


def test_the_chain_is_named_where_there_is_one():
    assert cause_of(OUTER).line == "ValueError: plain (in boom, top, outer)"
    assert cause_of("Orchestrator function 'o' failed: fell").line == "fell"


@pytest.mark.parametrize("output", [LEAF, TOP, OUTER], ids=["activity", "orchestrator", "parent"])
def test_the_apps_own_frame_is_the_place(output):
    cause = cause_of(output)
    assert (cause.place, cause.traceback) == ("/app/rules.py:4, in check", TRACEBACK.strip())
    assert app_lines(cause.traceback) == [
        "/app/function_app.py:9, in boom",
        "  check(x)",
        "/app/rules.py:4, in check",
        "  json.loads(x)",
    ]


HOSTED = (
    "Result: Failure\nException: ValueError: plain\nStack:   File "
    '"/azure-functions-host/workers/python/x.py", line 505, in run\n'
)


@pytest.mark.parametrize(
    ("stack", "place"),
    [
        (TRACEBACK.replace("\n", "\r\n"), "/app/rules.py:4, in check"),
        (HOST_STACK, "C:\\shop\\Payments.cs:12, in Shop.Payments.Pay"),
        (JAVASCRIPT, "/app/index.js:12, in pay"),
        ("Error: no\n    at async /app/index.js:12:9", "/app/index.js:12"),
        (TRACEBACK + CAUSED, "/app/a.py:1, in f"),
        (('  File "<frozen importlib>", line 1, in f\n  File '
         '"/v/lib/python3.12/site-packages/x.py", line 2, in g'), ""),
        ("at nothing\nFile x", ""),
        ("", ""),
    ],
    ids=["python", ".net", "javascript", "async javascript", "caused", "no frame of the app's", "no frame", "empty"],
)  # fmt: skip
def test_the_place_is_found_in_every_workers_traceback(stack, place):
    assert (
        cause_of("Orchestrator function 'o' failed: no", exception("E", "no", stack)).place == place
    )


def test_the_frames_of_a_python_app_on_azure_are_inside_the_hosts_exception():
    hosted = f'{HOSTED}  File "/home/site/wwwroot/function_app.py", line 7, in pay\n'
    details = exception(
        "System.Exception",
        " ValueError: plain",
        InnerException={"ClassName": "RpcException", "Message": hosted},
    )
    cause = cause_of(f"Activity function 'pay' failed:  ValueError: plain \n {details}")
    assert (cause.text, cause.place) == (
        "ValueError: plain",
        "/home/site/wwwroot/function_app.py:7, in pay",
    )


@pytest.mark.parametrize(
    ("details", "text"),
    [
        (exception("app.Bad", "no"), "Bad: no"),
        (exception("Exception", "no"), "no"),
        (exception("ValueError", "something else"), "no"),
        (
            exception("Exception", "no", InnerException={"ClassName": "app.Bad", "Message": "no"}),
            "Bad: no",
        ),
        ("no json", "no"),
        (None, "no"),
    ],
    ids=["own", "plain", "another", "the same inside", "broken", "none"],
)
def test_the_class_is_told_where_the_hub_knows_it(details, text):
    assert cause_of("Orchestrator function 'o' failed: no", details).text == text


@pytest.mark.parametrize(
    ("members", "line"),
    [
        (
            {"Reason": TOP, "Details": exception("System.Exception", TOP)},
            "ValueError: plain (in boom, top)",
        ),
        ({"Reason": "Activity function 'fail' failed: no luck", "Details": "{Details}"}, "no luck"),
        (
            {"result": "no", "failureDetails": {"ErrorType": "app.Bad", "ErrorMessage": "no"}},
            "Bad: no",
        ),
        (
            {
                "Reason": None,
                "FailureDetails": {"ErrorType": "E", "ErrorMessage": "no", "StackTrace": "at X"},
            },
            "E: no",
        ),
        ({"Reason": None, "FailureDetails": None}, NO_REASON),
        ({}, NO_REASON),
    ],
    ids=["1.x", "recorded", "an entity's reply", "failure details", "nothing", "empty"],
)
def test_a_failed_event_tells_its_cause(members, line):
    assert cause_of_event(members).line == line


MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        "Activity function 'a' failed: " + "x" * MEGABYTE,
        "Activity function 'a' failed: " * 30_000,
        "Activity function 'a' failed: \"" * 15_000 + '\\n\\"' + '". See the function execution '
        "logs for additional details." * 9_000,
        "m \n " + exception("E", "x" * MEGABYTE),
        "m" + (" \n " + exception("E", "m")) * 10_000,
        "m \n " + '{"ClassName":"StackTraceString",' * 20_000,
        "m \n " + '{"ClassName": 1, "StackTraceString": 1, "Message": ' + "[" * MEGABYTE,
        "m" + '\n{"ClassName" "StackTraceString"' * 30_000,
        "Task '" * 150_000,
        "a: " * 300_000,
        "Result: Failure\nException:" + "\nStack:" * 100_000,
        "\n" * MEGABYTE + "{",
    ],
    ids=[
        "message",
        "layers",
        "quotes",
        "details",
        "many",
        "open",
        "deep",
        "broken",
        "tasks",
        "colons",
        "stacks",
        "lines",
    ],
)
def test_a_megabyte_made_to_be_slow_takes_a_moment(text):
    started = time.process_time()
    cause = cause_of(text)
    assert (cause.line, cause.place) != ("", None)
    assert time.process_time() - started < 3


def test_a_failure_below_many_levels_is_read_at_once():
    text = LEAF
    for level in range(14):  # on the service each level doubles the text
        text = (
            f"Orchestrator function 'o{level}' failed: {text} \n "
            f"{exception('System.Exception', text[:100_000])}"
        )
    assert (cause_of(text).text, len(cause_of(text).through)) == ("ValueError: plain", 15)


def test_a_traceback_shows_no_json_of_what_was_caught():
    stack = (
        "Exception: Activity function 'boom' failed:  ValueError: plain \n "
        f"{exception('ValueError', 'plain')}\n\n{CAUSED}RuntimeError: no"
    )
    assert (
        "ClassName"
        not in cause_of(
            "Orchestrator function 'o' failed: no", exception("RuntimeError", "no", stack)
        ).traceback
    )


def test_only_exceptions_are_taken_out_of_a_text():
    found = split_exceptions(f'a\n{{"ClassName": "E", "Message": "m"}}\n {exception("E", "m")}')
    assert found == (
        'a\n{"ClassName": "E", "Message": "m"}',
        [{"ClassName": "E", "Message": "m", "StackTraceString": None}],
    )


def test_a_cause_is_a_value():
    assert Cause("x") == Cause("x", (), "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ValueError: order 17 is late", "ValueError: order # is late"),
        ("no 3f2504e0-4f89-41d3-9a0c-0305e82c3301", "no #"),
        ("no 9f86d081884c7d65 at 10:30:05", "no # at #"),
        ("TimeoutError: deadbeef facade", "TimeoutError: deadbeef facade"),
        ("first line\nsecond 2", "first line"),
        ("long " * 100 + "end", "long " * 100 + "end"),
    ],
)
def test_what_differs_from_instance_to_instance_is_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_the_number_of_causes_is_bounded() -> None:
    texts = ("".join(chr(97 + int(digit)) for digit in str(n)) for n in range(MOST_CAUSES + 50))
    found = grouped_causes((f"i-{n}", cause_of(text)) for n, text in enumerate(texts))
    assert len(found) == MOST_CAUSES + 1
    assert (found[0].cause, found[0].count) == (OTHER_CAUSE, 50)

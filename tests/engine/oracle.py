"""The official SDK's replay as a judge: a history of ours in, what the SDK decides out.

Known faults of the SDK that programs under test must keep clear of: two early events of one name
(#507), names of events in another case, a task in two unfinished compounds, false custom statuses.
"""

import json
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime

from durablectl.history.events import (
    EventSent,
    ExecutionStarted,
    SubOrchestrationCreated,
    TaskScheduled,
    TimerCreated,
)
from durablectl.history.sdk import document

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import azure.durable_functions as df


class NestedFailure(Exception):
    """The SDK broke down: a task_all failed inside another one, and its last child succeeded
    later."""


@dataclass
class Verdict:
    """What the SDK says of a history.

    `actions` are its decisions in order of their numbers; a retried call is there once.
    """

    ended: bool
    output: object
    error: str | None
    custom_status: object
    next_input: str | None
    actions: list


def official(function, history, execution_id):
    started = next(event for event in history if isinstance(event, ExecutionStarted))
    request = {
        "history": [document(event, "id", execution_id) for event in history],
        "input": started.input,
        "instanceId": "id",
        "isReplaying": False,
        "parentInstanceId": None,
        "upperSchemaVersion": 1,
        "upperSchemaVersionNew": 2,
    }
    state = _handled(function, request)
    leaves = list(_leaves(state["actions"][0]))
    again = [leaf["input"] for leaf in leaves if leaf["actionType"] == 4]
    return Verdict(
        ended=state["isDone"] or "error" in state,
        output=state.get("output"),
        error=state.get("error"),
        custom_status=state.get("customStatus"),
        next_input=again[0] if again else None,
        actions=[
            _ACTIONS[leaf["actionType"]](leaf)
            for leaf in leaves
            if leaf["actionType"] not in (4, 6)
        ],
    )


def ours(decisions, cancelled):
    """Our decisions in the oracle's form."""
    return [_shown(decision, cancelled) for decision in decisions]


def _handled(function, request):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return json.loads(df.Orchestrator.create(function)(json.dumps(request)))
        except Exception as error:
            _, label, state = str(error).rpartition("$OutOfProcData$:")
            if "does not have pending sub-task" in str(error):
                raise NestedFailure from error
            if not label:
                raise
            return json.loads(state)


def _leaves(actions):
    for action in actions:
        if action["actionType"] in (11, 12):
            yield from _leaves(action["compoundActions"])
        else:
            yield action


def _value(text):
    return None if text is None else json.loads(text)


def _call(leaf):
    return ("activity", leaf["functionName"], _value(leaf["input"]))


def _child(leaf):
    return ("child", leaf["functionName"], _value(leaf["input"]), leaf.get("instanceId"))


def _timer(leaf):
    fire_at = datetime.strptime(leaf["fireAt"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    return ("timer", fire_at, leaf.get("isCanceled", leaf.get("isCancelled")))


def _message(leaf):
    return (
        "message",
        leaf["instanceId"],
        leaf["operation"],
        _value(leaf["input"]),
        leaf["actionType"] == 9,
    )


_ACTIONS = {0: _call, 1: _call, 2: _child, 3: _child, 5: _timer, 7: _message, 9: _message}


def _shown(decision, cancelled):
    match decision:
        case TaskScheduled(_, _, name, input):
            return ("activity", name, _value(input))
        case SubOrchestrationCreated(_, number, name, instance_id, input):
            return (
                "child",
                name,
                _value(input),
                None if instance_id.endswith(f":{number}") else instance_id,
            )
        case TimerCreated(_, number, fire_at):
            return ("timer", fire_at, number in cancelled)
        case EventSent(_, _, instance_id, "op", input):
            request = json.loads(input)
            return (
                "message",
                instance_id,
                request["op"],
                _value(request["input"]),
                "signal" in request,
            )

"""What the commands print with `-o json`, and the exit codes that they can end with: the part of
their description that options do not show.

Tests compare both with what the commands do.
"""

from __future__ import annotations

from typing import NamedTuple

from durablectl.cli.framework.exit_codes import ExitCode


class Field(NamedTuple):
    """One member of a JSON object. `always`: whether every such object has it."""

    name: str
    type: str
    meaning: str
    always: bool = True


class Shape(NamedTuple):
    """One kind of JSON value; without fields it is a value of the app's own, or a plain one."""

    meaning: str
    fields: tuple[Field, ...] = ()


SHAPES = {
    "status": Shape(
        "the status of an instance, as the service reports it",
        (
            Field("name", "string", "the orchestrator"),
            Field("instanceId", "string", "the id"),
            Field("runtimeStatus", "string", "Pending, Running, Suspended, Completed, Failed, ..."),
            Field("input", "any", "the input, or null"),
            Field("customStatus", "any", "what the orchestrator says about itself, or null"),
            Field("output", "any", "the output, or the error of a failed instance, or null"),
            Field("createdTime", "time", "when it was started"),
            Field("lastUpdatedTime", "time", "when it changed last"),
            Field("historyEvents", "array of event", "with --history", False),
        ),
    ),
    "payload": Shape(
        "the check-status payload of an instance: the addresses that inspect and control it",
        (
            Field("id", "string", "the id"),
            Field("statusQueryGetUri", "string", "the status"),
            Field("sendEventPostUri", "string", "send an event"),
            Field("terminatePostUri", "string", "terminate"),
            Field("rewindPostUri", "string", "rewind; with --management", False),
            Field("purgeHistoryDeleteUri", "string", "purge"),
            Field("restartPostUri", "string", "restart"),
            Field("suspendPostUri", "string", "suspend"),
            Field("resumePostUri", "string", "resume"),
        ),
    ),
    "event": Shape(
        "a history event, with further members by its kind",
        (
            Field("EventType", "string", "ExecutionStarted, TaskCompleted, TimerFired, ..."),
            Field("Timestamp", "time", "when it happened"),
        ),
    ),
    "result": Shape(
        "what was done with one instance",
        (
            Field("instanceId", "string", "the id"),
            Field("result", "string", "what was done or requested", False),
            Field("newInstanceId", "string", "the id of the restarted instance", False),
            Field("error", "string", "why it failed", False),
            Field("skipped", "string", "why nothing was done", False),
        ),
    ),
    "started": Shape(
        "what was done with one line of a batch",
        (
            Field("line", "number", "the line's number, from 1"),
            Field("instanceId", "string", "the id"),
            Field("name", "string", "the orchestrator"),
            Field("result", "string", "what was done", False),
            Field("error", "string", "why it failed", False),
        ),
    ),
    "explanation": Shape(
        "what an instance waits for, why it failed, or where its time went",
        (
            Field("instanceId", "string", "the id"),
            Field("name", "string", "the orchestrator"),
            Field("runtimeStatus", "string", "as in status"),
            Field("isBlocked", "boolean", "whether nothing helps before the problems are gone"),
            Field("isAny", "boolean", "whether one of the waits is enough to continue"),
            Field("version", "string", "the orchestration's version, or null"),
            Field("tags", "object", "the tags that it was started with"),
            Field("parentInstanceId", "string", "who called it, or null"),
            Field("createdTime", "time", "when it was started"),
            Field("scheduledStartTime", "time", "when it is to start, if that is later, or null"),
            Field("completedTime", "time", "when it was finished, or null"),
            Field("since", "time", "when the last thing happened to it"),
            Field("problems", "array of string", "what keeps it from continuing"),
            Field("waitingFor", "array of object", "kind, name, since, until, ... of each wait"),
            Field("received", "array of object", "name and time of the events that came"),
            Field("intervention", "object", "who suspended or ended it, or null"),
            Field("failure", "object", "cause, place, frames and chain, or null"),
            Field("failureDetails", "object", "the exception as the hub keeps it, or null"),
            Field("timeSpent", "object", "the critical path of a finished instance, or null"),
            Field("next", "array of object", "the commands to run next"),
            Field("unknown", "array of string", "what could not be found out"),
        ),
    ),
    "imported": Shape(
        "what was imported into the local hub",
        (
            Field("id", "string", "the id of the instance here"),
            Field("instances", "array of object", "it and its sub-orchestrations"),
            Field("keptEntities", "array of string", "entities whose state here stays"),
            Field("notes", "array of string", "what could not be taken along"),
        ),
    ),
    "difference": Shape(
        "how two executions differ",
        (
            Field("equal", "boolean", "whether they are equal"),
            Field("basis", "string", "exact or reconstructed"),
            Field("notes", "array of string", "what limits the comparison"),
            Field("a", "object", "the first instance"),
            Field("b", "object", "the second instance"),
            Field("partsAt", "number", "the index of the first step that differs, or null"),
            Field("steps", "array of object", "the aligned steps and what differs in each"),
        ),
    ),
    "verdict": Shape(
        "whether the code at hand makes the decisions of one history",
        (
            Field("instanceId", "string", "the id"),
            Field("name", "string", "the orchestrator"),
            Field("verdict", "string", "fits, breaks or cannot be judged"),
            Field("confidence", "string", "how sure that is, or null"),
            Field("event", "number", "the event at which it breaks, or null"),
            Field("expected", "string", "what the history has there, or null"),
            Field("got", "string", "what the code does instead, or null"),
            Field("place", "string", "the line of the code, or null"),
            Field("reason", "string", "why it cannot be judged, or null"),
            Field("warnings", "array of string", "what limits the verdict"),
        ),
    ),
    "function": Shape(
        "a function of the app",
        (
            Field("name", "string", "its name"),
            Field("kind", "string", "orchestrator, activity, entity, http, ..."),
            Field("trigger", "string", "the kind of trigger, of other functions", False),
            Field("route", "string", "of an HTTP function", False),
            Field("methods", "array of string", "of an HTTP function", False),
            Field("authLevel", "string", "of an HTTP function", False),
        ),
    ),
    "entity": Shape(
        "an entity",
        (
            Field("entityId", "object", "its `name` and its `key`"),
            Field("lastOperationTime", "time", "when an operation was handled last"),
            Field("state", "any", "with --state", False),
        ),
    ),
    "finding": Shape(
        "the finding of one check",
        (
            Field("check", "string", "what was checked"),
            Field("verdict", "string", "ok, warning or error"),
            Field("message", "string", "what was found"),
            Field("mend", "string", "what to do about it, or null"),
        ),
    ),
    "report": Shape(
        "the state of a local hub's file",
        (
            Field("sound", "boolean", "whether nothing is damaged"),
            Field("problems", "array of string", "what is damaged"),
            Field("version", "number", "the version of its format"),
            Field("size", "number", "bytes"),
            Field("unused", "number", "bytes that `hub vacuum` would free"),
            Field("instances", "number", "instances in it"),
            Field("unfinished", "number", "of these, not ended"),
            Field("liveWorkers", "number", "workers that run"),
            Field("deadWorkers", "number", "workers that ended without saying so"),
        ),
    ),
    "address": Shape("where the page is", (Field("url", "string", "with the token to open it"),)),
    "file": Shape("the file written", (Field("path", "string", "where it is"),)),
    "files": Shape("the files written", (Field("files", "array of string", "where they are"),)),
    "sizes": Shape(
        "the size of a local hub's file",
        (Field("before", "number", "bytes"), Field("after", "number", "bytes")),
    ),
    "context": Shape(
        "a named task hub, with those of its settings that are set",
        (
            Field("name", "string", "its name"),
            Field("current", "boolean", "whether it is used unless another hub is named"),
            Field("url", "string", "the address of a remote hub", False),
            Field("hub", "string", "the file of a local hub", False),
        ),
    ),
    "settings": Shape("what a command would use: each value by its name, as far as it is set"),
    "state": Shape("the state of an entity: any JSON value"),
    "description": Shape("the commands, as `durablectl help --json` prints them"),
}

# What each command prints with `-o json`; with `-o jsonl`, an array is one element per line.
OUTPUTS: dict[str, tuple[str, ...]] = {
    "start": ("payload", "status (with --wait)", "array of started (with --batch)"),
    "run": ("status",),
    "wait": ("status", "array of status (of several instances)"),
    "drain": ("array of status: what is still in flight",),
    "status": ("status", "array of status (of several instances)"),
    "list": ("array of status", "number (with --count)", "object of numbers (with --by)"),
    "history": ("array of event",),
    "why": ("explanation",),
    "diff": ("difference",),
    "watch": ("status, one line for each change (with -o jsonl)",),
    "links": ("payload",),
    "raise-event": ("array of result",),
    "terminate": ("array of result",),
    "suspend": ("array of result",),
    "resume": ("array of result",),
    "rewind": ("array of result",),
    "restart": ("payload", "array of result (of several instances)"),
    "purge": ("array of result", "object with instancesDeleted (by time and status alone)"),
    "entity get": ("state",),
    "entity signal": ("array of result",),
    "entity list": ("array of entity",),
    "entity delete": ("array of result",),
    "worker": (),
    "ui": ("address",),
    "serve": (),
    "functions": ("array of function",),
    "init": ("files",),
    "replay": ("array of verdict",),
    "import": ("imported",),
    "hub check": ("report",),
    "hub backup": ("file",),
    "hub vacuum": ("sizes",),
    "context add": (),
    "context use": (),
    "context list": ("array of context",),
    "context show": ("context", "settings (without a name)"),
    "context remove": (),
    "doctor": ("array of finding",),
    "completion show": (),
    "completion install": (),
    "skill": ("file (with --install)",),
    "help": ("description",),
}

_ALWAYS = (ExitCode.DONE, ExitCode.ERROR, ExitCode.USAGE, ExitCode.INTERRUPTED)
_HUB = (ExitCode.KEY_REFUSED, ExitCode.UNREACHABLE, ExitCode.UNSUPPORTED)
_ENDS = (ExitCode.FAILED, ExitCode.TERMINATED, ExitCode.CANCELED)
_WAITS = (ExitCode.ENDED_BEFORE, *_ENDS, ExitCode.TIMED_OUT)
_CHANGES = (ExitCode.NOT_FOUND, ExitCode.CONFLICT, *_HUB)
_CODES: dict[str, tuple[ExitCode, ...]] = {
    **dict.fromkeys(
        (
            *("start", "run", "wait", "raise-event"),
            *("terminate", "suspend", "resume", "rewind", "restart", "purge"),
        ),
        (*_CHANGES, *_WAITS),
    ),
    "drain": (*_HUB, ExitCode.TIMED_OUT),
    "status": (ExitCode.NOT_FOUND, *_HUB, ExitCode.STILL_RUNNING, *_ENDS),
    **dict.fromkeys(("worker", "hub check", "hub vacuum"), (ExitCode.UNSUPPORTED,)),
    **dict.fromkeys(("serve", "hub backup"), (ExitCode.CONFLICT, ExitCode.UNSUPPORTED)),
    "init": (ExitCode.CONFLICT,),
    "import": _CHANGES,
    "context add": (ExitCode.CONFLICT,),
    **dict.fromkeys(
        (
            *("functions", "skill", "help", "completion show", "completion install"),
            *("context use", "context list", "context show", "context remove"),
        ),
        (),
    ),
}


def exit_codes_of(command: str) -> list[int]:
    """The codes that a command can end with, in order; those of one that is not listed are those of
    a command that reads a hub.
    """
    own = _CODES.get(command, (ExitCode.NOT_FOUND, *_HUB))
    return sorted(int(code) for code in {*_ALWAYS, *own})

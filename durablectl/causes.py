"""Why an instance failed, taken out of the nested text that the service keeps as its output, and
where in the app's code.

Pure.

A failed task reaches the code that called it as text and, on a line of its own, an exception as
JSON (`ClassName`, `Message`, `StackTraceString`); code that does not catch it fails with all of
that in its own text, and so do its callers. Everything here is linear in the length of the text: it
comes from a hub.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from durablectl.frames import place_in
from durablectl.redaction import redact

NO_REASON = "no reason was given"
_LAYERS = (
    (
        r"(?:The )?(?P<kind>(?:sub-)?orchestrator|activity|entity) "
        r"function '(?P<name>[^']*)' failed: ?"
    ),
    # .NET, isolated
    (
        r"(?:[\w.+`]{1,300}: )?Task '(?P<task>[^']*)' \(#\d{1,9}\) failed with an unhandled "
        r"exception: ?"
    ),
    # durabletask, Python 2.x
    r"(?:\S{1,300}: ){0,2}(?P<sort>activity|sub-orchestration) task #(?P<number>\d{1,9}) failed: ?",
)
_LAYER = "(?i)(?:" + "|".join(_LAYERS) + ")"
_SEE_LOGS = '". See the function execution logs for additional details'
_MOST_QUOTED = 64
"""Levels of quotes that are undone: each costs a copy of the text."""
MOST_CAUSES = 1_000
OTHER_CAUSE = "(other causes)"
# texts, which are compiled when they are used: most commands read no failure
_ID = r"(?i)\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b(?=[a-f]*\d)[0-9a-f]{8,}\b"
_NUMBER = r"\d+(?:[.,:]\d+)*"
_PLAIN_CLASSES = ("Exception", "System.Exception")
_MEMBERS = frozenset({"ClassName", "Message", "StackTraceString"})


class Cause(NamedTuple):
    """What went wrong, and through which functions it came up: the innermost first, as `activity
    'pay'`.

    Keys in it are replaced.

    `traceback` is that of the exception, as its worker wrote it; "" where it is not known.
    """

    text: str
    through: tuple[str, ...] = ()
    traceback: str = ""

    @property
    def place(self) -> str:
        """Where in the app's own code it was raised: `/app/function_app.py:12, in pay`; "" where
        that is not known.
        """
        return place_in(self.traceback)

    @property
    def line(self) -> str:
        """The text, with the names of the functions when it came up through more than one."""
        names = [each.partition(" '")[2].removesuffix("'") or each for each in self.through]
        return f"{self.text} (in {', '.join(names)})" if len(names) > 1 else self.text


def cause_of(output: object, details: str | None = None) -> Cause:
    """The innermost cause of a failure, unescaped: of a failed instance's output, or of the reason
    of a failed task.

    `details` is the exception that belongs to it, as JSON text, where the hub has one.
    """
    text = (
        output
        if isinstance(output, str)
        else ""
        if output is None
        else json.dumps(output, ensure_ascii=False)
    )
    inner, through = _peeled(text.strip())
    message, found, stack = _without_stack(inner)
    plain, exceptions = split_exceptions(message)
    own = _exception_of(details)
    raised = next((each for each in [*exceptions, own] if each and _stack_of(each)), None)
    if not plain and exceptions:
        plain = _text(exceptions[0], "Message")
    shown, source = _named(plain, [*exceptions, own])
    traceback, _ = split_exceptions(stack if found else _stack_of(raised))
    names = tuple(redact(each) for each in ([source] if source else []) + through)
    return Cause(redact(shown) or NO_REASON, names, redact(traceback))


def cause_of_event(members: Mapping[str, Any]) -> Cause:
    """Why a task failed, from the members of its history event, or of an entity's reply: reason and
    details, or failure details.
    """
    reason, details = members.get("Reason"), members.get("Details")
    failure = members.get("FailureDetails") or members.get("failureDetails")
    if isinstance(reason, str) and reason:
        return cause_of(reason, details if isinstance(details, str) else None)
    if isinstance(failure, dict):
        kind, message = (
            _text(failure, "ErrorType").rpartition(".")[2],
            _text(failure, "ErrorMessage"),
        )
        cause = cause_of(f"{kind}: {message}" if kind and not message.startswith(kind) else message)
        return cause._replace(traceback=redact(_text(failure, "StackTrace")))
    return cause_of(None)


class CauseGroup(NamedTuple):
    """Failed instances with one cause: numbers and ids in it are `#`; `example` is one of them."""

    cause: str
    count: int  # type: ignore[assignment]  # hides tuple.count, which is not used
    example: str

    def to_json(self) -> dict[str, Any]:
        return {"cause": self.cause, "count": self.count, "example": self.example}


def grouped_causes(failed: Iterable[tuple[str, Cause | None]]) -> list[CauseGroup]:
    """The causes of failed instances, given by their ids, the most frequent first.

    After MOST_CAUSES of them, what has another cause is counted as OTHER_CAUSE.
    """
    counts = Counter[str]()
    examples: dict[str, str] = {}
    for instance_id, own in failed:
        cause = masked(own.text if own is not None else NO_REASON)
        if cause not in counts and len(counts) >= MOST_CAUSES:
            cause = OTHER_CAUSE
        counts[cause] += 1
        examples.setdefault(cause, instance_id)
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return [CauseGroup(cause, count, examples[cause]) for cause, count in ordered]


def masked(text: str) -> str:
    """The first line of a cause with `#` in the place of numbers, UUIDs and hexadecimal ids."""
    line = text.strip().partition("\n")[0]
    return re.sub(_NUMBER, "#", re.sub(_ID, "#", line))


def split_exceptions(text: str) -> tuple[str, list[Mapping[str, Any]]]:
    """The text without the exceptions as JSON in it, each on a line of its own, and these, the
    innermost first.

    Only what has the members of an exception is taken out: any other JSON is the message's own.
    """
    if '"ClassName"' not in text:
        return text.removesuffix(" \n None").strip(), []
    lines: list[str] = []
    exceptions: list[Mapping[str, Any]] = []
    for line in text.split("\n"):
        exception, rest = _read_exception(line)
        if exception is None:
            lines.append(line)
            continue
        exceptions.append(exception)
        if lines and rest:
            lines[-1] = f"{lines[-1].rstrip()} {rest}"
    return "\n".join(lines).strip(), exceptions


def _read_exception(line: str) -> tuple[Mapping[str, Any] | None, str]:
    """The exception that a line begins with, and the rest of the line."""
    start = line.lstrip()
    if not start.startswith("{") or '"StackTraceString"' not in start:
        return None, ""
    try:
        value, end = json.JSONDecoder().raw_decode(start)
    except (ValueError, RecursionError):
        return None, ""
    if not isinstance(value, dict) or not value.keys() >= _MEMBERS:
        return None, ""
    return value, start[end:].strip()


def _peeled(text: str) -> tuple[str, list[str]]:
    """What the functions that a failure came up through have put around it, taken off; their names,
    the innermost first.
    """
    layer = re.compile(_LAYER)
    begin, end, quoted = 0, len(text), 0
    through: list[str] = []
    while found := layer.match(text, begin, end):
        through.append(_name_of(found))
        begin = found.end()
        if quoted < _MOST_QUOTED and (closed := _closing_quote(text, begin, end)) is not None:
            begin, end = begin + 1, closed
            quoted += 1
            if text.find("\\", begin, end) >= 0:
                text = _unescaped(text[begin:end])
                begin, end = 0, len(text)
        while begin < end and text[begin].isspace():
            begin += 1
    through.reverse()
    return text[begin:end], through


def _name_of(layer: re.Match[str]) -> str:
    if layer["kind"]:
        return f"{layer['kind'].lower()} '{layer['name']}'"
    return (
        f"task '{layer['task']}'"
        if layer["task"] is not None
        else (f"{layer['sort'].lower()} task #{layer['number']}")
    )


def _closing_quote(text: str, begin: int, end: int) -> int | None:
    """Where the quote ends that the service puts around the message of an inner failure; None when
    it has put none.
    """
    stop = end - 1 if text.startswith(".", end - 1) else end
    closed = stop - len(_SEE_LOGS)
    return (
        closed
        if text.startswith('"', begin, end)
        and closed > begin
        and text.startswith(_SEE_LOGS, closed)
        else None
    )


def _unescaped(text: str) -> str:
    """Text as it was before it was put between quotes; the service does not always escape what it
    quotes.
    """
    if '\\"' not in text and "\\n" not in text:
        return text
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:
        return text.replace('\\"', '"')


def _without_stack(text: str) -> tuple[str, bool, str]:
    """The message of a failure in the words of the Functions host (`Result: Failure`), whether it
    is one, and its stack.
    """
    if not text.startswith("Result: Failure"):
        return text, False, ""
    _, is_exception, rest = text.partition("\nException:")
    message, _, stack = rest.partition("\nStack:")
    return (message.strip(), True, stack) if is_exception else (text, False, "")


def _exception_of(details: str | None) -> Mapping[str, Any]:
    return (_read_exception(details)[0] or {}) if details else {}


def _innermost(exception: Mapping[str, Any]) -> Mapping[str, Any]:
    """The exception inside that has the same message: the same failure, told by who raised it."""
    inner = exception.get("InnerException")
    while isinstance(inner, dict) and _bare_message(inner) == _bare_message(exception):
        exception, inner = inner, inner.get("InnerException")
    return exception


def _bare_message(exception: Mapping[str, Any]) -> str:
    """The message of an exception without what its callers have put around it."""
    return _peeled(split_exceptions(_text(exception, "Message"))[0].strip())[0].strip()


def _stack_of(exception: Mapping[str, Any] | None) -> str:
    if not exception:
        return ""
    stack = _text(_innermost(exception), "StackTraceString") or _text(exception, "StackTraceString")
    inner = exception.get("InnerException")
    message, is_host, hosted = (
        _without_stack(_text(inner, "Message")) if isinstance(inner, dict) else ("", False, "")
    )
    return hosted if is_host and message else stack


def _named(text: str, exceptions: list[Mapping[str, Any]]) -> tuple[str, str]:
    """The text with the class of its exception in front, where that is known and says something;
    and the entity that raised it, if any.
    """
    for each in exceptions:
        if not text or _bare_message(each) != text:
            continue
        raised = _innermost(each)
        name, source = _text(raised, "ClassName"), _text(raised, "Source")
        kind = "" if name in _PLAIN_CLASSES else name.rpartition(".")[2]
        if kind:
            text = (
                kind
                if text == f"<class '{name}'>"
                else text
                if text.startswith(kind)
                else f"{kind}: {text}"
            )
        return text, f"entity '{source}'" if source.startswith("@") else ""
    return text, ""


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""

"""A wait as a JUnit report: an instance a test case. Pure; writes nothing.

The form is what the schemas of Ant's JUnit task and of Jenkins have in common: times with three
decimals, a timestamp without a zone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from durablectl.causes import Cause
from durablectl.redaction import redact
from durablectl.render.ci import LONGEST_DETAIL, Kind, Verdict, short
from durablectl.render.sanitize import safe

LONGEST = 10_000
_NO_XML = re.compile("[\ufffe\uffff]")  # what XML cannot hold and `safe` lets through


def report(
    suite: str, verdicts: Sequence[Verdict], *, now: datetime, hub: str, fault: str | None = None
) -> str:
    """The XML text.

    A `fault` of the tool is an error of every instance that was not seen to complete.
    """
    kinds = Counter(_kind(each, fault) for each in verdicts)
    seconds = sum(each.seconds for each in verdicts)
    attributes = {
        "name": suite,
        "package": "durablectl",
        "id": "0",
        "timestamp": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "hostname": "localhost",
        "tests": str(len(verdicts)),
        "failures": str(kinds["failure"]),
        "errors": str(kinds["error"]),
        "time": f"{seconds:.3f}",
    }
    root = Element("testsuites")
    element = SubElement(root, "testsuite", attributes)
    SubElement(SubElement(element, "properties"), "property", {"name": "hub", "value": _text(hub)})
    for each in verdicts:
        _case(element, each, fault)
    SubElement(element, "system-out")
    SubElement(element, "system-err")
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _case(suite: Element, verdict: Verdict, fault: str | None) -> None:
    names = {
        "name": _text(verdict.instance_id),
        "classname": _text(verdict.name or "durablectl"),
        "time": f"{verdict.seconds:.3f}",
    }
    case = SubElement(suite, "testcase", names)
    match _kind(verdict, fault):
        case "error":
            word = "fault" if fault else "timed out"
            SubElement(case, "error", {"type": word, "message": _text(fault or verdict.sentence)})
        case "failure":
            failure = SubElement(
                case, "failure", {"type": verdict.state, "message": _text(_message(verdict))}
            )
            failure.text = (
                _text(verdict.detail if verdict.cause is None else _report(verdict.cause)) or None
            )
        case "skipped":
            SubElement(case, "skipped")


def _message(verdict: Verdict) -> str:
    return (
        verdict.sentence
        if verdict.cause is None or verdict.detail
        else f"{verdict.sentence}: {short(verdict.cause.line, LONGEST_DETAIL)}"
    )


def _report(cause: Cause) -> str:
    """What went wrong and where, a line each, and the traceback where there is one."""
    places = [
        *([f"at {cause.place}"] if cause.place else []),
        *(f"in {each}" for each in cause.through),
    ]
    return "\n".join([cause.text, *places, *(["", cause.traceback] if cause.traceback else [])])


def _kind(verdict: Verdict, fault: str | None) -> str:
    if verdict.kind is Kind.SATISFIED:
        return "passed"
    if fault is not None or verdict.kind is Kind.TIMED_OUT:
        return "error"
    return "failure" if verdict.kind is Kind.FAILED else "skipped"


def _text(text: str) -> str:
    return _NO_XML.sub("\ufffd", safe(redact(text[:LONGEST])))

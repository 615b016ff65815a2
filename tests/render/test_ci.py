"""What a CI runner is told: each line read back as the runner reads it, with data that would rather
be a command.
"""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from durablectl.causes import Cause
from durablectl.model import InstanceStatus, RuntimeStatus
from durablectl.render.ci import (
    Kind,
    Runner,
    Verdict,
    annotation,
    annotation_lines,
    runner_of,
    summary,
    upload_summary,
    verdict,
)

T0, T1 = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 3, 5, tzinfo=UTC)
HOSTILE = (
    "a\n::set-output name=x::y\r\n##vso[task.complete "
    "result=Succeeded;]done\x1b[2J%0A::error::50%\u2028|`<b>&"
)


def status(state="Failed", output="no gold", instance_id="order-7", name="Order"):
    return InstanceStatus(name, instance_id, RuntimeStatus(state), T0, T1, output=output)


def read_github(line):
    """As the runner does: the first `::` of a line opens a command, the next one ends its
    properties, commas part them.
    """
    command, properties, data = re.fullmatch(r"::([a-z-]+) (.*?)::(.*)", line).groups()
    return command, [_github_text(each) for each in properties.split(",")], _github_text(data)


def _github_text(text):
    for escape, character in (
        ("%3A", ":"),
        ("%2C", ","),
        ("%0D", "\r"),
        ("%0A", "\n"),
        ("%25", "%"),
    ):
        text = text.replace(escape, character)
    return text


def read_azure(line):
    command, data = re.fullmatch(r"##vso\[([^\]]*)\](.*)", line).groups()
    for escape, character in (("%0D", "\r"), ("%0A", "\n"), ("%AZP25", "%")):
        data = data.replace(escape, character)
    return command, data


@pytest.mark.parametrize(
    ("environ", "runner"),
    [
        ({"GITHUB_ACTIONS": "true"}, Runner.GITHUB),
        ({"TF_BUILD": "True"}, Runner.AZURE),
        ({"CI": "true"}, None),
        ({}, None),
    ],
)
def test_a_runner_is_known_by_its_variable(environ, runner):
    assert runner_of(environ) is runner


@pytest.mark.parametrize(
    ("seen", "content", "satisfied", "kind"),
    [
        (status("Completed"), True, False, Kind.SATISFIED),
        (status("Running"), True, True, Kind.SATISFIED),
        (status("Completed"), False, False, Kind.FAILED),
        (status("Failed"), False, False, Kind.FAILED),
        (status("Running"), False, False, Kind.TIMED_OUT),
        (status("Running"), False, True, Kind.PENDING),
        (status("Failed"), False, True, Kind.PENDING),
        (None, False, False, Kind.TIMED_OUT),
        (None, False, True, Kind.PENDING),
    ],
)
def test_how_an_instance_was_left(seen, content, satisfied, kind):
    assert verdict("order-7", seen, is_satisfied=content, all_satisfied=satisfied).kind is kind


@pytest.mark.parametrize(("full", "detail"), [(False, ""), (True, "no gold")])
def test_an_instances_own_words_are_told_only_when_asked_for(full, detail):
    assert verdict("order-7", status(), full=full) == Verdict(
        "order-7", "Order", "Failed", 185.0, Kind.FAILED, detail, cause=Cause("no gold")
    )


def test_github_gets_an_error_with_a_title():
    line = annotation_lines(
        Runner.GITHUB,
        [verdict("order-7", status(), full=True)],
    )
    assert line == [
        "::error title=durablectl%3A Order Failed::instance 'order-7' (Order) is Failed: no gold"
    ]


def test_azure_gets_an_issue():
    (line,) = annotation_lines(
        Runner.AZURE,
        [verdict("order-7", status("Running"))],
    )
    expected = (
        "##vso[task.logissue type=error]durablectl: Order timed out: instance 'order-7' (Order) "
        "was still Running when the wait ended"
    )
    assert line == expected


def test_what_completed_too_early_is_told_as_such():
    told = replace(
        verdict("a", status("Completed")),
        why="too early",
    )
    assert told.sentence == "instance 'a' (Order) is Completed, too early"


def test_what_completed_or_was_left_has_no_annotation():
    told = [
        verdict("a", status("Completed"), is_satisfied=True, all_satisfied=True, full=True),
        verdict("b", status("Failed"), all_satisfied=True, full=True),
    ]
    assert annotation_lines(Runner.GITHUB, told) == []


def test_many_annotations_are_cut_and_the_rest_is_counted():
    lines = annotation_lines(
        Runner.GITHUB,
        [verdict(f"a-{n}", status()) for n in range(25)],
    )
    assert len(lines) == 10
    assert lines[-1].endswith("; and 15 more instances ended badly or late")


@pytest.mark.parametrize("place", ["instance_id", "name", "output"])
def test_hostile_text_stays_inside_one_github_annotation(place):
    hostile = verdict(
        HOSTILE if place == "instance_id" else "a",
        status(**{place: HOSTILE}),
        full=True,
    )
    (line,) = annotation_lines(Runner.GITHUB, [hostile])
    command, properties, data = read_github(line)
    assert (command, len(properties), len(line.splitlines()), "\n" in data) == (
        "error",
        1,
        1,
        False,
    )
    assert "\\x1b[2J" in data
    assert "##vso[" not in line


@pytest.mark.parametrize("place", ["instance_id", "name", "output"])
def test_hostile_text_stays_inside_one_azure_issue(place):
    hostile = verdict(
        HOSTILE if place == "instance_id" else "a",
        status(**{place: HOSTILE}),
        full=True,
    )
    (line,) = annotation_lines(Runner.AZURE, [hostile])
    command, data = read_azure(line)
    assert command == "task.logissue type=error"
    assert (line.count("##vso["), len(line.splitlines()), "\n" in data) == (1, 1, False)


@pytest.mark.parametrize("text", ["50 %", "%0A", "a\nb", "a,b:c", "%AZP25", "%25", "a::b"])
def test_what_is_escaped_is_read_back(text):
    assert read_github(annotation(Runner.GITHUB, text, text)) == ("error", [f"title={text}"], text)
    assert read_azure(annotation(Runner.AZURE, "t", text)) == (
        "task.logissue type=error",
        f"t: {text}",
    )


def test_a_summary_has_the_failed_first_and_counts():
    seen = {
        "a": status("Completed", instance_id="a"),
        "b": status("Failed", instance_id="b"),
        "c": None,
    }
    text = summary([verdict(name, each, is_satisfied=name == "a") for name, each in seen.items()])
    assert text.splitlines() == [
        "### durablectl: 3 instances, 1 Completed, 1 Failed, 1 unknown",
        "",
        "| instance | orchestrator | status | took |",
        "|---|---|---|---|",
        "| b | Order | Failed | 3 min 5 s |",
        "| c |  | timed out &#40;unknown&#41; |  |",
        "| a | Order | Completed | 3 min 5 s |",
        "",
    ]


def test_a_summary_of_many_is_short():
    text = summary(
        [
            verdict(f"a-{n}", status("Completed"), is_satisfied=True, all_satisfied=True)
            for n in range(10_000)
        ]
    )
    assert "and 9980 more" in text
    assert len(text.splitlines()) < 30


def test_hostile_text_is_only_text_in_a_summary():
    text = summary(
        [
            verdict(
                HOSTILE,
                status(output="<script>", name="[x](http://x.y)|@ada"),
                full=True,
            )
        ]
    )
    row = text.splitlines()[4]
    assert row.count("|") == 5
    assert not set(row) & set("<>`[]@")
    assert "::" not in text


def test_a_megabyte_is_cut():
    hostile = verdict("a" * 2**20, status(output="b" * 2**20), full=True)
    assert len(annotation_lines(Runner.GITHUB, [hostile])[0]) < 1000
    assert len(summary([hostile])) < 1000


def test_a_summary_file_is_handed_to_azure():
    assert upload_summary("/tmp/100%/a.md") == "##vso[task.uploadsummary]/tmp/100%AZP25/a.md"

"""Waiting for instances: when it is over, what a failed poll does, and that it ends on time.

The clock is the hub's own pauses.
"""

from datetime import UTC, datetime

import pytest

from durablectl.errors import (
    BadAddress,
    InstanceNotFound,
    KeyRefused,
    NotATaskHub,
    ServiceError,
    Unreachable,
    Unsupported,
    WaitTimeout,
)
from durablectl.model import InstanceStatus, Page, RuntimeStatus
from durablectl.polling.loop import WaitRules, wait_for_completion, wait_for_instances

T0 = datetime(2026, 1, 1, tzinfo=UTC)
PENDING, RUNNING, COMPLETED, FAILED = (
    RuntimeStatus(name) for name in ("Pending", "Running", "Completed", "Failed")
)
GONE, UNREACHABLE, BROKEN = (
    InstanceNotFound("no instance 'a'"),
    Unreachable("no answer"),
    ServiceError("500"),
)
UNKNOWN_HOST = BadAddress("the host cannot be found")


class Script:
    """A hub that answers each poll of an id with the next of its lines, and the last for ever; time
    passes only in `pause`.
    """

    def __init__(self, **lines):
        self.lines, self.time, self.pauses, self.asked, self.allowed = lines, 0.0, [], [], []

    def get_status(self, instance_id, *, show_input=True):
        self.asked.append(instance_id)
        line = self.lines[instance_id]
        answer = line.pop(0) if len(line) > 1 else line[0]
        if isinstance(answer, Exception):
            raise answer
        return InstanceStatus("hello", instance_id, answer, T0, T0)

    def within(self, seconds):
        self.allowed.append(seconds)
        return self

    def pause(self, seconds):
        self.pauses.append(seconds)
        self.time += seconds


def wait(hub, *ids, on_trouble=lambda _: None, **rules):
    waited = wait_for_instances(
        hub, ids or ["a"], WaitRules(**rules), clock=lambda: hub.time, on_trouble=on_trouble
    )
    return {name: status and status.runtime_status for name, status in waited.seen.items()}


def test_it_is_over_when_all_have_ended():
    hub = Script(a=[RUNNING, COMPLETED], b=[RUNNING, RUNNING, FAILED])
    assert wait(hub, "a", "b") == {"a": COMPLETED, "b": FAILED}


def test_what_has_ended_is_not_asked_for_again():
    hub = Script(a=[COMPLETED], b=[RUNNING, COMPLETED])
    wait(hub, "a", "b")
    assert hub.asked == ["a", "b", "b"]


@pytest.mark.parametrize(
    ("lines", "rules", "expected"),
    [
        ({"a": [RUNNING], "b": [COMPLETED]}, {"completed": 1}, {"a": RUNNING, "b": COMPLETED}),
        (
            {"a": [FAILED], "b": [RUNNING, COMPLETED]},
            {"completed": 1},
            {"a": FAILED, "b": COMPLETED},
        ),
        ({"a": [FAILED], "b": [RUNNING]}, {"completed": 2}, {"a": FAILED, "b": RUNNING}),
        ({"a": [RUNNING], "b": [FAILED]}, {"fail_fast": True}, {"a": RUNNING, "b": FAILED}),
    ],
    ids=[
        "any",
        "any goes on after a failure",
        "ends when the count cannot be reached",
        "fail fast",
    ],
)
def test_it_can_be_over_earlier(lines, rules, expected):
    assert wait(Script(**lines), "a", "b", **rules) == expected


def test_it_looks_quickly_at_first_then_once_an_interval_and_ends_exactly_on_time():
    hub = Script(a=[RUNNING])
    assert wait(hub, timeout=5, interval=1) == {"a": RUNNING}
    assert hub.pauses[0] == 0.05
    assert max(hub.pauses) == 1
    assert hub.time == pytest.approx(5)


def test_a_time_out_of_nothing_is_one_look():
    hub = Script(a=[RUNNING])
    wait(hub, timeout=0)
    assert (hub.asked, hub.pauses) == (["a"], [])


@pytest.mark.parametrize("trouble", [UNREACHABLE, BROKEN], ids=["unreachable", "500"])
def test_a_failed_poll_is_told_and_does_not_end_the_wait(trouble):
    told = []
    assert wait(Script(a=[RUNNING, trouble, trouble, COMPLETED]), on_trouble=told.append) == {
        "a": COMPLETED
    }
    assert told == [trouble, trouble]


def test_one_instance_that_cannot_be_read_does_not_hide_the_others():
    assert wait(Script(a=[BROKEN], b=[COMPLETED]), "a", "b", completed=1) == {
        "a": None,
        "b": COMPLETED,
    }


def test_failing_polls_come_less_and_less_often_but_end_on_time():
    hub = Script(a=[RUNNING, UNREACHABLE])
    assert wait(hub, timeout=100, interval=1) == {"a": RUNNING}
    assert max(hub.pauses) == 30
    assert hub.time == pytest.approx(100)


@pytest.mark.parametrize("trouble", [UNREACHABLE, BROKEN], ids=["unreachable", "500"])
def test_a_hub_that_never_answered_is_a_time_out_with_the_last_reason(trouble):
    hub = Script(a=[UNREACHABLE, trouble])
    with pytest.raises(WaitTimeout, match=f"timed out after 5 s: {trouble.message}"):
        wait(hub, timeout=5)
    assert hub.time == pytest.approx(5)


def test_a_hub_that_never_answered_is_given_up_after_a_minute_when_there_is_no_time_out():
    hub = Script(a=[UNREACHABLE])
    with pytest.raises(Unreachable):
        wait(hub)
    assert hub.time == pytest.approx(60)


def test_a_hub_that_answered_the_start_is_never_given_up_without_a_time_out():
    hub = Script(a=[*[UNREACHABLE] * 20, COMPLETED])
    assert wait(hub, patience=None) == {"a": COMPLETED}
    assert hub.time > 300


def test_a_hub_that_answered_once_is_never_given_up_without_a_time_out():
    hub = Script(a=[RUNNING, *[UNREACHABLE] * 20, COMPLETED])
    assert wait(hub) == {"a": COMPLETED}
    assert hub.time > 300


def test_an_address_that_cannot_be_right_ends_the_wait_at_once_unless_it_was():
    hub = Script(a=[UNKNOWN_HOST])
    with pytest.raises(BadAddress):
        wait(hub, timeout=5)
    assert hub.pauses == []
    assert wait(Script(a=[RUNNING, *[UNKNOWN_HOST] * 3, COMPLETED])) == {"a": COMPLETED}


@pytest.mark.parametrize(
    ("rules", "allowed"),
    [({"timeout": 5}, 5), ({"timeout": 0.1}, 1), ({}, 60)],
    ids=["all", "a second at least", "a minute"],
)
def test_a_look_may_take_the_time_that_is_left(rules, allowed):
    hub = Script(a=[RUNNING, COMPLETED])
    wait(hub, **rules)
    assert hub.allowed[0] == allowed
    assert hub.allowed[1:] == ([] if not rules else [pytest.approx(max(allowed - 0.05, 1))])


def test_a_refused_key_ends_the_wait_at_once():
    with pytest.raises(KeyRefused):
        wait(Script(a=[RUNNING, KeyRefused("the key was refused")]))


def test_an_id_that_is_not_there_yet_has_some_grace():
    assert wait(Script(a=[GONE, GONE, PENDING, COMPLETED]), grace=5) == {"a": COMPLETED}


def test_an_id_that_is_not_there_after_the_grace_is_not_found():
    hub = Script(a=[GONE])
    with pytest.raises(InstanceNotFound):
        wait(hub, grace=5)
    assert 5 <= hub.time < 7


def test_an_id_that_is_not_there_at_the_time_out_is_not_found():
    with pytest.raises(InstanceNotFound):
        wait(Script(a=[GONE]), timeout=1, grace=5)


def test_an_instance_that_was_there_is_asked_for_again_before_it_is_gone():
    hub = Script(a=[RUNNING, GONE])
    with pytest.raises(InstanceNotFound, match="instance 'a' was Running, is gone: purged\\?"):
        wait(hub, grace=5)
    assert hub.asked == ["a"] * 3


def test_one_that_is_missing_once_now_and_then_is_there():
    assert wait(Script(a=[RUNNING, GONE, RUNNING, GONE, COMPLETED])) == {"a": COMPLETED}


def test_different_ones_that_are_missing_once_are_there():
    hub = Script(a=[RUNNING, GONE, RUNNING, COMPLETED], b=[RUNNING, RUNNING, GONE, COMPLETED])
    assert wait(hub, "a", "b") == {"a": COMPLETED, "b": COMPLETED}


def test_one_that_is_missing_at_the_time_out_was_not_proved_gone():
    hub = Script(a=[*[RUNNING] * 3, GONE])
    assert wait(hub, timeout=0.2) == {"a": RUNNING}
    assert len(hub.asked) == 4


@pytest.mark.parametrize(
    "strange", [NotATaskHub("a page"), Unsupported("404")], ids=["page", "404"]
)
def test_a_strange_answer_among_good_ones_counts_only_twice(strange):
    assert wait(Script(a=[RUNNING, strange, RUNNING, strange, COMPLETED])) == {"a": COMPLETED}
    with pytest.raises(type(strange)):
        wait(Script(a=[RUNNING, strange]))
    hub = Script(a=[strange, COMPLETED])
    with pytest.raises(type(strange)):
        wait(hub)
    assert hub.asked == ["a"]


def test_the_wait_for_one_says_in_which_state_it_was_left():
    hub = Script(a=[RUNNING])
    with pytest.raises(WaitTimeout, match="instance 'a' is still Running after 2 s"):
        wait_for_completion(hub, "a", timeout=2, clock=lambda: hub.time)


def test_the_wait_for_one_says_why_it_was_not_answered_at_the_end():
    hub = Script(a=[RUNNING, UNREACHABLE])
    with pytest.raises(
        WaitTimeout, match=r"still Running after 2 s \(the last answer: no answer\)"
    ):
        wait_for_completion(hub, "a", timeout=2, clock=lambda: hub.time)


def test_a_hub_that_changes_all_the_time_is_not_looked_at_all_the_time():
    class Busy(Script):
        def get_status(self, instance_id, *, show_input=True):
            self.time += 0.01
            return super().get_status(instance_id)

        def pause(self, seconds):
            super().pause(min(seconds, 0.001))

    hub = Busy(a=[RUNNING])
    wait(hub, timeout=5)
    assert 90 <= len(hub.asked) <= 110


class Listing(Script):
    """A hub that lists what is in flight, `size` a page, and in which all others ended by
    themselves.
    """

    def __init__(self, in_flight, others=(), size=1000):
        super().__init__()
        self.in_flight, self.others, self.size, self.pages = list(in_flight), set(others), size, 0

    def get_status(self, instance_id, *, show_input=True):
        self.asked.append(instance_id)
        return InstanceStatus(
            "hello", instance_id, RUNNING if instance_id in self.in_flight else COMPLETED, T0, T0
        )

    def list_page(self, filter, *, show_input=False, top=100, continuation_token=None):
        self.pages += 1
        start = int(continuation_token or 0)
        rows = [*self.others, *self.in_flight][start : start + self.size]
        more = start + self.size < len(self.others) + len(self.in_flight)
        items = tuple(InstanceStatus("hello", each, RUNNING, T0, T0) for each in rows)
        return Page(items, str(start + self.size) if more else None)

    def pause(self, seconds):
        super().pause(seconds)
        self.in_flight = self.in_flight[50:]


IDS = [f"i{number:03}" for number in range(100)]


def test_of_many_only_those_that_are_in_flight_no_more_are_asked_for():
    hub = Listing(IDS)
    assert set(wait(hub, *IDS, at_once=4).values()) == {COMPLETED}
    assert sorted(hub.asked) == IDS
    assert hub.pages == 3


def test_a_listing_that_is_dearer_than_asking_each_is_given_up():
    hub = Listing(IDS, others=[f"other{number}" for number in range(500)], size=50)
    assert set(wait(hub, *IDS, at_once=4).values()) == {COMPLETED}
    assert hub.pages == len(IDS) // 20


def test_an_answer_that_nobody_gives_stops_a_round_of_many():
    hub = Script(**{each: [UNREACHABLE] for each in IDS})
    with pytest.raises(WaitTimeout):
        wait(hub, *IDS, timeout=1, until=lambda status: status.is_final, at_once=4)
    assert len(hub.asked) < len(IDS) * 5


def test_until_is_kept_once_it_held():
    hub = Script(a=[PENDING, RUNNING, PENDING, FAILED], b=[PENDING, PENDING, RUNNING])
    assert wait(hub, "a", "b", until=lambda status: status.runtime_status is RUNNING) == {
        "a": RUNNING,
        "b": RUNNING,
    }
    assert hub.asked.count("a") == 2

"""A runner does one thing to each of many items; what became of each is known, also when it is
stopped.
"""

import signal
import threading
import time
from contextlib import contextmanager
from itertools import pairwise
from types import NoneType

import pytest

from durablectl.polling.parallel import Runner, each_by_itself


def parallel(items, operate, **settings):
    return Runner(items, each_by_itself(operate), **settings)


def half(number):
    if number % 2:
        raise ValueError(number)
    return number // 2


def test_each_item_has_one_outcome():
    outcomes = list(parallel(range(100), half, concurrency=8))
    assert sorted(each.item for each in outcomes) == list(range(100))
    assert {each.item: each.result for each in outcomes if each.error is None} == {
        number: number // 2 for number in range(0, 100, 2)
    }


def test_items_are_read_as_they_are_needed():
    read = []
    runner = parallel(
        (read.append(number) or number for number in range(10**9)), half, concurrency=2
    )
    next(runner)
    assert len(read) <= 5
    runner.stop()
    list(runner)  # goes through what was begun, and begins no more
    assert len(read) <= 5


@pytest.mark.parametrize(
    ("rate", "ready"), [(None, 4), (1000, 0)], ids=["without a rate", "with a rate"]
)
def test_no_more_are_under_way_than_at_once_and_a_stop_tells_which_those_are(rate, ready):
    gate = threading.Event()
    runner = parallel(
        range(100), lambda number: number == 0 or gate.wait(30), concurrency=4, rate=rate
    )
    assert next(runner).item == 0
    runner.stop()
    # told again: its reader might have been interrupted
    assert [each.item for each in runner.drain(0)] == [0]
    started = runner.started
    assert len(started) <= 4
    assert 1 + len(started) + len(runner.not_started) <= 4 + ready
    # so that no thread has to wait for its next
    assert rate or len(started) + len(runner.not_started) == 7
    assert sorted([0, *started, *runner.not_started]) == list(
        range(1 + len(started) + len(runner.not_started))
    )
    gate.set()
    assert sorted(each.item for each in runner.drain(30)) == sorted(started)


def test_threads_go_when_the_work_is_done():
    before = threading.active_count()
    runner = parallel(range(10), half, concurrency=4)
    list(runner)
    for thread in [each for each in threading.enumerate() if each.name.startswith("batch-")]:
        thread.join(10)
    assert threading.active_count() <= before


class Ticking:
    """A clock that goes on by a hundredth of a second each time it is read."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 0.01
        return self.now


@pytest.mark.parametrize("settings", [{"concurrency": 4}, {"size": 100}], ids=["threads", "groups"])
def test_a_rate_spaces_the_starts(settings):
    clock, starts = Ticking(), []
    items = (starts.append(clock.now) or number for number in range(5))
    list(parallel(items, half, rate=20, clock=clock, **settings))
    assert all(later - earlier >= 1 / 20 for earlier, later in pairwise(starts))
    assert len(starts) == 5


def open_group(log):
    @contextmanager
    def group():
        log.append("begin")
        yield
        log.append("commit")

    return group


def test_a_group_has_one_transaction_and_its_outcomes_come_after_it():
    log = []
    runner = Runner(range(5), each_by_itself(log.append, open_group(log)), size=2)
    assert next(runner).item == 0
    assert log == ["begin", 0, 1, "commit"]
    assert [each.item for each in runner] == [1, 2, 3, 4]


def test_an_item_of_a_group_that_fails_fails_alone():
    runner = Runner(range(4), each_by_itself(half, open_group([])), size=4)
    assert [(each.item, each.result, type(each.error)) for each in runner] == [
        (0, 0, NoneType),
        (1, None, ValueError),
        (2, 1, NoneType),
        (3, None, ValueError),
    ]


def test_a_group_that_was_begun_when_an_interrupt_came_is_told():
    started, gate = threading.Event(), threading.Event()

    def operate(numbers):
        started.set()
        gate.wait(30)
        return numbers

    runner = Runner(range(5), operate, size=2)
    reader = threading.Thread(target=lambda: next(runner), daemon=True)
    reader.start()
    started.wait(30)
    runner.stop()  # the reader was interrupted before the group was done
    assert runner.started == [0, 1]
    gate.set()
    reader.join(30)
    assert [each.result for each in runner.drain(30)] == [0, 1]  # the first one again


def test_an_outcome_whose_reader_was_interrupted_is_told_again():
    runner = parallel(["a", "b"], str.upper, concurrency=1)
    first = next(runner)
    runner.stop()  # the reader was interrupted with `first` in its hands
    assert first in list(runner.drain(5))
    assert runner.started == []


def test_what_a_group_raises_is_the_error_of_each():
    broken = OSError("the disk is full")

    def operate(numbers):
        yield from numbers[:1]
        raise broken

    assert [(each.item, each.error) for each in Runner(range(3), operate, size=3)] == [
        (number, broken) for number in range(3)
    ]


def test_ctrl_c_that_does_not_wake_the_reader_is_seen_within_a_second():
    """A signal that another thread gets does not end the wait of the reader: it has to look."""
    gate = threading.Event()

    def operate(_):
        time.sleep(0.1)  # until the reader waits
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        gate.wait(30)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            next(parallel(["a"], operate))
        assert time.monotonic() - began < 5
    finally:
        gate.set()
        signal.signal(signal.SIGINT, before)

"""A crew does one thing to each of many items; what became of each is known, also when it is
stopped.
"""

import threading
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from types import NoneType

import pytest

from durablectl.polling.parallel import Groups, Threads, each_by_itself


def half(number):
    if number % 2:
        raise ValueError(number)
    return number // 2


def test_each_item_has_one_outcome():
    outcomes = list(Threads(range(100), half, concurrency=8))
    assert sorted(each.item for each in outcomes) == list(range(100))
    assert {each.item: each.result for each in outcomes if each.error is None} == {
        number: number // 2 for number in range(0, 100, 2)
    }


def test_items_are_read_as_they_are_needed():
    read = []
    crew = Threads((read.append(number) or number for number in range(10**9)), half, concurrency=2)
    next(crew)
    assert len(read) <= 5
    crew.stop()
    list(crew)  # goes through what was begun, and begins no more
    assert len(read) <= 5


@pytest.mark.parametrize(
    ("rate", "ready"), [(None, 4), (1000, 0)], ids=["without a rate", "with a rate"]
)
def test_no_more_are_under_way_than_at_once_and_a_stop_tells_which_those_are(rate, ready):
    gate = threading.Event()
    crew = Threads(
        range(100), lambda number: number == 0 or gate.wait(30), concurrency=4, rate=rate
    )
    assert next(crew).item == 0
    crew.stop()
    # told again: its reader might have been interrupted
    assert [each.item for each in crew.rest(0)] == [0]
    begun = crew.begun
    assert len(begun) <= 4
    assert 1 + len(begun) + len(crew.withdrawn) <= 4 + ready
    # so that no thread has to wait for its next
    assert rate or len(begun) + len(crew.withdrawn) == 7
    assert sorted([0, *begun, *crew.withdrawn]) == list(range(1 + len(begun) + len(crew.withdrawn)))
    gate.set()
    assert sorted(each.item for each in crew.rest(30)) == sorted(begun)


def test_threads_go_when_the_work_is_done():
    before = threading.active_count()
    crew = Threads(range(10), half, concurrency=4)
    list(crew)
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


@pytest.mark.parametrize(
    "crew",
    [partial(Threads, operate=half, concurrency=4), partial(Groups, operate=list)],
    ids=["threads", "groups"],
)
def test_a_rate_spaces_the_starts(crew):
    clock, starts = Ticking(), []
    list(crew((starts.append(clock.now) or number for number in range(5)), rate=20, clock=clock))
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
    crew = Groups(range(5), each_by_itself(log.append, open_group(log)), size=2)
    assert next(crew).item == 0
    assert log == ["begin", 0, 1, "commit"]
    assert [each.item for each in crew] == [1, 2, 3, 4]


def test_an_item_of_a_group_that_fails_fails_alone():
    crew = Groups(range(4), each_by_itself(half, open_group([])), size=4)
    assert [(each.item, each.result, type(each.error)) for each in crew] == [
        (0, 0, NoneType),
        (1, None, ValueError),
        (2, 1, NoneType),
        (3, None, ValueError),
    ]


def test_a_group_that_was_begun_when_an_interrupt_came_is_told():
    begun, gate = threading.Event(), threading.Event()

    def operate(numbers):
        begun.set()
        gate.wait(30)
        return numbers

    crew = Groups(range(5), operate, size=2)
    reader = threading.Thread(target=lambda: next(crew), daemon=True)
    reader.start()
    begun.wait(30)
    crew.stop()  # the reader was interrupted before the group was done
    assert crew.begun == [0, 1]
    gate.set()
    reader.join(30)
    assert [each.result for each in crew.rest(30)] == [1]


def test_an_outcome_whose_reader_was_interrupted_is_told_again():
    crew = Threads(["a", "b"], str.upper, concurrency=1)
    first = next(crew)
    crew.stop()  # the reader was interrupted with `first` in its hands
    assert first in list(crew.rest(5))
    assert crew.begun == []

"""What is asked of a large hub is answered from its indexes: SQLite's own plans of every statement
that a verb runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from durablectl.backends.local import LocalTaskHub
from durablectl.model import EntityId, InstanceFilter, RuntimeStatus
from durablectl.taskhub import list_instances

Verb = Callable[[LocalTaskHub], object]
START = datetime(2026, 1, 1, tzinfo=UTC)
IN_FLIGHT = frozenset({RuntimeStatus.RUNNING, RuntimeStatus.PENDING, RuntimeStatus.SUSPENDED})
FINAL = frozenset({RuntimeStatus.COMPLETED, RuntimeStatus.FAILED, RuntimeStatus.TERMINATED})


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalTaskHub]:
    """Each in its second: every eighth one of 8,000 failed, and every other eighth one goes on."""
    path: Path = tmp_path_factory.mktemp("hub") / "hub.db"
    at = int(START.timestamp()) * 1_000_000
    rows = [
        (f"i{n:04}", "odd" if n % 2 else "even", (3, 0, *[1] * 6)[n % 8], *[at + n * 1_000_000] * 3)
        for n in range(8000)
    ]
    with LocalTaskHub(path, create=True) as hub:
        with hub.database.transaction() as sql:
            sql.executemany(
                "INSERT INTO instances (id, name, version, execution_id, status, created_at, "
                "started_at, updated_at)"
                " VALUES (?, ?, '', '', ?, ?, ?, ?)",
                rows,
            )
        hub.signal_entity(EntityId("counter", "a"), "add", 1)
        yield hub


def plan(hub: LocalTaskHub, verb: Verb) -> list[str]:
    """The steps of all statements that a verb runs; those that read an argument's `json_each`, or a
    family found so far, are left out.
    """
    statements: list[str] = []
    connection = hub.database.connection()
    connection.set_trace_callback(statements.append)
    verb(hub)
    connection.set_trace_callback(None)
    asked = [
        each
        for each in statements
        if each.startswith(("SELECT", "WITH", "DELETE", "UPDATE", "\nSELECT"))
    ]
    assert asked
    steps = [row[3] for each in asked for row in connection.execute(f"EXPLAIN QUERY PLAN {each}")]
    return [step for step in steps if "json_each" not in step and step != "SCAN f"]


def listing(filter: InstanceFilter = InstanceFilter(), after: str | None = None) -> Verb:
    return lambda hub: hub.list_page(filter, top=100, continuation_token=after)


def deep(seconds: int) -> str:
    return f"{int((START + timedelta(seconds=seconds)).timestamp()) * 1_000_000}.{seconds + 1}"


def between(statuses: frozenset[RuntimeStatus] = frozenset()) -> InstanceFilter:
    return InstanceFilter(
        statuses,
        created_from=START + timedelta(seconds=10),
        created_to=START + timedelta(seconds=20),
    )


SEARCHED: dict[str, Verb] = {
    "status": lambda hub: hub.get_status("i0001"),
    "history": lambda hub: hub.get_status("i0001", show_history=True),
    "wait": lambda hub: hub.ended(["i0001", "i0002"]),
    "list --status Failed": listing(InstanceFilter(frozenset({RuntimeStatus.FAILED}))),
    "list of those in flight": listing(InstanceFilter(IN_FLIGHT)),
    "list of those in flight, a later page": listing(InstanceFilter(IN_FLIGHT), deep(4000)),
    "list --stuck": listing(InstanceFilter(IN_FLIGHT, updated_to=START + timedelta(seconds=100))),
    "list of a time": listing(between()),
    "list of a time and states": listing(between(IN_FLIGHT)),
    "list, a later page": listing(after=deep(4000)),
    "list of those in flight, with a common prefix": listing(InstanceFilter(IN_FLIGHT, prefix="i")),
    "raise-event": lambda hub: hub.raise_event("i0001", "Go"),
    "purge": lambda hub: hub.purge_many(["i7998", "i7999"]),
    "purge --recursive": lambda hub: hub.purge_many(["i7996", "i7997"], recursive=True),
    "purge --created-before": lambda hub: hub.purge_by(
        created_from=START, created_to=START + timedelta(seconds=9), statuses=FINAL
    ),
    "purge --status Failed": lambda hub: hub.purge_by(
        created_from=START,
        created_to=START + timedelta(seconds=9),
        statuses=frozenset({RuntimeStatus.FAILED}),
    ),
    "entity get": lambda hub: (
        hub.get_entity(EntityId("counter", "a")) if hub.list_entities().items else None
    ),
}


@pytest.mark.parametrize("verb", SEARCHED.values(), ids=SEARCHED.keys())
def test_what_an_index_can_answer_is_searched_and_neither_scanned_nor_sorted(
    hub: LocalTaskHub, verb: Verb
):
    assert [
        step for step in plan(hub, verb) if step.startswith("SCAN") or "TEMP B-TREE" in step
    ] == []


WALKED: dict[str, InstanceFilter] = {
    "all": InstanceFilter(),
    "completed ones": InstanceFilter(frozenset({RuntimeStatus.COMPLETED})),
    "of one name": InstanceFilter(name="even"),
    "with a common prefix": InstanceFilter(prefix="i"),
    "changed lately": InstanceFilter(updated_from=START),
}


@pytest.mark.parametrize("filter", WALKED.values(), ids=WALKED.keys())
def test_what_has_no_index_is_met_in_order_of_creation_from_where_the_last_page_ended(
    hub: LocalTaskHub, filter: InstanceFilter
):
    why = "SEARCH history USING PRIMARY KEY (instance=?)"  # of those on the page that have failed
    *_, first = (step for step in plan(hub, listing(filter)) if step != why)
    *_, later = (step for step in plan(hub, listing(filter, deep(4000))) if step != why)
    assert (first, later) == (
        "SCAN i USING INDEX instances_by_creation",
        "SEARCH i USING INDEX instances_by_creation (created_at>?)",
    )


def test_a_prefix_that_few_ids_have_is_looked_up_by_them(hub: LocalTaskHub):
    filter = InstanceFilter(FINAL, prefix="i000")
    assert any("(id>? AND id<?)" in step and " i " in step for step in plan(hub, listing(filter)))
    assert [
        each.instance_id for each in hub.list_page(InstanceFilter(IN_FLIGHT, prefix="i003"))
    ] == ["i0033"]


def test_states_are_counted_in_the_indexes(hub: LocalTaskHub):
    assert all(
        "INDEX" in step for step in plan(hub, lambda hub: hub.counts()) if "instances" in step
    )


@pytest.mark.parametrize(
    "filter",
    [
        InstanceFilter(),
        InstanceFilter(include_entities=True),
        InstanceFilter(IN_FLIGHT, name="ODD"),
    ],
)
def test_what_is_counted_is_what_is_listed(hub: LocalTaskHub, filter: InstanceFilter):
    listed = list(list_instances(hub, filter))
    assert hub.counts(filter) == Counter(each.runtime_status.value for each in listed)
    assert hub.counts(filter, by_name=True) == Counter(each.name for each in listed)


def test_states_that_are_read_one_by_one_come_in_order_of_creation(hub: LocalTaskHub):
    first = hub.list_page(
        InstanceFilter(
            IN_FLIGHT | {RuntimeStatus.FAILED}, created_from=START + timedelta(seconds=32)
        ),
        top=4,
    )
    assert [each.instance_id for each in first] == ["i0032", "i0033", "i0040", "i0041"]
    second = hub.list_page(
        InstanceFilter(IN_FLIGHT | {RuntimeStatus.FAILED}),
        top=2,
        continuation_token=first.continuation_token,
    )
    assert [each.instance_id for each in second] == ["i0048", "i0049"]

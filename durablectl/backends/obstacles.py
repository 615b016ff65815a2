"""What keeps an instance of a local hub from continuing, from the workers' rows: no worker, a
missing function, a stalled worker. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from durablectl.engine.registry import Registry
from durablectl.engine.store.leases import LiveWorker
from durablectl.engine.store.open_work import OpenWork
from durablectl.explanation.model import NO_WORKER, Next, StepKind, Wait
from durablectl.history.columns import moment
from durablectl.model import InstanceStatus, RuntimeStatus

MOST_NAMES = 6
LONGEST_SILENCE = 15.0
"""Seconds; a worker that has nothing to do shows a sign of life every ten."""
FindApp = Callable[[], Registry | None]
RUN_ONE = Next(("worker",), note="runs the app's functions")
RUN_ITS_APP = Next(("worker",), ("--app", "PATH"), "with the app that has it")


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What is in the way, and the command that helps.

    `is_total` when nothing else helps before it is gone.
    """

    text: str
    next: Next | None = None
    is_total: bool = True


def obstacles_of(
    status: InstanceStatus,
    work: OpenWork,
    waits: Sequence[Wait],
    workers: Mapping[int, LiveWorker],
    now: datetime,
    find_app: FindApp,
) -> Iterator[Obstacle]:
    """The obstacles of an unfinished instance, the most important one first.

    `find_app` gives the app at hand, None when there is none; it is called only where a function
    seems to be missing.
    """
    if work.requests:
        request = work.requests[-1]
        ago = f"{(now - request.at).total_seconds():.0f} s ago"
        yield Obstacle(f"the {request.name} requested {ago} waits for a worker", is_total=False)
    live = [each for each in workers.values() if each.is_live and _serves(each, work)]
    holders = {work.worker, *(each.worker for each in work.activities)}
    for key in holders:
        if (holder := workers.get(key or 0)) is not None:
            yield from _of_holder(status, holder, now)
    if not live:
        is_later = status.details is not None and status.details.starts_after(now)
        waits_only = is_later or not _is_ready(work, status, waits)
        app = find_app()
        is_foreign = app is not None and app.orchestrators.get(status.name) is None
        yield Obstacle(
            NO_WORKER
            + (f"; the app here has no orchestrator '{status.name}'" if is_foreign else ""),
            RUN_ITS_APP if is_foreign else RUN_ONE,
            is_total=not waits_only,
        )
    else:
        yield from _missing(status, waits, live, work, find_app)


def breaking(instance_id: str) -> Obstacle:
    """That the code at hand does not make the decisions of the history."""
    return Obstacle(
        "a worker with the app here would fail it, because the code does not match its history",
        Next(("replay", instance_id), note="shows where; run a worker with the code of before"),
    )


def obstacle_of_entity(entity_id: str, workers: Iterable[LiveWorker]) -> Obstacle | None:
    """What keeps the operations in an entity's queue from being run."""
    live = [each for each in workers if each.is_live]
    if not live:
        return Obstacle(NO_WORKER, RUN_ONE)
    name = entity_name(entity_id)
    if name in _names(live, "entities"):
        return None
    return Obstacle(f"no running worker has the entity '{name}'", RUN_ITS_APP)


def _is_ready(work: OpenWork, status: InstanceStatus, waits: Sequence[Wait]) -> bool:
    """Whether a worker would have something to do for it now, other than to keep an event that
    nothing waits for.
    """
    awaited = {each.name.lower() for each in waits if each.kind is StepKind.EVENT}
    kept = [each for each in work.events if "" not in awaited and each.name.lower() not in awaited]
    return (
        work.messages > len(kept)
        or status.runtime_status in (RuntimeStatus.PENDING, RuntimeStatus.CONTINUED_AS_NEW)
        or any(each.kind is StepKind.ACTIVITY and each.until is None for each in waits)
    )


def _serves(worker: LiveWorker, work: OpenWork) -> bool:
    return worker.is_for_all or work.root in (worker.about.get("roots") or ())


def _of_holder(status: InstanceStatus, holder: LiveWorker, now: datetime) -> Iterator[Obstacle]:
    """What is wrong with the worker that holds the instance or one of its activities."""
    process = holder.about.get("process", "?")
    stuck = holder.about.get("notYielding")
    silent = (now - moment(holder.seen_at)).total_seconds()
    if holder.is_live and silent > LONGEST_SILENCE and not stuck:
        left = (holder.lease_end - now).total_seconds()
        yield Obstacle(
            f"its worker (process {process}) has not responded for {silent:.0f} s; unless it does, "
            f"another worker takes its work over in {left:.0f} s",
            is_total=False,
        )
    elif holder.is_locked and not holder.is_live:
        yield Obstacle(
            f"its worker (process {process}) has shown no sign of life for {silent:.0f} s; another "
            "worker takes its work over",
            RUN_ONE,
        )
    elif not holder.is_locked:
        yield Obstacle(
            f"its worker (process {process}) has ended without giving its work back; the next "
            "worker takes it over",
            is_total=False,
        )
    if holder.is_locked and isinstance(stuck, dict):
        yield _of_stuck(status, process, stuck, now)


def _of_stuck(
    status: InstanceStatus, process: object, stuck: Mapping[str, Any], now: datetime
) -> Obstacle:
    since = datetime.fromisoformat(str(stuck["since"]))
    seconds = f"{(now - since).total_seconds():.0f} s"
    place = f" (at {stuck['place']})" if stuck.get("place") else ""
    if stuck.get("instance") == status.instance_id:
        return Obstacle(f"its code has not yielded for {seconds}{place}", is_total=False)
    return Obstacle(
        f"its worker (process {process}) is held up: the code of instance '{stuck['instance']}' "
        f"has not yielded for {seconds}{place}",
        is_total=False,
    )


def _missing(
    status: InstanceStatus,
    waits: Sequence[Wait],
    live: Sequence[LiveWorker],
    work: OpenWork,
    find_app: FindApp,
) -> Iterator[Obstacle]:
    """The functions that no live worker has."""
    known = _names(live, "orchestrators")
    is_held = any(each.key == work.worker for each in live)
    if not is_held and status.name.lower() not in known:
        app = find_app()
        ours = None if app is None else app.orchestrators.get(status.name)
        if ours is None or ours.name.lower() not in known:
            listed = ", ".join(sorted(known.values())[:MOST_NAMES]) or "none"
            yield Obstacle(
                f"no running worker has the orchestrator '{status.name}'; they have: {listed}",
                RUN_ITS_APP if ours is None else RUN_ONE,
            )
            return
    entities = _names(live, "entities")
    for wait in waits:
        name = entity_name(wait.instance_id)
        if wait.kind is StepKind.ENTITY and name not in entities:
            yield Obstacle(f"no running worker has the entity '{name}'", RUN_ITS_APP)


def entity_name(entity_id: str) -> str:
    return entity_id.removeprefix("@").partition("@")[0].lower()


def _names(live: Sequence[LiveWorker], kind: str) -> dict[str, str]:
    """The names that they have, by the name in lower case."""
    names = (str(name) for worker in live for name in worker.about.get(kind, ()))
    return {name.lower(): name for name in names}

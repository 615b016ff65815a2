"""`durablectl terminate`, `suspend`, `resume` and `rewind`: requests that instances carry out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, NamedTuple

import typer

from durablectl.cli.arguments.filters import Filters
from durablectl.cli.arguments.parameters import FromFiles, How, IgnoreFinished, Instances, Reason
from durablectl.cli.arguments.reason import default_reason
from durablectl.cli.arguments.waiting import FollowUp
from durablectl.cli.batch.runner import REQUESTS, BatchOperation, control
from durablectl.cli.framework import exit_codes
from durablectl.cli.framework.leaving import leave
from durablectl.cli.session import Session
from durablectl.cli.session.at import at
from durablectl.cli.session.chosen import choose
from durablectl.cli.start.instance import timed
from durablectl.cli.wait.wait import wait_until_so
from durablectl.model import IN_FLIGHT, UNDER_WAY, InstanceStatus, RuntimeStatus
from durablectl.polling.loop import in_time
from durablectl.taskhub import TaskHub


class _Verb(NamedTuple):
    """A request: what a filter without --status means, what was done, and when it is so, for a
    person and as the expression of `wait --until`.
    """

    name: str
    statuses: frozenset[RuntimeStatus]
    done: str
    is_so: Callable[[InstanceStatus], bool]
    until: str
    send: Callable[[TaskHub, str, str], None]


_TERMINATE = _Verb(
    "terminate",
    IN_FLIGHT,
    "termination requested",
    lambda status: status.is_final,
    "runtimeStatus=='Terminated'",
    lambda hub, instance_id, reason: hub.terminate(instance_id, reason),
)
_TERMINATE_ALL = _TERMINATE._replace(
    send=lambda hub, instance_id, reason: hub.terminate(instance_id, reason, recursive=True)
)
_SUSPEND = _Verb(
    "suspend",
    UNDER_WAY,
    "suspension requested",
    lambda status: status.is_final or status.runtime_status is RuntimeStatus.SUSPENDED,
    "runtimeStatus=='Suspended'",
    lambda hub, instance_id, reason: hub.suspend(instance_id, reason),
)
_RESUME = _Verb(
    "resume",
    frozenset({RuntimeStatus.SUSPENDED}),
    "resumption requested",
    lambda status: status.runtime_status is not RuntimeStatus.SUSPENDED,
    "runtimeStatus!='Suspended'",
    lambda hub, instance_id, reason: hub.resume(instance_id, reason),
)
_REWIND = _Verb(
    "rewind",
    frozenset({RuntimeStatus.FAILED}),
    "rewind requested",
    lambda status: status.runtime_status is not RuntimeStatus.FAILED,
    "runtimeStatus!='Failed'",
    lambda hub, instance_id, reason: hub.rewind(instance_id, reason),
)


class _Asked(NamedTuple):
    """Which instances were named, and what is done with them."""

    instances: Instances = None
    from_: FromFiles = None
    reason: Reason = None
    ignore_finished: IgnoreFinished = False


def _command(verb: _Verb, help: str) -> Callable[..., None]:
    """The command of a verb that has no option of its own."""

    def command(
        session: Session,
        filters: Filters,
        how: How,
        follow_up: FollowUp,
        asked: _Asked = _Asked(),
    ) -> None:
        _control(session, verb, asked, filters, how, follow_up)

    command.__name__, command.__doc__ = verb.name, help
    return command


def _control(
    session: Session,
    verb: _Verb,
    asked: _Asked,
    filters: Filters,
    how: How,
    follow_up: FollowUp,
) -> None:
    waiting = follow_up.until(verb.until)
    with timed(follow_up.timeout):
        chosen = choose(
            session,
            verb.name,
            asked.instances,
            asked.from_,
            filters,
            how,
            states=verb.statuses,
            ignore_finished=asked.ignore_finished,
            timeout=follow_up.timeout,
        )
    if chosen is None:
        return
    why = asked.reason if asked.reason is not None else default_reason(session.environ)
    request = _Request(verb, why, looks_first=verb is _REWIND and follow_up.wait)
    with timed(follow_up.timeout):
        report = control(
            session.out,
            chosen.hub,
            chosen.ids,
            request.operation(chosen.hub, follow_up.timeout),
            how,
            by_filter=chosen.by_filter,
            ignore_finished=asked.ignore_finished,
            waits=follow_up.wait,
        )
    is_late = False
    if waiting is not None and report.done:
        here = at(session, chosen.hub)
        is_late = not wait_until_so(here, list(report.done), waiting, request.is_so)
    leave(
        exit_codes.for_batch(is_complete=report.is_complete),
        exit_codes.for_wait((), timed_out=is_late, by_condition=True),
    )


class _Request:
    """One verb, sent with its reason.

    An instance that fails again looks like one that was never rewound: `looks_first` remembers when
    each was updated last.
    """

    def __init__(self, verb: _Verb, reason: str, *, looks_first: bool) -> None:
        self._verb, self._reason, self._looks_first = verb, reason, looks_first
        self._before: dict[str, datetime] = {}

    def operation(self, hub: TaskHub, limit: float | None) -> BatchOperation:
        """What sends it; each request may take `limit` seconds, the time-out of the wait for it."""

        def request(instance_id: str) -> None:
            limited = in_time(hub, limit)
            if self._looks_first:
                status = limited.get_status(instance_id, show_input=False)
                self._before[instance_id] = status.last_updated_time
            self._verb.send(limited, instance_id, self._reason)

        return BatchOperation(
            self._verb.name, self._verb.done, request, in_waves=REQUESTS, needs_worker=True
        )

    def is_so(self, status: InstanceStatus) -> bool:
        before = self._before.get(status.instance_id)
        return self._verb.is_so(status) or (
            self._looks_first and status.last_updated_time != before
        )


_BY_FILTER = """

    With a filter it shows how many there are and the first ten, and asks; entities and
    sub-orchestrations are left out.

    Examples:"""


def terminate(
    session: Session,
    filters: Filters,
    how: How,
    follow_up: FollowUp,
    asked: _Asked = _Asked(),
    recursive: Annotated[
        bool,
        typer.Option("--recursive", help="End their sub-orchestrations, too (not over HTTP)."),
    ] = False,
) -> None:
    """End running instances.

    This is a request: an instance ends a moment later. What is finished already is a conflict (exit
    6). Sub-orchestrations continue, unless --recursive; a local hub ends all of them in one
    transaction.

    With a filter it shows how many there are and the first ten, and asks; entities and
    sub-orchestrations are left out.

    Examples:
      durablectl terminate order-7 --reason "no longer needed"
      durablectl terminate --name order --stuck=2h --dry-run
      durablectl terminate --name order --stuck=2h --yes --wait --timeout 5m
    """
    verb = _TERMINATE_ALL if recursive else _TERMINATE
    _control(session, verb, asked, filters, how, follow_up)


suspend = _command(
    _SUSPEND,
    f"""Pause running instances.

    This is a request: an instance pauses a moment later, and keeps its events until it is
    resumed.{_BY_FILTER}
      durablectl suspend order-7 --reason "the bank is down"
      durablectl suspend --name order --status Running --yes
    """,
)
resume = _command(
    _RESUME,
    f"""Resume suspended instances.

    This is a request: an instance continues a moment later.{_BY_FILTER}
      durablectl resume order-7
      durablectl resume --name order --status Suspended --yes
    """,
)
rewind = _command(
    _REWIND,
    f"""Run the failed steps of failed instances again.

    This is a request: the steps that succeeded keep their results, those that failed run
    again.{_BY_FILTER}
      durablectl rewind order-7 --reason "the bank is back"
      durablectl rewind --name order --created-after 1d --yes
    """,
)

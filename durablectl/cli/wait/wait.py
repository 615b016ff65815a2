"""Waiting at the command line: the display, the ways it can end, and what is printed then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from durablectl import wire
from durablectl.cli.arguments.waiting import OnTimeout, Waiting
from durablectl.cli.framework.at_hub import AtHub, tell_without_worker
from durablectl.cli.wait.ci_reports import Reports
from durablectl.cli.wait.resume_hint import Wanted, tell_how_to_resume
from durablectl.cli.wait.until import DEAD, Until
from durablectl.cli.wait.waiting_for import lines_after_a_wait
from durablectl.errors import (
    DurablectlError,
    InstanceNotFound,
    UsageError,
    WaitTimeout,
    WrongState,
)
from durablectl.model import InstanceStatus, RuntimeStatus
from durablectl.polling.loop import Waited, WaitRules, last_answer, wait_for_instances
from durablectl.render import views
from durablectl.render.output import Output, OutputFormat
from durablectl.render.progress import count_text
from durablectl.render.sanitize import safe_line
from durablectl.render.terminal.displays import Troubles, waiting_display
from durablectl.render.terminal.instances import statuses_json
from durablectl.render.terminal.tables import show_details, show_table

GRACE = 5.0
AT_ONCE = 8  # statuses asked for at the same time
TOLD_IDS, TOLD_LEFT = 20, 10
_ASKED = {
    OnTimeout.TERMINATE: RuntimeStatus.TERMINATED,
    OnTimeout.SUSPEND: RuntimeStatus.SUSPENDED,
}
Seen = dict[str, InstanceStatus | None]


class WaitEnd(NamedTuple):
    """How a wait ended: how those instances did that have not done what was waited for, whether the
    time was up, and whether an expression was waited for.
    """

    ended: tuple[RuntimeStatus, ...]
    timed_out: bool
    by_condition: bool

    @property
    def is_satisfied(self) -> bool:
        return not (self.ended or self.timed_out)


def wait_and_show(at: AtHub, wanted: Wanted, *, spent: float = 0.0) -> WaitEnd:
    """Wait, show how it ended, and return that; `spent` is how much of the time-out the start has
    taken.
    """
    ids, waiting, several, *_ = wanted
    if waiting.response and len(ids) > 1:
        raise UsageError(
            "--response is the answer for one instance", hint="leave out --response, or name one id"
        )
    if several.completed is not None and several.completed > len(ids):
        raise UsageError(
            f"--count {several.completed} is more than the {len(ids)} instances that were named"
        )
    warn_without_timeout(at, waiting.timeout, "wait")
    until = None if waiting.until is None else Until.of(waiting.until)
    rules = WaitRules(
        None if waiting.timeout is None else max(waiting.timeout - spent, 0.0),
        waiting.interval or 1.0,
        several.completed,
        several.fail_fast,
        show_input=not at.out.is_text or (until is not None and until.needs_input),
        until=until,
    )
    reports = Reports(at, ids, waiting.ci, waiting.junit)
    with reports.of_faults():
        seen, trouble = _watched(at, wanted, rules)
    _show(at, seen, rules, waiting)
    if not rules.is_over(seen.values()):
        _give_up(at, seen, rules, waiting, trouble)
    end = _end(seen, rules)
    why_not = until.why_not if until else lambda _status: ""
    reports.ended(seen, rules.is_satisfied, satisfied=end.is_satisfied, why_not=why_not)
    if until is not None and end.ended:
        _tell_why_not(at.out, until, _ended(seen, rules))
    return end


def wait_until_so(
    at: AtHub, ids: Sequence[str], waiting: Waiting, is_so: Callable[[InstanceStatus], bool]
) -> bool:
    """After a batch of requests: wait until what was asked for is so for all; False, with those
    that are left told, when it is not in time.

    The expression of `waiting` is what `wait --until` takes for it.
    """
    rules = WaitRules(waiting.timeout, waiting.interval or 1.0, show_input=False, until=is_so)
    seen, trouble = _watch_over(at, Wanted(ids, waiting, is_started=True), rules)
    left = rules.left(seen)
    if not left:
        statuses = [status for status in seen.values() if status is not None]
        counted = Counter(each.runtime_status for each in statuses)
        if len(statuses) == 1:
            at.out.note(f"{statuses[0].instance_id}: {statuses[0].runtime_status.value}")
        else:
            at.out.note(f"{len(statuses)} instances: {count_text(counted)}")
        return True
    for instance_id in left[:TOLD_LEFT]:
        at.out.more(f"  {safe_line(instance_id)}")
    what = f"not so yet for {len(left)} of {len(ids)} instances"
    _tell_timeout(at.out, waiting, what, trouble)
    return False


def warn_without_timeout(at: AtHub, timeout: float | None, what: str) -> None:
    """Warn of a wait without an end in a CI job."""
    if timeout is None and at.environ.get("CI"):
        at.out.warn(f"this {what} has no --timeout, and may block the CI job indefinitely")


def _watched(at: AtHub, wanted: Wanted, rules: WaitRules) -> Waited:
    on_timeout = wanted.waiting.on_timeout
    try:
        return _watch_over(at, wanted, rules)
    except WaitTimeout as error:
        if on_timeout is OnTimeout.LEAVE:
            raise
        hint = f"the hub did not answer: {on_timeout.value} was not requested"
        raise WaitTimeout(error.message, hint=hint) from error


def _watch_over(at: AtHub, wanted: Wanted, rules: WaitRules) -> Waited:
    """Wait for them and show how far they are, working for them on a local hub.

    `WaitTimeout` when the hub never answered in time. Ctrl-C and SIGTERM say how to continue.
    """
    ids, troubles = wanted.ids, Troubles(at.out)
    last: Seen = dict.fromkeys(ids)
    at_once = 1 if at.hub.commits_together else AT_ONCE
    rules = rules._replace(grace=GRACE, at_once=at_once)
    if wanted.is_started:
        rules = rules._replace(patience=None)
    try:
        with at.working(ids), waiting_display(at.out, ids) as show:

            def take(status: InstanceStatus) -> None:
                troubles.answered()
                last[status.instance_id] = status
                show(status)

            return wait_for_instances(
                at.hub, ids, rules, on_status=take, on_trouble=troubles.failed
            )
    except KeyboardInterrupt as error:
        tell_how_to_resume(at, rules.left(last), wanted, f"{error}" or "interrupted")
        raise


def _tell_timeout(
    out: Output, waiting: Waiting, what: str, trouble: DurablectlError | None
) -> None:
    after = views.duration_text(waiting.timeout or 0)
    out.error(f"timed out after {after}: {what}{last_answer(trouble)}")


def _give_up(
    at: AtHub, seen: Seen, rules: WaitRules, waiting: Waiting, trouble: DurablectlError | None
) -> None:
    """After a time-out: say so, and terminate or suspend what is left if that was asked for."""
    left = rules.left(seen)
    what = f"{len(left)} of {len(seen)} instances are still running"
    if len(left) == 1:
        status = seen[left[0]]
        state = status.runtime_status.value if status else "unknown"
        what = f"instance '{left[0]}' is still {state}"
    _tell_timeout(at.out, waiting, what, trouble)
    if waiting.on_timeout is OnTimeout.LEAVE:
        if trouble is None:
            _say_why(at, left)
        return
    ends = waiting.on_timeout is OnTimeout.TERMINATE
    change, what = (at.hub.terminate, "termination") if ends else (at.hub.suspend, "suspension")
    for name in left:
        try:
            change(name, "durablectl wait timed out")
            at.out.note(f"{what} requested: {name}")
        except (WrongState, InstanceNotFound) as error:
            at.out.warn(error.message)
    tell_without_worker(at.out, at.hub)


def _say_why(at: AtHub, left: Sequence[str]) -> None:
    """What those that are left wait for; with the app, if this process has run it."""
    if at.out.quiet:
        return
    lines = lines_after_a_wait(at.hub, left[:TOLD_IDS], at.loaded_app())
    for _, line in lines:
        at.out.note(safe_line(line))
    if lines:
        at.out.hint(at.command("why", lines[0][0], hub=at.hub))


def _tell_why_not(out: Output, until: Until, ended: Sequence[InstanceStatus]) -> None:
    out.error(f"ended before --until came true: {until.text}")
    dead = [each for each in ended if until.why_not(each) == DEAD]
    for each in dead[:TOLD_IDS]:
        out.more(
            f"  the expression is true of {safe_line(each.instance_id)}, which is "
            f"{each.runtime_status.value}"
        )
    if len(dead) > TOLD_IDS:
        out.more(f"  and {len(dead) - TOLD_IDS} more")
    if dead:
        out.hint(
            "on an instance that ended other than Completed, --until holds only if "
            "the expression mentions runtimeStatus"
        )


def _show(at: AtHub, seen: Seen, rules: WaitRules, waiting: Waiting) -> None:
    out, statuses = at.out, [status for status in seen.values() if status is not None]
    if waiting.response:
        _show_response(at, statuses[0])
    elif out.is_text:
        _show_text(at, statuses, waiting)
    elif out.format is OutputFormat.ID:
        out.ids(status.instance_id for status in statuses if rules.is_finished(status))
    else:
        out.show("", statuses_json(statuses, single=len(seen) == 1))
    if not (out.is_text and out.is_terminal):
        _tell_failures(out, statuses)


def _show_response(at: AtHub, status: InstanceStatus) -> None:
    """Exactly what WaitForCompletionOrCreateCheckStatusResponse answers: output, status, or
    check-status payload.
    """
    if status.runtime_status is RuntimeStatus.COMPLETED:
        at.out.json(status.output)
    elif status.is_final:
        at.out.json(wire.status_to_json(at.hub.get_status(status.instance_id)))
    else:
        at.out.json(at.payload_json(at.hub.check_status(status.instance_id)))


def _show_text(at: AtHub, statuses: Sequence[InstanceStatus], waiting: Waiting) -> None:
    out = at.out
    if len(statuses) > 1:
        show_table(out, views.outcomes(statuses))
        return
    for status in statuses:
        if waiting.until is not None:
            show_details(out, views.instance(status, show_input=False))
        elif not status.is_final:
            payload = at.hub.check_status(status.instance_id)
            at.show_payload(payload, status.runtime_status, asked=_ASKED.get(waiting.on_timeout))
        elif status.runtime_status is not RuntimeStatus.COMPLETED:
            show_details(out, views.outcome(status, traceback=out.verbose))
        elif text := views.value_text(status.output):
            out.value(text)
        else:
            out.note(f"{status.instance_id}: Completed, without an output")


def _tell_failures(out: Output, statuses: Sequence[InstanceStatus]) -> None:
    """Where stdout goes into a file, say on stderr what a person has to know."""
    failed = [
        each
        for each in statuses
        if each.is_final and each.runtime_status is not RuntimeStatus.COMPLETED
    ]
    for status in failed[:TOLD_IDS]:
        reason = views.ending_line(status)
        out.error(
            f"{status.instance_id}: {status.runtime_status.value}{': ' if reason else ''}{reason}"
        )
    if len(failed) > TOLD_IDS:
        out.error(f"and {len(failed) - TOLD_IDS} more")


def _end(seen: Seen, rules: WaitRules) -> WaitEnd:
    satisfied = sum(map(rules.is_satisfied, seen.values()))
    if satisfied == len(seen) or (rules.completed is not None and satisfied >= rules.completed):
        return WaitEnd((), timed_out=False, by_condition=False)
    return WaitEnd(
        tuple(each.runtime_status for each in _ended(seen, rules)),
        timed_out=not rules.is_over(seen.values()),
        by_condition=rules.until is not None,
    )


def _ended(seen: Seen, rules: WaitRules) -> list[InstanceStatus]:
    """Those that have ended without doing what was waited for."""
    return [
        each
        for each in seen.values()
        if each is not None and each.is_final and not rules.is_satisfied(each)
    ]

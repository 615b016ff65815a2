"""Waiting at the command line: the display, the ways it can end, what is printed then, and the exit
code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import typer

from durablectl import wire
from durablectl.cli.arguments.parameters import OnTimeout
from durablectl.cli.framework import exit_codes
from durablectl.cli.session import Session
from durablectl.cli.session.targets import command_line, statuses_json
from durablectl.cli.start.show import payload_json, show_payload
from durablectl.cli.wait.ci_reports import CiMode, Reports
from durablectl.cli.wait.resume_hint import ResumeCommand, tell_how_to_resume
from durablectl.cli.wait.until import DEAD, Until
from durablectl.cli.wait.waiting_for import lines_after_a_wait
from durablectl.errors import DurablectlError, UsageError, WaitTimeout, WrongState
from durablectl.model import InstanceStatus, RuntimeStatus
from durablectl.polling.loop import Waited, WaitRules, wait_for_instances
from durablectl.render import views
from durablectl.render.output import OutputFormat
from durablectl.render.sanitize import safe_line
from durablectl.render.terminal.tables import show_details, show_table
from durablectl.render.terminal.wait_progress import Troubles, Watcher, waiting_display
from durablectl.taskhub import TaskHub

if TYPE_CHECKING:
    from durablectl.engine.replay.check import CheckResult

GRACE = 5.0
AT_ONCE = 8  # statuses asked for at the same time
RESPONSE_TIMEOUT = 10.0
TOLD_IDS = 20
Seen = dict[str, InstanceStatus | None]


@dataclass(frozen=True, slots=True)
class WaitOptions:
    """What `wait`, `run` and `start --wait` were told.

    `completed` is the number of --count, 1 for --any.

    `spent` is how much of the time-out the start has taken.
    """

    timeout: float | None = None
    spent: float = 0.0
    interval: float | None = None
    completed: int | None = None
    fail_fast: bool = False
    on_timeout: OnTimeout = OnTimeout.LEAVE
    response: bool = False
    skip_timers: bool = False
    on_difference: Callable[[CheckResult], None] | None = None
    until: str | None = None
    ci: CiMode | None = None
    junit: str | None = None

    @classmethod
    def of(
        cls, *, any: bool = False, all: bool = False, count: int | None = None, **options: object
    ) -> WaitOptions:
        """The options as they were given; `UsageError` when they contradict each other."""
        if sum((any, all, count is not None)) > 1:
            raise UsageError("--any, --all and --count exclude each other", hint="give one of them")
        made = replace(cls(completed=1 if any else count), **options)  # type: ignore[arg-type]
        return _for_response(made) if made.response else made


def _for_response(options: WaitOptions) -> WaitOptions:
    if options.until is not None:
        raise UsageError(
            "--response waits until the instance is finished",
            hint="leave out --response, or --until",
        )
    timeout = RESPONSE_TIMEOUT if options.timeout is None else options.timeout
    if options.interval is not None and options.interval > timeout:
        raise UsageError(
            f"the interval ({options.interval:g} s) is longer than the time-out ({timeout:g} s)"
        )
    return replace(options, timeout=timeout)


def wait_and_show(
    session: Session,
    hub: TaskHub,
    ids: Sequence[str],
    options: WaitOptions,
    *,
    words: Sequence[str] = (),
) -> None:
    """Wait, show how it ended, and leave with the exit code that tells it.

    `words` named the instances on the command line of `wait`.
    """
    if options.response and len(ids) > 1:
        raise UsageError(
            "--response is the answer for one instance", hint="leave out --response, or name one id"
        )
    if options.completed is not None and options.completed > len(ids):
        raise UsageError(
            f"--count {options.completed} is more than the {len(ids)} instances that were named"
        )
    if options.timeout is None and session.environ.get("CI"):
        session.out.warn("this wait has no --timeout, and may block the CI job indefinitely")
    until = None if options.until is None else Until.of(options.until)
    rules = _rules(options, until, show_input=not session.out.is_text)
    reports = Reports(session, hub, ids, options.ci, options.junit)
    with reports.of_faults():
        seen, trouble = _watched(session, hub, ids, rules, options, words or ids)
    is_over = rules.is_over(seen.values())
    code = _exit_code(seen, rules, is_over=is_over)
    if not is_over:
        _give_up(session, hub, seen, rules, options, trouble)
    reports.ended(
        seen,
        rules.is_satisfied,
        satisfied=code == exit_codes.ExitCode.DONE,
        why_not=until.why_not if until else lambda _status: "",
    )
    if until is not None and code == exit_codes.ExitCode.ENDED_BEFORE:
        _tell_why_not(
            session,
            until,
            [
                each
                for each in seen.values()
                if each is not None and each.is_final and not until(each)
            ],
        )
    _show(session, hub, seen, rules, options)
    raise typer.Exit(code)


def _rules(options: WaitOptions, until: Until | None, *, show_input: bool) -> WaitRules:
    show_input = show_input or (until is not None and until.needs_input)
    timeout = None if options.timeout is None else max(options.timeout - options.spent, 0.0)
    interval = options.interval or 1.0
    return WaitRules(
        timeout,
        interval,
        options.completed,
        options.fail_fast,
        GRACE,
        show_input=show_input,
        until=until,
        at_once=AT_ONCE,
    )


def _watched(
    session: Session,
    hub: TaskHub,
    ids: Sequence[str],
    rules: WaitRules,
    options: WaitOptions,
    words: Sequence[str],
) -> Waited:
    try:
        return watch_over(
            session,
            hub,
            ids,
            rules,
            skip_timers=options.skip_timers,
            resume=_resume_command(words, options),
            on_difference=options.on_difference,
        )
    except WaitTimeout as error:
        if options.on_timeout is OnTimeout.LEAVE:
            raise
        raise WaitTimeout(
            error.message,
            hint=f"the hub did not answer: {options.on_timeout.value} was not requested",
        ) from error


def watch_over(
    session: Session,
    hub: TaskHub,
    ids: Sequence[str],
    rules: WaitRules,
    *,
    resume: ResumeCommand,
    skip_timers: bool = False,
    on_difference: Callable[[CheckResult], None] | None = None,
) -> Waited:
    """Wait for them and show how far they are, working for them on a local hub.

    `WaitTimeout` when the hub never answered in time. Ctrl-C says how to continue, and leaves.
    """
    last = _LastStatuses(session, ids)
    rules = rules._replace(at_once=1) if hub.commits_together else rules
    is_own = session.holds(hub)
    try:
        working = (
            session.working(ids, skip_timers=skip_timers, on_difference=on_difference)
            if is_own
            else nullcontext()
        )
        with working, waiting_display(session.out, ids) as watcher:
            last.watcher = watcher
            return wait_for_instances(
                hub, ids, rules, on_status=last.status, on_trouble=last.trouble
            )
    except KeyboardInterrupt:
        left = [each for each, status in last.seen.items() if not rules.is_finished(status)]
        tell_how_to_resume(session, hub, left, resume)
        raise typer.Exit(exit_codes.ExitCode.INTERRUPTED) from None


class _LastStatuses:
    """Hands statuses and troubles on, and remembers the last status of each instance."""

    def __init__(self, session: Session, ids: Sequence[str]) -> None:
        self.seen: Seen = dict.fromkeys(ids)
        self.watcher: Watcher | None = None
        self._troubles = Troubles(session.out)

    def status(self, status: InstanceStatus) -> None:
        self._troubles.answered()
        self.seen[status.instance_id] = status
        if self.watcher is not None:
            self.watcher(status)

    def trouble(self, trouble: DurablectlError) -> None:
        self._troubles.failed(trouble.message)


def _resume_command(words: Sequence[str], options: WaitOptions) -> ResumeCommand:
    on_timeout = options.on_timeout if options.on_timeout is not OnTimeout.LEAVE else None
    more: dict[str, object] = {
        "count": options.completed,
        "fail-fast": options.fail_fast,
        "on-timeout": on_timeout,
    }
    more |= {"response": options.response, "junit": options.junit, "ci": options.ci}
    return ResumeCommand(
        words, until=options.until, timeout=options.timeout, interval=options.interval, more=more
    )


def _give_up(
    session: Session,
    hub: TaskHub,
    seen: Seen,
    rules: WaitRules,
    options: WaitOptions,
    trouble: DurablectlError | None,
) -> None:
    """After a time-out: say so, and terminate or suspend what is left if that was asked for."""
    left = [name for name, status in seen.items() if not rules.is_finished(status)]
    what = (
        f"instance '{left[0]}' is still {_state(seen[left[0]])}"
        if len(left) == 1
        else f"{len(left)} of {len(seen)} instances are still running"
    )
    reason = f" (the last answer: {trouble.message})" if trouble is not None else ""
    session.out.error(
        f"timed out after {views.duration_text(options.timeout or 0)}: {what}{reason}"
    )
    if options.on_timeout is OnTimeout.LEAVE:
        if trouble is None:
            _say_why(session, hub, left)
        return
    change = hub.terminate if options.on_timeout is OnTimeout.TERMINATE else hub.suspend
    for name in left:
        try:
            change(name, "durablectl wait timed out")
            session.out.note(f"{options.on_timeout.value} requested: {name}")
        except WrongState as error:
            session.out.warn(error.message)


def _say_why(session: Session, hub: TaskHub, left: Sequence[str]) -> None:
    """What those that are left wait for; with the app, if this process has run it."""
    if session.out.quiet:
        return
    load_app = session.registry if session.has_run_app and session.holds(hub) else None
    lines = list(lines_after_a_wait(hub, left[:TOLD_IDS], load_app))
    for name, line in lines:
        session.out.note(f"{safe_line(name)} waits for {safe_line(line)}")
    if lines:
        session.out.hint(command_line(session, "why", lines[0][0], hub=hub))


def _tell_why_not(session: Session, until: Until, ended: Sequence[InstanceStatus]) -> None:
    session.out.error(f"ended before --until came true: {until.text}")
    dead = [each for each in ended if until.why_not(each) == DEAD]
    for each in dead[:TOLD_IDS]:
        session.out.talk(
            f"  the expression is true of {safe_line(each.instance_id)}, which is "
            f"{each.runtime_status.value}"
        )
    if len(dead) > TOLD_IDS:
        session.out.talk(f"  and {len(dead) - TOLD_IDS} more")
    if dead:
        session.out.hint(
            "on an instance that ended other than Completed, --until holds only if "
            "the expression mentions runtimeStatus"
        )


def _state(status: InstanceStatus | None) -> str:
    return status.runtime_status.value if status else "unknown"


def _show(
    session: Session, hub: TaskHub, seen: Seen, rules: WaitRules, options: WaitOptions
) -> None:
    statuses = [status for status in seen.values() if status is not None]
    if options.response:
        _show_response(session, hub, statuses[0])
    elif session.out.is_text:
        _show_text(session, hub, statuses, options)
    elif session.out.format is OutputFormat.ID:
        session.out.ids(status.instance_id for status in statuses if rules.is_finished(status))
    else:
        session.out.show("", statuses_json(statuses, single=len(seen) == 1))
    if not (session.out.is_text and session.out.is_terminal):
        _tell_failures(session, statuses)


def _show_response(session: Session, hub: TaskHub, status: InstanceStatus) -> None:
    """Exactly what WaitForCompletionOrCreateCheckStatusResponse answers: output, status, or
    check-status payload.
    """
    if status.runtime_status is RuntimeStatus.COMPLETED:
        session.out.json(status.output)
    elif status.is_final:
        session.out.json(wire.status_to_json(hub.get_status(status.instance_id)))
    else:
        session.out.json(payload_json(session, hub.check_status(status.instance_id)))


def _show_text(
    session: Session, hub: TaskHub, statuses: Sequence[InstanceStatus], options: WaitOptions
) -> None:
    if len(statuses) > 1:
        show_table(session.out, views.outcomes(statuses))
        return
    for status in statuses:
        if options.until is not None:
            show_details(session.out, views.instance(status, show_input=False))
        elif not status.is_final:
            show_payload(session, hub, hub.check_status(status.instance_id), status.runtime_status)
        elif status.runtime_status is not RuntimeStatus.COMPLETED:
            show_details(session.out, views.outcome(status, traceback=session.out.verbose))
        elif text := views.value_text(status.output):
            session.out.value(text)
        else:
            session.out.note(f"{status.instance_id}: Completed, without an output")


def _tell_failures(session: Session, statuses: Sequence[InstanceStatus]) -> None:
    """Where stdout goes into a file, say on stderr what a person has to know."""
    failed = [
        each
        for each in statuses
        if each.is_final and each.runtime_status is not RuntimeStatus.COMPLETED
    ]
    for status in failed[:TOLD_IDS]:
        reason = views.ending_line(status)
        session.out.error(
            f"{status.instance_id}: {status.runtime_status.value}{': ' if reason else ''}{reason}"
        )
    if len(failed) > TOLD_IDS:
        session.out.error(f"and {len(failed) - TOLD_IDS} more")


def _exit_code(seen: Seen, rules: WaitRules, *, is_over: bool) -> int:
    satisfied = sum(map(rules.is_satisfied, seen.values()))
    if satisfied == len(seen) or (rules.completed is not None and satisfied >= rules.completed):
        return exit_codes.ExitCode.DONE
    ended = [
        each
        for each in seen.values()
        if each is not None and each.is_final and not rules.is_satisfied(each)
    ]
    codes = [
        exit_codes.for_outcome(each.runtime_status)
        if rules.until is None
        else exit_codes.ExitCode.ENDED_BEFORE
        for each in ended
    ]
    return exit_codes.for_outcomes([*codes, *([] if is_over else [exit_codes.ExitCode.TIMED_OUT])])

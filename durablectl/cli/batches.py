"""One operation on each of several instances: what was requested, what failed and why, and the exit code."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import typer

from durablectl.cli import exits
from durablectl.cli.session import Session
from durablectl.cli.targets import Targets
from durablectl.errors import Conflict, DurablectlError, NotFound, OutcomeUnknown, ServiceError, WrongState
from durablectl.model import InstanceStatus
from durablectl.render.output import OutputFormat
from durablectl.render.safe import safe_line
from durablectl.taskhub import TaskHub

ONE_BY_ONE = (NotFound, Conflict, ServiceError, OutcomeUnknown)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What is no failure although it was not done."""

    not_found: bool = False
    finished: bool = False


@dataclass(slots=True)
class Account:
    """What became of each instance, in order: done (with the id of a new instance, if it made one), left alone, or failed."""

    done: dict[str, str | None] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, DurablectlError] = field(default_factory=dict)


def for_each(
    session: Session,
    targets: Targets,
    hub: TaskHub,
    operate: Callable[[str], object],
    *,
    told: str,
    tolerance: Tolerance = Tolerance(),
) -> None:
    """Do it for each and show the account; `operate` may return the id of a new instance.

    A single instance's error is raised as it is, several ones' make exit code 1.

    `told` is what was done, for people: "termination requested".
    """
    if not targets.ids:
        session.out.note("no instance was named; nothing to do")
    account = Account()
    try:
        for instance_id in targets.ids:
            error = _one(session, account, instance_id, operate, told)
            if error is not None and (why := _tolerated(hub, instance_id, error, tolerance)) is not None:
                account.skipped[instance_id] = why
            elif error is not None and len(targets.ids) == 1:
                raise error
            elif error is not None:
                account.failed[instance_id] = error
    except BaseException:
        _tell_stop(session, account, targets.ids)
        raise
    show_account(session, account, told)


def _one(session: Session, account: Account, instance_id: str, operate: Callable[[str], object], told: str) -> DurablectlError | None:
    """Do it for one; the error that concerns this one alone, if there is one."""
    try:
        made = operate(instance_id)
    except ONE_BY_ONE as error:
        return error
    new_id = made if isinstance(made, str) else None
    account.done[instance_id] = new_id
    _tell(session, f"{told}: {instance_id}{f' -> {new_id}' if new_id else ''}")
    return None


def _tell_stop(session: Session, account: Account, ids: Sequence[str]) -> None:
    """Before what ends a batch early is told: how far it came."""
    if len(ids) > 1:
        tried = len(account.done) + len(account.skipped) + len(account.failed)
        session.out.talk(f"stopped after {tried} of {len(ids)} instances: {len(account.done)} done, {len(account.failed)} failed")


def _tell(session: Session, text: str) -> None:
    if session.out.is_text:
        session.out.note(text)


def _tolerated(hub: TaskHub, instance_id: str, error: DurablectlError, tolerance: Tolerance) -> str | None:
    """Why an error is none: what is gone or finished may be so."""
    if tolerance.not_found and isinstance(error, NotFound):
        return "not there"
    if tolerance.finished and isinstance(error, WrongState) and _is_finished(hub, instance_id):
        return "finished already"
    return None


def _is_finished(hub: TaskHub, instance_id: str) -> bool:
    status: InstanceStatus = hub.get_status(instance_id, show_input=False)
    return status.is_final


def show_account(session: Session, account: Account, told: str) -> None:
    """Print the account in the wanted form, and leave with exit code 1 when something failed."""
    out = session.out
    if out.format is OutputFormat.ID:
        out.ids(new_id or instance_id for instance_id, new_id in account.done.items())
    elif not out.is_text:
        out.show("", [*_entries(account, told)])
    for instance_id, why in account.skipped.items():
        out.note(f"{why}: {instance_id}")
    if account.failed:
        _show_failures(session, account)
        raise typer.Exit(exits.ExitCode.ERROR)


def _entries(account: Account, told: str) -> list[Mapping[str, str]]:
    done = [{"instanceId": each, "result": told, **({"newInstanceId": new_id} if new_id else {})} for each, new_id in account.done.items()]
    skipped = [{"instanceId": each, "result": why} for each, why in account.skipped.items()]
    return [*done, *skipped, *({"instanceId": each, "error": error.message} for each, error in account.failed.items())]


def _show_failures(session: Session, account: Account) -> None:
    total = len(account.done) + len(account.skipped) + len(account.failed)
    session.out.error(f"{len(account.failed)} of {total} failed")
    width = min(max(len(safe_line(each)) for each in account.failed), 40)
    for instance_id, error in account.failed.items():
        session.out.talk(f"  {safe_line(instance_id):<{width}}  {error.message}")


def default_reason(session: Session) -> str:
    """Who does it: the address of the CI run, or the user."""
    environ = session.environ
    if environ.get("GITHUB_RUN_ID"):
        return f"{environ.get('GITHUB_SERVER_URL', '')}/{environ.get('GITHUB_REPOSITORY', '')}/actions/runs/{environ['GITHUB_RUN_ID']}"
    if environ.get("TF_BUILD") and environ.get("BUILD_BUILDID"):
        base = f"{environ.get('SYSTEM_COLLECTIONURI', '')}{environ.get('SYSTEM_TEAMPROJECT', '')}"
        return f"{base}/_build/results?buildId={environ['BUILD_BUILDID']}"
    if address := environ.get("CI_JOB_URL") or environ.get("BUILD_URL"):
        return address
    try:
        return f"by {getpass.getuser()} with durablectl"
    except (OSError, KeyError):
        return "with durablectl"

"""`durablectl start`: start an instance, and show how to watch and steer it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Any

import typer

from durablectl import config
from durablectl.cli.arguments.new_instance import Encode, Input, New
from durablectl.cli.arguments.parameters import Pace
from durablectl.cli.arguments.waiting import Several, Waiting
from durablectl.cli.batch.start_lines import Bulk, start_batch
from durablectl.cli.framework import app_completers, exit_codes
from durablectl.cli.framework.at_hub import tell_without_worker
from durablectl.cli.framework.leaving import leave
from durablectl.cli.session import Session
from durablectl.cli.session.at import at
from durablectl.cli.session.choosing import remember
from durablectl.cli.session.targets import input_of
from durablectl.cli.start.instance import started_instance, started_text, told_if_cut_off
from durablectl.cli.start.starter_url import Call, start_by_url
from durablectl.cli.wait.resume_hint import Wanted
from durablectl.cli.wait.wait import wait_and_show
from durablectl.errors import UsageError
from durablectl.model import CheckStatusPayload, IfExists
from durablectl.taskhub import TaskHub


def start(
    session: Session,
    pace: Pace,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="ORCHESTRATOR",
            help="The orchestrator's name.",
            autocompletion=app_completers.orchestrators,
        ),
    ] = None,
    given: Input = Input(),
    new: New = New(),
    wait: Annotated[
        bool,
        typer.Option(
            "--wait",
            "-w",
            help="Wait until it is finished; takes all options of `durablectl wait`.",
        ),
    ] = False,
    waiting: Waiting = Waiting(),
    several: Several = Several(),
    batch: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Start one instance per line of a JSON lines file; - is standard input.",
        ),
    ] = None,
    failed: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Where --batch keeps what failed (default: FILE.failed.jsonl beside it, for a "
            "pipe batch.failed.jsonl here).",
        ),
    ] = None,
    call: Call = Call(),
) -> None:
    """Start an instance of an orchestrator.

    The input is JSON from a file, from standard input (--input -), from --input-json, or from
    fields. Nothing is started unless it can be read. Prints the id, the status, what to do next,
    and the status address if a server answers there; with -o json the service's check-status
    payload.

    The address of an HTTP starter function (https://app/api/orchestrators/Hello) may stand instead
    of an orchestrator's name: the input is posted there, and the payload that it answers with is
    taken over; a key in it is kept in a file of yours until the instance ends.

    --batch starts one instance per line: {"name": "order", "instanceId": "order-7", "input": {}}.
    The orchestrator may be named once on the command line, and an id makes the line safe to run
    again. Lines that failed, or were not reached before Ctrl-C, are in FILE.failed.jsonl; run that
    next.

    Examples:
      durablectl start order --input order.json
      durablectl start order city=Tokyo count:=3 --wait --timeout 30s
      durablectl start order --batch orders.jsonl --if-exists attach
      durablectl start order --instance-id order-7 --if-exists attach -o json > run.json
    """
    waiting, several = waiting.checked(), several.checked()
    if not wait and (waiting, several) != (Waiting(), Several()):
        raise UsageError("an option of `wait` was given, but not --wait", hint="add --wait")
    is_url = name is not None and config.is_url(name)
    if call != Call() and not is_url:
        raise UsageError(
            "--header, --method and --function-key-env are for a starter's URL",
            hint="durablectl start https://…/api/…",
        )
    if batch is not None:
        is_of_one = (new.instance_id, new.at, new.tag) != (None, None, None)
        if wait or is_url or given.is_given or is_of_one:
            raise UsageError(
                "--batch goes with no input, fields, URL, --instance-id, --at, --tag or --wait",
                hint="the input and the id are in its lines; wait for the ids",
            )
        encode = given.encode or Encode(session.settings.encode)
        version = new.orchestration_version
        _start_batch(session, Bulk(batch, name, pace, encode, new.if_exists, version, failed))
        return
    if pace != Pace() or failed is not None:
        raise UsageError(
            "--concurrency, --rate, --max-failures and --failed are for --batch",
            hint="add --batch FILE",
        )
    if name is None:
        raise UsageError(
            "no orchestrator was named", hint="name one: durablectl start ORCHESTRATOR"
        )
    began = time.monotonic()
    started = (
        _started_by_url(session, name, given, new, call, waiting.timeout)
        if is_url
        else _started(session, name, given, new, waiting.timeout)
    )
    with started as (hub, payload):
        here = at(session, hub)
        if not wait:
            here.show_new_payload(payload)
            if payload.attached is not None and session.out.is_text:
                session.out.note(started_text(payload))
            if not (is_url or (payload.attached and payload.attached.is_final)):
                tell_without_worker(session.out, hub)
            return
        session.out.note(started_text(payload))
    spent = time.monotonic() - began
    wanted = Wanted([payload.id], waiting, several, is_started=not is_url)
    end = wait_and_show(here, wanted, spent=spent)
    leave(exit_codes.for_wait(**end._asdict()))


def _start_batch(session: Session, bulk: Bulk) -> None:
    is_complete = start_batch(
        session.out,
        bulk,
        cwd=session.cwd,
        stdin=session.stdin,
        begin=partial(session.begin_start, replaces=bulk.if_exists is IfExists.REPLACE),
        command=session.command_line,
    )
    leave(exit_codes.for_batch(is_complete=is_complete))


@contextmanager
def _started(
    session: Session, name: str, given: Input, new: New, timeout: float | None
) -> Iterator[tuple[TaskHub, CheckStatusPayload]]:
    value, begin = input_of(session, given), session.begin_start
    with started_instance(name, value, new, timeout, session.out, begin=begin) as (hub, payload):
        remember(session, hub, payload.id)
        yield hub, payload


@contextmanager
def _started_by_url(
    session: Session, url: str, given: Input, new: New, call: Call, timeout: float | None
) -> Iterator[tuple[TaskHub, CheckStatusPayload]]:
    if new != New():
        raise UsageError(
            "--instance-id, --if-exists, --orchestration-version, --at and --tag are the starter "
            "function's choice",
            hint="leave them out",
        )
    value = input_of(session, given._replace(encode=given.encode or Encode.JSON))
    what = "the function may have started an instance"
    with told_if_cut_off(session.out, what, "durablectl list shows whether it has"):
        payload = start_by_url(
            url, value, call, partial(_route, session, url), session.environ, timeout
        )
        session.started.keep({"id": payload.id, **payload.entries})
        yield session.payloads.at_started(payload), payload


def _route(session: Session, url: str) -> dict[str, Any]:
    """How to reach a starter function, unless a context forbids to start there."""
    session.begin_change_at(url, None, controls=False)
    session.out.note(f"calling {url.partition('?')[0]}")
    return session.route(url, None)

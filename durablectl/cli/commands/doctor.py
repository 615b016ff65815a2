"""`durablectl doctor`: try the hub as a user would, and say what fixes what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

import typer

from durablectl import config
from durablectl.cli.doctor.findings import Finding, Stop, Subject, Verdict, problem
from durablectl.cli.doctor.grpc_hub import grpc_hub
from durablectl.cli.doctor.local import local
from durablectl.cli.doctor.remote import remote
from durablectl.cli.framework import exit_codes
from durablectl.cli.session import Session
from durablectl.errors import DurablectlError, UsageError
from durablectl.render.output import Output, OutputFormat
from durablectl.render.terminal.tables import show_findings, show_items


def doctor(session: Session) -> None:
    """Check the hub's configuration and connection, and suggest fixes.

    A remote hub: its address, TLS, the key, the task hub's name, the clocks, what the service can
    do. One over gRPC: its address, the token, TLS, the task hub, what the server can do. A local
    one: its file, the app, its workers, and functions that instances wait for but no worker runs.
    For all: the oldest running instance, and those that are stuck. Nothing is changed. The exit
    code is that of the first problem, 0 when there are warnings only.

    Example:

      durablectl doctor
    """
    if session.out.format is OutputFormat.ID:
        raise UsageError("findings have no ids", hint="use -o json or -o text")
    found: list[Finding] = []

    def kept() -> Iterator[Finding]:
        for finding in _checks(session):
            mend = finding.mend and session.out.on_same_hub(finding.mend)
            found.append(replace(finding, mend=mend))
            yield found[-1]

    show_items(
        session.out,
        kept(),
        text=partial(_show, session.out),
        json=Finding.to_json,
        id=lambda _finding: None,
    )
    problems = [finding for finding in found if finding.error is not None]
    if session.out.is_text:
        session.out.note(_summary(found))
    elif problems:
        told = "\n".join(f"{finding.check}: {finding.text}" for finding in problems)
        session.out.error(told, problems[0].mend)
    errors = [finding.error for finding in problems if finding.error is not None]
    if errors:
        raise typer.Exit(exit_codes.for_error(errors[0]))


def _show(out: Output, findings: Iterable[Finding]) -> None:
    show_findings(
        out, ((each.verdict.value, each.check, each.text, each.mend) for each in findings)
    )


def _checks(session: Session) -> Iterator[Finding]:
    session.announce()
    subject = Subject(
        session.settings,
        session.environ,
        session.options.request_timeout or config.REQUEST_SECONDS,
        lambda: session.hub,
        session.registry,
        session.command_line,
    )
    is_grpc = config.is_grpc(session.settings.url or "")
    checks = local if session.is_local else grpc_hub if is_grpc else remote
    try:
        yield from checks(subject)
    except Stop as stop:
        yield stop.finding
    except DurablectlError as error:
        yield problem("hub", error)


def _summary(found: list[Finding]) -> str:
    problems = sum(finding.verdict is Verdict.PROBLEM for finding in found)
    warnings = sum(finding.verdict is Verdict.WARNING for finding in found)
    if not problems and not warnings:
        return "no problems found"
    counts = ((problems, "problem"), (warnings, "warning"))
    return ", ".join(
        f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts if count
    )

"""`durablectl functions`: what the app registers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from durablectl.cli.framework.exit_codes import ExitCode
from durablectl.cli.session import Session
from durablectl.functionapp.source_check import unsafe_calls
from durablectl.render.terminal.tables import show_items
from durablectl.render.views import Table

if TYPE_CHECKING:
    from durablectl.engine.registry import OtherFunction, Registry

HTTP = "httpTrigger"
KINDS = {
    "orchestrationTrigger": "orchestrator",
    "activityTrigger": "activity",
    "entityTrigger": "entity",
    HTTP: "http",
}


def functions(
    session: Session,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Search the orchestrators' source for calls that are not replay-safe."
        ),
    ] = False,
) -> None:
    """List the functions of the app by kind, and which of them are not run here.

    A function that an app setting disables is marked. -o json has one object per function; -o id
    has the names that `start` takes. With --check each call in an orchestrator that a replay does
    not repeat is a warning, with its line and what to use instead, and the exit code is 1.

    Examples:

      durablectl functions --app examples/orders

      durablectl functions --check
    """
    registry = session.registry()
    for warning in registry.warnings:
        session.out.warn(warning)
    rows = list(described(registry))
    show_items(
        session.out,
        rows,
        text=lambda found: session.out.lines(listed([*found])),
        table=lambda found: Table(
            ("name", "kind", "details"),
            [(row["name"], row["kind"], _detail(row)) for row in found],
        ),
        json=lambda row: row,
        id=_started_by,
    )
    if check:
        _check(session, registry)


def _check(session: Session, registry: Registry) -> None:
    found = unsafe_calls(registry)
    for each in found:
        session.out.warn(each.sentence)
    if found:
        calls = "1 call is" if len(found) == 1 else f"{len(found)} calls are"
        session.out.error(f"{calls} not replay-safe")
        raise typer.Exit(ExitCode.ERROR)
    session.out.note("no calls that are not replay-safe")


def described(registry: Registry) -> Iterator[dict[str, Any]]:
    """A JSON object for each function: `name`, `kind`, `disabled` if it is; for those that are not
    run `trigger` and where it listens.
    """
    for kind, names in (
        ("orchestrator", registry.orchestrators.names),
        ("activity", registry.activities.names),
        ("entity", registry.entities.names),
    ):
        yield from ({"name": name, "kind": kind} for name in names)
    for other in sorted(registry.others, key=lambda one: one.trigger != HTTP):
        yield {
            "name": other.name,
            "kind": KINDS.get(other.trigger, "other"),
            "trigger": other.trigger,
            **_place(other),
        }
    for other in registry.disabled:
        yield {"name": other.name, "kind": KINDS.get(other.trigger, "other"), "disabled": True}


def listed(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The functions for people: a heading a kind, a line a function."""
    titles = {
        "orchestrator": "orchestrators",
        "activity": "activities",
        "entity": "entities",
        "http": "HTTP functions (the worker does not run them)",
        "other": "other triggers (not run)",
    }
    width = max(len(row["name"]) for row in rows)
    for kind, title in titles.items():
        those = [row for row in rows if row["kind"] == kind]
        if those:
            yield title
            yield from (f"  {row['name']:{width}}  {_detail(row)}".rstrip() for row in those)


def _place(other: OtherFunction) -> dict[str, Any]:
    settings = other.settings
    if other.trigger == HTTP:
        return {
            "route": settings["route"],
            "methods": list(settings["methods"]),
            "authLevel": settings["auth_level"],
        }
    return {"schedule": settings["schedule"]} if "schedule" in settings else {}


def _started_by(row: dict[str, Any]) -> str | None:
    """The name that `start` takes; None for what it does not start."""
    return row["name"] if row["kind"] == "orchestrator" and not row.get("disabled") else None


def _detail(row: dict[str, Any]) -> str:
    if row.get("disabled"):
        return "(disabled)"
    if row["kind"] == "http":
        return f"{','.join(row['methods']) or 'any method'} /api/{row['route'].lstrip('/')}"
    return f"{row.get('trigger', '')} {row.get('schedule', '')}".strip()

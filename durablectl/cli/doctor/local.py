"""`doctor` on a local hub: its file, the app, the workers, what waits for missing functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from durablectl.cli.doctor.findings import Finding, Stop, instances, ok, problem, warning
from durablectl.cli.session import Session
from durablectl.cli.session.targets import command_line
from durablectl.errors import AppError, DurablectlError, HubUnusable

if TYPE_CHECKING:
    from durablectl.engine.registry import Registry
    from durablectl.engine.store.database import Database
    from durablectl.engine.store.leases import LiveWorker

# bytes; a larger file takes its time, and `hub check` is there for it
READ_AS_A_WHOLE = 64 * 1024 * 1024


def local(session: Session) -> Iterator[Finding]:
    """All checks of a local hub."""
    path = session.require_hub()
    registry, app = _app(session)
    yield app
    if registry is not None:
        yield from _sdk(registry)
        yield from _source(registry)
    yield from _host(session)
    if not path.exists():
        yield warning(
            "file", f"there is no {session.hub_label} yet", command_line(session, "start", "NAME")
        )
        return
    database = _opened(session)
    try:
        yield from _file(session, database)
        yield from _workers(session, database, registry)
    finally:
        database.close()
    yield from instances(session, session.hub, datetime.now(UTC))


def _app(session: Session) -> tuple[Registry | None, Finding]:
    if session.app_path is None:
        return None, warning(
            "app",
            "there is no app here: nothing can be run from here",
            "durablectl init, or --app PATH",
        )
    try:
        registry = session.registry()
    except AppError as error:
        return None, problem("app", error)
    kinds = (
        ("orchestrator", registry.orchestrators),
        ("activity", registry.activities),
        ("entity", registry.entities),
    )
    text = ", ".join(
        f"{len(functions)} {_plural(kind, len(functions))}" for kind, functions in kinds
    )
    if registry.disabled:
        text += f"; {len(registry.disabled)} disabled"
    found = f"{registry.app or session.app_path}: {text}"
    return registry, warning(
        "app", f"{found}; {registry.warnings[0]}", "durablectl functions"
    ) if registry.warnings else ok("app", found)


def _sdk(registry: Registry) -> Iterator[Finding]:
    """Which version of the SDK runs the orchestrators, where that is not this engine's own."""
    functions = [registry.orchestrators.get(name) for name in registry.orchestrators.names]
    if not any(each is not None and each.begin is not None for each in functions):
        return
    from durablectl.functionapp.sdk2.names import has_internals, version  # deferred, as below

    text = f"azure-functions-durable {version()}: orchestrators run in its own executor"
    if has_internals():
        yield ok("sdk", text)
    else:
        yield warning(
            "sdk",
            f"{text}; this version cannot be kept in memory, so histories are replayed each time",
            "it works, and is slower; a newer durablectl may know this version",
        )


def _source(registry: Registry) -> Iterator[Finding]:
    """The calls of orchestrators that are not replay-safe."""
    from durablectl.functionapp.source_check import unsafe_calls  # deferred: as below

    for each in unsafe_calls(registry):
        yield warning("source", each.sentence)


def _host(session: Session) -> Iterator[Finding]:
    """What the app's host.json says that only Azure applies."""
    from durablectl.functionapp.host import read_host  # deferred: a remote hub has no host.json

    if session.app_path is None:
        return
    host = read_host(
        session.app_path if session.app_path.is_dir() else session.app_path.parent, session.environ
    )
    for text in host.warnings:
        yield warning("host.json", text)
    if host.not_applied:
        yield warning("host.json", f"applied on Azure, not here: {', '.join(host.not_applied)}")
    if host.unknown:
        yield warning(
            "host.json", f"unknown settings: {', '.join(host.unknown)}", "correct or remove them"
        )


def _opened(session: Session) -> Database:
    from durablectl.engine.store.database import Database  # deferred: a remote hub needs no engine

    try:
        return Database(session.require_hub())
    except HubUnusable as error:
        raise Stop(problem("file", error)) from error


def _file(session: Session, database: Database) -> Iterator[Finding]:
    from durablectl.engine.store.maintenance import check_hub, file_size  # deferred, as above

    size = file_size(database.path)
    shown = f"{database.path}, {size / 1024 / 1024:.1f} MB"
    if size > READ_AS_A_WHOLE:
        yield ok(
            "file",
            f"{shown}; whether it is sound as a whole tells: {command_line(session, 'hub')} check",
        )
    else:
        problems = check_hub(database, datetime.now(UTC)).problems
        backup = "keep a copy: durablectl hub backup FILE"
        yield (
            problem("file", HubUnusable(f"{shown}: {problems[0]}", hint=backup))
            if problems
            else ok("file", f"{shown}, sound")
        )
    try:
        database.check_writable()
    except DurablectlError as error:
        yield problem("writing", error)
    else:
        yield ok("writing", "the file can be written")


def _workers(session: Session, database: Database, registry: Registry | None) -> Iterator[Finding]:
    from durablectl.engine.store.leases import workers  # deferred, as above
    from durablectl.engine.store.maintenance import waiting_functions  # deferred, as above

    now = datetime.now(UTC)
    live = [worker for worker in workers(database, now) if worker.is_live]
    if live:
        named = ", ".join(
            f"process {worker.about.get('process', '?')}"
            f"{'' if worker.is_for_all else ' (while it waits)'}"
            for worker in live
        )
        yield ok("workers", f"{len(live)} live: {named}")
    waiting = waiting_functions(database, now)
    counts = {
        "orchestrator": waiting.orchestrators,
        "activity": waiting.activities,
        "entity": waiting.entities,
    }
    is_any = any(counts.values())
    if not live and is_any:
        yield warning(
            "workers",
            "no worker is running on this hub, and something waits for one",
            command_line(session, "worker"),
        )
    elif not live:
        yield ok("workers", "none live, and nothing waits for one")
    for kind, names in counts.items():
        yield from _unknown(session, kind, names, live, registry)


def _unknown(
    session: Session,
    kind: str,
    names: Mapping[str, int],
    live: list[LiveWorker],
    registry: Registry | None,
) -> Iterator[Finding]:
    """Functions that something waits for, and that neither a live worker nor the app here has."""
    plural = {"orchestrator": "orchestrators", "activity": "activities", "entity": "entities"}[kind]
    known = {
        name.lower()
        for worker in live
        if worker.is_for_all
        for name in worker.about.get(plural, ())
    }
    ours = set(getattr(registry, plural).keys()) if registry is not None else set()
    for name, count in names.items():
        if name.lower() in known:
            continue
        waits = f"{count} {'waits' if count == 1 else 'wait'} for the {kind} '{name}'"
        if name.lower() not in ours:
            app = (
                "the app here does not have it"
                if registry is not None
                else ("there is no app here that could have it")
            )
            yield warning(
                "waiting",
                f"{waits}; no live worker has it, and {app}",
                "run the worker of its app: durablectl worker --app PATH",
            )
        elif live:
            yield warning(
                "waiting",
                f"{waits}, which the app here has and no live worker",
                command_line(session, "worker"),
            )


def _plural(kind: str, count: int) -> str:
    return (
        kind
        if count == 1
        else {"activity": "activities", "entity": "entities"}.get(kind, f"{kind}s")
    )

"""`doctor` on a local hub: its file, the app, the workers, what waits for missing functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime

from durablectl.cli.doctor.findings import Finding, Subject, instances, needed, ok, problem, warning
from durablectl.engine.registry import Registry
from durablectl.engine.store.database import Database
from durablectl.engine.store.leases import LiveWorker, workers
from durablectl.engine.store.maintenance import check_hub, file_size, waiting_functions
from durablectl.errors import AppError, DurablectlError, HubUnusable
from durablectl.functionapp.host import read_host
from durablectl.functionapp.sdk2.recognise import of_sdk2
from durablectl.functionapp.source_check import unsafe_calls

# bytes; a larger file takes its time, and `hub check` is there for it
READ_AS_A_WHOLE = 64 * 1024 * 1024
KINDS = {"orchestrator": "orchestrators", "activity": "activities", "entity": "entities"}
"""One, and what several are called: here, by a registry and by a worker."""


def local(subject: Subject) -> Iterator[Finding]:
    """All checks of a local hub."""
    path = subject.settings.require_hub()
    registry, app = _app(subject)
    yield app
    if registry is not None:
        yield from _sdk(registry)
        yield from _source(registry)
    yield from _host(subject)
    if not path.exists():
        yield warning(
            "file", f"there is no {subject.settings.label} yet", subject.command("start", "NAME")
        )
        return
    with needed("file"):
        database = Database(path)
    with closing(database):
        yield from _file(subject, database)
        yield from _workers(subject, database, registry)
    yield from instances(subject)


def _app(subject: Subject) -> tuple[Registry | None, Finding]:
    if subject.settings.app is None:
        return None, warning(
            "app",
            "there is no app here: nothing can be run from here",
            "`durablectl init`, or --app PATH",
        )
    try:
        registry = subject.load_app()
    except AppError as error:
        return None, problem("app", error)
    counts = {kind: len(getattr(registry, kinds)) for kind, kinds in KINDS.items()}
    text = ", ".join(
        f"{count} {kind if count == 1 else KINDS[kind]}" for kind, count in counts.items()
    )
    if registry.disabled:
        text += f"; {len(registry.disabled)} disabled"
    found = f"{registry.app or subject.settings.app}: {text}"
    if not registry.warnings:
        return registry, ok("app", found)
    return registry, warning("app", f"{found}; {registry.warnings[0]}", "durablectl functions")


def _sdk(registry: Registry) -> Iterator[Finding]:
    """Which version of the SDK runs the orchestrators, where that is not this engine's own."""
    functions = [registry.orchestrators.get(name) for name in registry.orchestrators.names]
    if not any(each is not None and each.begin is not None for each in functions):
        return
    sdk = of_sdk2()
    text = f"azure-functions-durable {sdk.version()}: orchestrators run in its own executor"
    if sdk.has_internals():
        yield ok("sdk", text)
    else:
        yield warning(
            "sdk",
            f"{text}; this version cannot be kept in memory, so histories are replayed each time",
            "it works, and is slower; a newer durablectl may know this version",
        )


def _source(registry: Registry) -> Iterator[Finding]:
    """The calls of orchestrators that are not replay-safe."""
    for each in unsafe_calls(registry):
        yield warning("source", each.sentence)


def _host(subject: Subject) -> Iterator[Finding]:
    """What the app's host.json says that only Azure applies."""
    if subject.settings.app is None:
        return
    app = subject.settings.app
    host = read_host(app if app.is_dir() else app.parent, subject.environ)
    for text in host.warnings:
        yield warning("host.json", text)
    if host.not_applied:
        yield warning("host.json", f"applied on Azure, not here: {', '.join(host.not_applied)}")
    if host.unknown:
        yield warning(
            "host.json", f"unknown settings: {', '.join(host.unknown)}", "correct or remove them"
        )


def _file(subject: Subject, database: Database) -> Iterator[Finding]:
    size = file_size(database.path)
    shown = f"{database.path}, {size / 1024 / 1024:.1f} MB"
    if size > READ_AS_A_WHOLE:
        yield ok(
            "file",
            f"{shown}; whether it is sound as a whole tells: {subject.command('hub check')}",
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


def _workers(subject: Subject, database: Database, registry: Registry | None) -> Iterator[Finding]:
    now = datetime.now(UTC)
    live = [worker for worker in workers(database, now) if worker.is_live]
    if live:
        named = ", ".join(
            f"process {worker.about.get('process', '?')}"
            f"{'' if worker.is_for_all else ' (while it waits)'}"
            for worker in live
        )
        yield ok("workers", f"{len(live)} live: {named}")
    waiting = waiting_functions(database, now, [worker.key for worker in live])
    wanted: dict[str, Mapping[str, int]]
    wanted = {kind: getattr(waiting, kinds) for kind, kinds in KINDS.items()}
    if not live and any(wanted.values()):
        yield warning(
            "workers",
            "no worker is running on this hub, and something waits for one",
            subject.command("worker"),
        )
    elif not live:
        yield ok("workers", "none live, and nothing waits for one")
    for kind, names in wanted.items():
        yield from _unknown(subject, kind, names, live, registry)


def _unknown(
    subject: Subject,
    kind: str,
    names: Mapping[str, int],
    live: list[LiveWorker],
    registry: Registry | None,
) -> Iterator[Finding]:
    """Functions that something waits for, and that neither a live worker nor the app here has."""
    kinds, here = KINDS[kind], "there is no app here that could have it"
    known = {name.lower() for each in live if each.is_for_all for name in each.about.get(kinds, ())}
    ours = set[str]()
    if registry is not None:
        ours, here = set(getattr(registry, kinds).keys()), "the app here does not have it"
    for name, count in names.items():
        if name.lower() in known:
            continue
        waits = f"{count} {'waits' if count == 1 else 'wait'} for the {kind} '{name}'"
        if name.lower() not in ours:
            yield warning(
                "waiting",
                f"{waits}; no live worker has it, and {here}",
                "run the worker of its app: durablectl worker --app PATH",
            )
        elif live:
            yield warning(
                "waiting",
                f"{waits}, which the app here has and no live worker",
                subject.command("worker"),
            )

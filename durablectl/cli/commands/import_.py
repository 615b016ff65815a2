"""`durablectl import`: bring an instance of another hub into the local one."""

from __future__ import annotations

from typing import Annotated

import typer

from durablectl import config
from durablectl.backends.importing import Bundle, Imported, bundle_of_histories, bundle_of_hub
from durablectl.cli.arguments.histories import is_file, saved_histories
from durablectl.cli.framework.completers import contexts
from durablectl.cli.session import Session
from durablectl.cli.session.command_lines import command_line
from durablectl.errors import InstanceNotFound, UsageError
from durablectl.model import RuntimeStatus
from durablectl.quoting import command
from durablectl.render.terminal.tables import show_table
from durablectl.render.views import Table


def import_(
    session: Session,
    source: Annotated[
        str,
        typer.Argument(metavar="FILE|ID", help="A saved history, or an instance's id."),
    ],
    from_context: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The context of the hub that has the instance; it is only read.",
            autocompletion=contexts,
        ),
    ] = None,
    instance_id: Annotated[
        str | None,
        typer.Option(metavar="ID", help="The id that it gets here (default: its own)."),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Import also what the history does not prove completely."),
    ] = False,
) -> None:
    """Import an instance into the local hub.

    Its sub-orchestrations, its custom status and the states of the entities that it calls come
    along. It arrives Suspended, or as it ended: `resume` continues it, `restart --from` or `rewind`
    runs a failed one again, with the activities of the app. What was open there is called again
    here. A history from the HTTP API is completed by running the app's code along it, so the app
    must be the one that ran it. The other hub is never changed. A file holds one instance; its
    sub-orchestrations may stand in it as further JSON lines.

    Examples:
      durablectl import order-7 --from-context prod
      durablectl import order-7.json --instance-id order-7-copy
    """
    session.require_local(
        "is not a local one, into which an instance is imported",
        "to import into a local hub: --hub PATH; to import from this one, add it as a context: "
        "`durablectl context add NAME --url URL`, then "
        "`durablectl import ID --from-context NAME --hub PATH`",
    )
    bundle = _bundle_of(session, source, from_context, force=force)
    session.begin_change(controls=False)
    hub = session.opened(config.open_local_hub(session.settings, create=True))
    _show(session, hub.import_bundle(bundle, instance_id), bundle)


def _bundle_of(session: Session, source: str, context: str | None, *, force: bool) -> Bundle:
    """What the argument names: a file, or an instance of a context's hub."""
    if is_file(source):
        if context is not None:
            raise UsageError(
                f"{source} is a file, and --from-context names a hub", hint="give one of the two"
            )
        histories = saved_histories(source, session.environ)
        needs_app = any(getattr(each, "is_foreign", True) for each in histories)
        registry = session.registry() if needs_app and session.settings.app else None
        return bundle_of_histories(histories, registry, force=force)
    if context is None:
        raise UsageError(
            f"name the hub that has instance '{source}'",
            hint="`durablectl import ID --from-context NAME`, or `durablectl import FILE`",
        )
    settings = config.resolve(
        {"context": context},
        {"context": "--from-context"},
        cwd=session.cwd,
        environ=session.environ,
    )
    session.out.note(f"reading from {settings.label}")
    timeout = session.options.request_timeout or config.REQUEST_SECONDS
    hub = session.opened(config.open_hub(settings, timeout=timeout, note=session.out.note))
    try:
        return bundle_of_hub(
            hub, source, lambda: session.registry() if session.settings.app else None, force=force
        )
    except InstanceNotFound as error:
        there = command("list", options=("--context", context, "--prefix", source))
        raise InstanceNotFound(error.message, hint=there) from error


def _show(session: Session, imported: Imported, bundle: Bundle) -> None:
    """Print what was imported, and say what continues it."""
    for note in bundle.notes:
        session.out.note(note)
    for entity in sorted(imported.kept_entities):
        session.out.note(f"the hub has a state of {entity} already: it stays")
    root = imported.instances[0]
    if not session.out.is_text:
        session.out.show("", _json(imported, bundle), id=root.instance_id)
        return
    rows = [(each.instance_id, each.started.name, each.status.value) for each in imported.instances]
    show_table(session.out, Table(("id", "name", "status"), rows))
    paused = [
        each.instance_id for each in imported.instances if each.status is RuntimeStatus.SUSPENDED
    ]
    if paused:
        session.out.hint(f"continue it here: {command_line(session, 'resume', *paused)}")
    elif root.status is RuntimeStatus.FAILED:
        again = command_line(session, "restart", root.instance_id)
        session.out.hint(f"run it again here: {again} --from")


def _json(imported: Imported, bundle: Bundle) -> dict[str, object]:
    return {
        "id": imported.instances[0].instance_id,
        "instances": [
            {
                "instanceId": each.instance_id,
                "name": each.started.name,
                "runtimeStatus": each.status.value,
                "parent": None if each.caller is None else each.caller[0],
            }
            for each in imported.instances
        ],
        "keptEntities": sorted(imported.kept_entities),
        "notes": list(bundle.notes),
    }

"""`durablectl context`: the user's named hubs, and which one is selected.

Never prints a key or a header's value.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from durablectl import config
from durablectl.cli.framework.completers import contexts
from durablectl.cli.framework.groups import Commands
from durablectl.cli.session import Session
from durablectl.config import Context, Settings, UserFile
from durablectl.errors import AlreadyExists, UsageError
from durablectl.json_values import line_text
from durablectl.quoting import command
from durablectl.redaction import MARK
from durablectl.render.sanitize import safe_line
from durablectl.render.terminal.tables import show_items
from durablectl.render.views import Details, Table

Name = Annotated[str, typer.Argument(metavar="NAME", help="The context's name.")]
KnownName = Annotated[
    str,
    typer.Argument(metavar="NAME", help="The context's name.", autocompletion=contexts),
]
SHOWN = (
    "context",
    "url",
    "path",
    "task_hub",
    "connection",
    "app",
    "encode",
    "ca_file",
    "proxy",
    "protected",
    "read_only",
    "completion_network",
)

app = Commands(
    """Manage named task hubs and select the current one.

    A context is an address with its settings: the task hub, and where its key comes from.
    Contexts are kept in a file of your own, and a key is sent to its context's address only.

    Examples:

      durablectl context add prod --url https://orders.azurewebsites.net --key-env ORDERS_KEY
      durablectl context use prod
    """
)


class _Given(NamedTuple):
    """The options of a context, named as its settings."""

    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The app's address, or grpcs://HOST, grpc://HOST:PORT."),
    ] = None
    connection_string: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="Connection string of a Durable Task Scheduler, as its address."
        ),
    ] = None
    connection_string_env: Annotated[
        str | None,
        typer.Option(
            metavar="VARIABLE", help="Environment variable that holds the connection string."
        ),
    ] = None
    token_command: Annotated[
        str | None,
        typer.Option(metavar="COMMAND", help="A command that prints a token, for a hub over gRPC."),
    ] = None
    insecure: Annotated[
        bool,
        typer.Option("--insecure", help="Allow grpc:// (no TLS) to another machine."),
    ] = False
    key_command: Annotated[
        str | None, typer.Option(metavar="COMMAND", help="A shell command that prints the key.")
    ] = None
    key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file of mode 0600 that holds the key.")
    ] = None
    header: Annotated[
        list[str] | None,
        typer.Option(metavar="'NAME: VALUE'", help="Send this header, too (repeatable)."),
    ] = None
    header_command: Annotated[
        str | None,
        typer.Option(metavar="COMMAND", help="A command that prints headers, one per line."),
    ] = None
    ca_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Trust the certificates in this file.")
    ] = None
    proxy: Annotated[str | None, typer.Option(metavar="URL", help="Go through this proxy.")] = None
    max_response: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Refuse an answer that is larger (200MB).")
    ] = None
    encode: Annotated[
        str | None, typer.Option(metavar="json|string", help="How inputs are sent.")
    ] = None
    protected: Annotated[
        bool,
        typer.Option(
            "--protected", help="Ask for the hub's name before anything is ended or deleted."
        ),
    ] = False
    read_only: Annotated[bool, typer.Option("--read-only", help="Refuse every change.")] = False
    completion_network: Annotated[
        bool,
        typer.Option(
            "--completion-network",
            help="Let the shell's completion ask this hub for ids and names.",
        ),
    ] = False


@app.command("add")
def add(
    session: Session,
    name: Name,
    given: _Given = _Given(),
    use: Annotated[bool, typer.Option("--use", help="Make it the current context.")] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the context of this name.")
    ] = False,
) -> None:
    """Add a context: an address (--url, or --hub for a local file) with its settings.

    --task-hub, --connection, --key-env and --app are kept with it.

    Example:

      durablectl context add prod --url https://orders.azurewebsites.net --key-env ORDERS_KEY

      durablectl context add dts --connection-string-env ORDERS_SCHEDULER
    """
    user = _user()
    config.check_name(name)
    if name in user.contexts and not replace:
        raise AlreadyExists(
            f"context '{name}' is already there",
            hint=f"{command('context show', name)}, or add --replace",
        )
    if given.encode not in (None, "json", "string"):
        raise UsageError(f"--encode: '{given.encode}' is not one of json, string")
    _refuse_keys(session, given)
    context = config.checked(_context(session, name, given))
    _write(user, {**user.contexts, name: context}, name if use else user.current)
    session.out.note(
        f"context '{name}' "
        f"{'replaced' if name in user.contexts else 'added'}{' and in use' if use else ''}"
    )
    _advise(session, context, in_use=use or user.current == name)


@app.command("use")
def use(session: Session, name: KnownName) -> None:
    """Make a context current: used unless a flag, a variable or durablectl.toml names a hub.

    Example:

      durablectl context use prod
    """
    user = _user(name)
    _write(user, user.contexts, name)
    session.out.note(f"context '{name}' is in use")


@app.command("list")
def list_contexts(session: Session) -> None:
    """List your contexts; the current one has a star.

    Example:

      durablectl context list -o json
    """
    user = _shown(session)
    if not user.contexts and session.out.is_text:
        session.out.note("no contexts yet")
        session.out.hint("durablectl context add NAME --url URL")
    rows = [_json(context, current=name == user.current) for name, context in user.contexts.items()]
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    show_items(
        session.out,
        rows,
        text=lambda _rows: session.out.lines(_table(user)),
        table=lambda found: Table(
            columns, ([line_text(row.get(name)) for name in columns] for row in found)
        ),
        json=lambda row: row,
        id=lambda row: row["name"],
    )


@app.command("show")
def show(
    session: Session,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="A context; without it, what a command run here would use.",
            autocompletion=contexts,
        ),
    ] = None,
    sources: Annotated[
        bool, typer.Option("--sources", help="Show where each value comes from.")
    ] = False,
) -> None:
    """Show the settings that a command run here would use, or one context.

    Example:

      durablectl context show --sources
    """
    if name is not None:
        user = _shown(session, name)
        values = {
            key: (value, f"context {name}")
            for key, value in _json(user.contexts[name], current=name == user.current).items()
        }
    else:
        session.settings.require_hub()
        values = _settled(session.settings)
    rows = [
        (key, _text(value) + (f"  ({source})" if sources else ""))
        for key, (value, source) in values.items()
    ]
    answer = {
        key: {"value": value, "source": source} if sources else value
        for key, (value, source) in values.items()
    }
    session.out.show(Details(tuple(rows)).text(), answer, id=name or session.settings.context)


@app.command("remove")
def remove(session: Session, name: KnownName) -> None:
    """Remove a context. The hub itself is not touched.

    Example:

      durablectl context remove staging
    """
    user = _user(name)
    is_current = user.current == name
    rest = {key: context for key, context in user.contexts.items() if key != name}
    _write(user, rest, None if is_current else user.current)
    session.out.note(f"context '{name}' removed")
    if is_current:
        session.out.note("no context is current now")


def _user(known: str | None = None) -> UserFile:
    """The user's contexts; `UsageError` when `known` is not one of them."""
    user = config.read_user_file(config.default_user_file())
    if known is not None and known not in user.contexts:
        raise config.unknown_context(known, user.contexts)
    return user


def _refuse_keys(session: Session, given: _Given) -> None:
    """Refuse a key that was given instead of the name of the place that holds it: contexts are kept
    in a file that anyone may copy.
    """
    name = _flag(session, "key_env")
    if name and name not in session.environ:
        config.refuse_key(name, "--key-env")
    if given.key_file is not None:
        config.refuse_key_as_file(str(given.key_file))
    config.refuse_key(given.key_command or "", "--key-command")
    config.refuse_key(given.token_command or "", "--token-command")


def _context(session: Session, name: str, given: _Given) -> Context:
    """What the options say, and the global ones that are kept with it; paths are absolute."""
    paths = {"app": _flag(session, "app"), "key_file": given.key_file, "ca_file": given.ca_file}
    settings: dict[str, Any] = {
        **given._asdict(),
        "header": tuple(given.header or ()),
        **{option: _flag(session, option) for option in ("task_hub", "connection", "key_env")},
        **{setting: _absolute(session, path) for setting, path in paths.items()},
        **_address(session, given),
    }
    return Context(name, **settings)


def _write(user: UserFile, contexts: Any, current: str | None) -> None:
    config.write_user_file(user.path, current=current, contexts=contexts)


def _address(session: Session, given: _Given) -> dict[str, str | None]:
    """The address and the file: one of them, unless there is a connection string."""
    url, hub = given.url, _flag(session, "hub")
    if given.connection_string is not None or given.connection_string_env is not None:
        if url is not None or hub is not None:
            raise UsageError(
                "a connection string is an address: it goes with neither --url nor --hub",
                hint="leave out --url and --hub",
            )
        return {}
    if url is not None and hub is not None:
        raise UsageError(
            "--url and --hub exclude each other",
            hint="--url names an app's address, --hub a local file",
        )
    if url is None and hub is None:
        raise UsageError(
            "a context needs an address",
            hint="--url https://orders.azurewebsites.net, --hub PATH, or --connection-string TEXT",
        )
    if hub is not None and not config.is_address(hub):
        return {"hub": str(config.hub_file(hub, session.cwd))}
    return {"url": url or hub}


def _flag(session: Session, name: str) -> str | None:
    """A global option, if it stands on the command line: what is only in a variable is not kept."""
    is_flag = session.options.given.get(name, "").startswith("flag")
    return getattr(session.options, name) if is_flag else None


def _absolute(session: Session, path: str | Path | None) -> str | None:
    return None if path is None else str((session.cwd / Path(path).expanduser()).resolve())


def _advise(session: Session, context: Context, *, in_use: bool) -> None:
    for variable in filter(None, (context.key_env, context.connection_string_env)):
        if not session.environ.get(variable):
            session.out.warn(f"the variable {variable} is not set here")
    if (
        context.url
        and context.url.lower().startswith("http://")
        and not config.is_loopback(context.url)
    ):
        session.out.warn("the address is http: key and data travel unencrypted")
    if not in_use:
        session.out.hint(command("context use", context.name))


def _shown(session: Session, known: str | None = None) -> UserFile:
    """The same as `_user`, with the addresses that connection strings name."""
    user = _user(known)
    shown = {
        name: config.expanded_if_usable(context, session.environ)
        for name, context in user.contexts.items()
    }
    return user._replace(contexts=shown)


def _json(context: Context, *, current: bool) -> dict[str, Any]:
    """A context as JSON: what is set, the names of headers without their values."""
    if context.connection_string:
        context = context._replace(connection_string=MARK)
    values = {_camel(name): value for name, value in context._asdict().items() if value}
    if context.header:
        values["header"] = [line.partition(":")[0].strip() for line in context.header]
    if context.proxy:
        values["proxy"] = context.proxy.rpartition("@")[2]
    return {**values, "current": current}


def _settled(settings: Settings) -> dict[str, tuple[Any, str]]:
    values: dict[str, tuple[Any, str]] = {}
    for name in SHOWN:
        if value := getattr(settings, name):
            key = "hub" if name == "path" else _camel(name)
            source = settings.sources.get("hub" if name in ("url", "path") else name, "default")
            shown = str(value).rpartition("@")[2] if name == "proxy" else value
            values[key] = (str(shown) if isinstance(shown, Path) else shown, source)
    if settings.url and (limit := settings.keys.max_response_text(settings.url))[0] is not None:
        values["maxResponse"] = limit
    if settings.url and (key_name := settings.keys.key_name(settings.url, settings.task_hub)):
        values["key"] = ("***", key_name)
    return values


def _table(user: UserFile) -> list[str]:
    rows = [_row(each, is_current=name == user.current) for name, each in user.contexts.items()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{safe_line(cell):{width}}" for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def _row(context: Context, *, is_current: bool) -> tuple[str, ...]:
    variable = context.connection_string_env
    place = f"${variable}" if variable else context.url or context.hub or ""
    marks = {"protected": context.protected, "read-only": context.read_only}
    marked = " ".join(mark for mark, is_set in marks.items() if is_set)
    return "*" if is_current else " ", context.name, place, context.task_hub or "", marked


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return safe_line(", ".join(value) if isinstance(value, list) else str(value))


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)

"""Which hub a command works on, and who said so: flag > variable > durablectl.toml > the user's
current context > the project's own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from durablectl.config.addresses import check_plaintext, is_address, is_grpc, origin_of, without_key
from durablectl.config.contexts import (
    Context,
    ProjectFile,
    UserFile,
    expanded,
    expanded_if_usable,
    find_project_file,
    read_project_file,
    read_user_file,
)
from durablectl.config.hub_files import HUB_FILE, HUB_FOLDER, hub_file
from durablectl.config.keys import Credential, KeyRing
from durablectl.errors import UsageError
from durablectl.functionapp.search import find_app
from durablectl.owners import owner_name, strangers
from durablectl.quoting import did_you_mean, quoted

if TYPE_CHECKING:
    from platformdirs.api import PlatformDirsABC

FOUND = "found upwards from the working directory"


class Settings(NamedTuple):
    """What a command works with.

    At most one of `url` and `path` is set; none: no hub was named or found.

    `named` tells whether a flag, a variable or a context chose the hub, rather than the working
    directory. `sources` says for every value that is set where it came from, `skipped` what lies
    above the working directory and is not used.
    """

    keys: KeyRing
    cwd: Path = Path()
    url: str | None = None
    path: Path | None = None
    context: str | None = None
    task_hub: str | None = None
    connection: str | None = None
    app: Path | None = None
    encode: str = "json"
    ca_file: str | None = None
    proxy: str | None = None
    protected: bool = False
    read_only: bool = False
    completion_network: bool = False
    named: bool = False
    explicit: bool = False  # a flag or a variable chose the hub: what disagrees with it is an error
    sources: Mapping[str, str] = MappingProxyType({})
    skipped: tuple[str, ...] = ()

    def __repr__(self) -> str:
        # a proxy's address may hold a password
        return f"Settings({self.url or self.path}, {dict(self.sources)})"

    @property
    def hub_source(self) -> str:
        """Who chose the hub, for messages."""
        return self.sources.get("hub", "")

    @property
    def brief_source(self) -> str:
        """The same, to be added to the hub's name; nothing where that is clear."""
        source = self.hub_source.partition(" (")[0]
        return f", from {source}" if self.named else ""

    @property
    def is_own_context(self) -> bool:
        """Whether it is one of the user's own contexts, and not an address or a project's."""
        return self.context is not None and self.keys.holds_context(self.context)

    @property
    def label(self) -> str:
        """The hub in messages: "task hub 'orders' (context prod)", "local hub
        .durablectl/hub.db"."""
        where = f" (context {self.context})" if self.context else ""
        if self.path is not None:
            is_below = self.path.is_relative_to(self.cwd)
            return f"local hub {self.path.relative_to(self.cwd) if is_below else self.path}{where}"
        if self.task_hub:
            return f"task hub '{self.task_hub}'{where or f' at {self.url}'}"
        return f"task hub at {self.url}{where}"

    def require_hub(self) -> Path:
        """The local hub's path, or an empty one for a remote hub; `UsageError` when no hub was
        named or found.
        """
        if self.url is None and self.path is None:
            raise UsageError(
                "no task hub: no flag, variable or context names one, and there is no app here or "
                "above",
                hint="`durablectl init`, or --hub PATH|URL, or "
                "`durablectl context add NAME --url URL`",
            )
        return self.path or Path()

    def require_named_hub(self, what: str) -> None:
        """`UsageError` when the hub is one that was found beside the app, not named; `what` needs
        more than that.
        """
        self.require_hub()
        if not self.named:
            raise UsageError(
                f"{what} needs an explicit hub, not one that was found ({self.label})",
                hint=f"name it: --hub {quoted(str(self.path))}"
                if self.path
                else "name it with --hub or --context",
            )

    def key(self) -> str | None:
        """The key of the hub itself."""
        return None if self.url is None else self.keys.key_for(self.url, self.task_hub)


class _Choice(NamedTuple):
    """A hub and where the choice came from. `context` is set when the hub has a name."""

    context: Context
    source: str
    own: bool  # from a flag, a variable or the user's file; a project's file is not the user's word
    explicit: bool = False
    named: bool = True


def resolve(
    asked: Mapping[str, str],
    given: Mapping[str, str],
    *,
    cwd: Path,
    environ: Mapping[str, str],
    user_file: Path | None = None,
) -> Settings:
    """The settings of one command.

    `asked` are the texts of flags and variables, by name; `given` says which of the two each is.
    """
    user = read_user_file(user_file or default_user_file())
    if any(context.has_connection_string for context in user.contexts.values()):
        user = _with_addresses(user, environ)
    skipped: list[str] = []
    found = find_project_file(
        cwd,
        lambda _, theirs: skipped.append(_skipped(theirs, "name the hub with --hub or --context")),
    )
    project = None if found is None else read_project_file(found, user)
    choice = _choose(asked, given, cwd, user, project)
    if choice is not None and choice.context.has_connection_string:
        choice = choice._replace(context=expanded(choice.context, environ))
    app, app_source = _app(asked, given, cwd, choice, project, skipped)
    if choice is None and app is not None:
        choice = _beside(app, app_source, cwd, skipped)
    keys = KeyRing(_credentials(asked, given, choice, user), environ)
    return _settled(asked, given, choice, keys, (app, app_source, project))._replace(
        cwd=cwd, skipped=tuple(skipped)
    )


def _with_addresses(user: UserFile, environ: Mapping[str, str]) -> UserFile:
    """The contexts with the addresses that their connection strings name."""
    contexts = {
        name: expanded_if_usable(context, environ) for name, context in user.contexts.items()
    }
    return user._replace(contexts=contexts)


def default_user_file() -> Path:
    """Where the user's contexts are kept."""
    folder = _folder_on_linux("XDG_CONFIG_HOME", ".config")
    return (folder or _folders().user_config_path) / "contexts.toml"


def state_folder() -> Path:
    """Where what must outlive a command is kept for the user."""
    return _folder_on_linux("XDG_STATE_HOME", ".local/state") or _folders().user_state_path


def _folders() -> PlatformDirsABC:
    from platformdirs import PlatformDirs  # deferred: slow, and the library has no need of it

    return PlatformDirs("durablectl", appauthor=False)


def _folder_on_linux(variable: str, below_home: str) -> Path | None:
    """Where platformdirs finds a folder of the user's on Linux, without loading it: it takes as
    long as the store of a hub. None elsewhere, and where the home is not plain.
    """
    if sys.platform != "linux" or "ANDROID_DATA" in os.environ:
        return None
    chosen, home = os.environ.get(variable, ""), os.environ.get("HOME", "")
    if chosen.startswith("/"):
        return Path(chosen, "durablectl")
    return Path(home, below_home, "durablectl") if home.startswith("/") else None


def unknown_context(
    name: str, known: Mapping[str, Context], source: str | None = None
) -> UsageError:
    """What to say about a context that is not there."""
    said = f" ({source})" if source and not source.startswith("flag") else ""
    near = did_you_mean(name, known)
    hint = f"{near} see: " if near else ""
    return UsageError(f"no context '{name}'{said}", hint=f"{hint}durablectl context list")


def _choose(
    asked: Mapping[str, str],
    given: Mapping[str, str],
    cwd: Path,
    user: UserFile,
    project: ProjectFile | None,
) -> _Choice | None:
    known = {**(project.contexts if project else {}), **user.contexts}
    if name := asked.get("context"):
        return _by_name(name, known, user, given["context"], explicit=True)
    if hub := asked.get("hub"):
        return _Choice(
            _by_address(hub, cwd, asked, given["hub"]), given["hub"], own=True, explicit=True
        )
    if project and project.context:
        return _by_name(
            project.context, known, user, f"durablectl.toml ({project.path})", explicit=False
        )
    if project and project.hub:
        source, extra = (
            f"durablectl.toml ({project.path})",
            {"task_hub": project.task_hub, "connection": project.connection},
        )
        return _Choice(
            _by_address(project.hub, project.path.parent, extra, source), source, own=False
        )
    if user.current:
        return _by_name(
            user.current, user.contexts, user, f"current context ({user.path})", explicit=False
        )
    return None


def _by_name(
    name: str, known: Mapping[str, Context], user: UserFile, source: str, *, explicit: bool
) -> _Choice:
    if name not in known:
        raise unknown_context(name, known, source)
    context = known[name]
    if context.hub is not None:
        context = context._replace(hub=_file(context.hub, Path(), f"context {name}"))
    return _Choice(context, source, own=name in user.contexts, explicit=explicit)


def _by_address(text: str, folder: Path, extra: Mapping[str, str | None], source: str) -> Context:
    """A context without a name, for an address or a file."""
    if is_address(text):
        return Context(
            "",
            url=check_plaintext(without_key(text)),
            task_hub=extra.get("task_hub"),
            connection=extra.get("connection"),
        )
    return Context("", hub=_file(text, folder, source))


def _file(text: str, folder: Path, source: str) -> str:
    try:
        return str(hub_file(text, folder))
    except UsageError as error:
        raise UsageError(
            f"{source.removeprefix('flag ')}: {error.message}", hint=error.hint
        ) from error


def _beside(app: Path, app_source: str, cwd: Path, skipped: list[str]) -> _Choice | None:
    """The hub beside an app; None when the app was found above the working directory, and another
    user owns the hub there.
    """
    folder = app if app.is_dir() else app.parent
    hub = folder / HUB_FOLDER / HUB_FILE
    theirs = strangers([hub.parent, hub], cwd) if app_source == FOUND and folder != cwd else None
    if theirs is not None:
        skipped.append(_skipped(theirs, f"use it with --hub {quoted(str(hub))}"))
        return None
    said = "" if app_source == FOUND else f" ({app_source})"
    return _Choice(Context("", hub=str(hub)), f"the app {app}{said}", own=True, named=False)


def _skipped(path: Path, advice: str) -> str:
    return f"{path} belongs to another user ({owner_name(path)}) and is skipped; {advice}"


def _app(
    asked: Mapping[str, str],
    given: Mapping[str, str],
    cwd: Path,
    choice: _Choice | None,
    project: ProjectFile | None,
    skipped: list[str],
) -> tuple[Path | None, str]:
    if app := asked.get("app"):
        return Path(os.path.normpath(cwd / Path(app).expanduser())), given["app"]
    if choice and choice.context.app:
        return Path(choice.context.app), f"context {choice.context.name}"
    if project and project.app:
        return Path(project.app), f"durablectl.toml ({project.path})"
    return find_app(
        cwd,
        lambda app, theirs: skipped.append(
            _skipped(theirs, f"use it with --app {quoted(str(app))}")
        ),
    ), FOUND


def _credentials(
    asked: Mapping[str, str], given: Mapping[str, str], choice: _Choice | None, user: UserFile
) -> tuple[Credential, ...]:
    """The chosen context's own first, then those of the user's other contexts, each for its own
    origin and task hub only.
    """
    own = [
        each
        for each in (Credential.of_context(context) for context in user.contexts.values())
        if each is not None
    ]
    if choice is None or choice.context.url is None:
        return tuple(own)
    name = f"context {choice.context.name}"
    ordered = sorted(own, key=lambda each: each.owner != name)
    if not (variable := asked.get("key_env")):
        return tuple(ordered)
    if is_grpc(choice.context.url):
        if given["key_env"].startswith("flag"):
            hint = "add a context with --token-command or --connection-string"
            raise UsageError("a hub over gRPC takes a token, not a key", hint=hint)
        return tuple(ordered)
    if not choice.own and not given["key_env"].startswith("flag"):
        raise UsageError(
            f"the key that {given['key_env']} names is not sent to a hub "
            f"that {choice.source} names",
            hint="name the hub yourself with --hub or in a context of your own",
        )
    task_hub = asked.get("task_hub") or choice.context.task_hub
    flag = Context("", url=choice.context.url, task_hub=task_hub, key_env=variable)
    return (Credential(given["key_env"], origin_of(choice.context.url), flag), *ordered)


def _settled(
    asked: Mapping[str, str],
    given: Mapping[str, str],
    choice: _Choice | None,
    keys: KeyRing,
    rest: tuple[Path | None, str, ProjectFile | None],
) -> Settings:
    app, app_source, project = rest
    context = choice.context if choice else Context("")
    named = f"context {context.name}" if context.name else (choice.source if choice else "")
    sources: dict[str, str] = {}

    def value(name: str, inherited: str | None) -> str | None:
        if asked.get(name):
            sources[name] = given[name]
            return asked[name]
        if inherited is not None:
            sources[name] = named
        return inherited

    settings = Settings(
        keys,
        url=context.url,
        path=None if context.hub is None else Path(context.hub),
        context=context.name or None,
        task_hub=value("task_hub", context.task_hub),
        connection=value("connection", context.connection),
        app=app,
        encode=context.encode or (project.encode if project else None) or "json",
        ca_file=value("ca_file", context.ca_file),
        proxy=value("proxy", context.proxy),
        protected=context.protected,
        read_only=context.read_only,
        completion_network=context.completion_network,
        named=bool(choice and choice.named),
        explicit=bool(choice and choice.explicit),
        sources=sources,
    )
    sources |= _origin(settings, choice, app_source, project)
    return settings


def _origin(
    settings: Settings, choice: _Choice | None, app_source: str, project: ProjectFile | None
) -> dict[str, str]:
    """Where the values came from that no flag overrules one by one."""
    context = f"context {settings.context}"
    sources = {} if choice is None else {"hub": choice.source}
    if choice and settings.context:
        sources["context"] = choice.source
    if settings.app:
        sources["app"] = app_source
    if choice and choice.context.encode:
        sources["encode"] = context
    elif project and project.encode:
        sources["encode"] = f"durablectl.toml ({project.path})"
    for name in ("protected", "read_only", "completion_network"):
        if getattr(settings, name):
            sources[name] = context
    return sources

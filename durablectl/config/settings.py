"""Which hub a command works on, and who said so: flag > variable > durablectl.toml > the user's
current context > the project's own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

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
from durablectl.errors import UsageError, about
from durablectl.functionapp.search import find_app
from durablectl.owners import owner_name, strangers
from durablectl.quoting import did_you_mean, quoted

if TYPE_CHECKING:
    from platformdirs.api import PlatformDirsABC

FOUND = "found upwards from the working directory"
OF_A_CONTEXT = (
    "task_hub",
    "connection",
    "encode",
    "ca_file",
    "proxy",
    "protected",
    "read_only",
    "completion_network",
)
"""What a command takes from the context of its hub, besides the address."""


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
        """The same, to be added to the hub's name."""
        source, mark, of_app = self.hub_source.partition(" (")
        return f"from {source}" if self.named else f"found beside the app{mark}{of_app}"

    @property
    def has_hub(self) -> bool:
        """Whether one was named or found."""
        return self.url is not None or self.path is not None

    @property
    def is_own_context(self) -> bool:
        """Whether it is one of the user's own contexts, and not an address or a project's."""
        return self.context is not None and self.keys.holds_context(self.context)

    @property
    def guards(self) -> list[Context]:
        """The contexts that forbid or guard changes here: the selected one, and unless that is the
        user's own, those of the user's for the same address or file.
        """
        selected = Context(
            self.context or "",
            task_hub=self.task_hub,
            protected=self.protected,
            read_only=self.read_only,
        )
        guards = [selected] if self.protected or self.read_only else []
        if self.is_own_context:
            return guards
        if self.path is not None:
            return guards + self.keys.guards_of_file(self.path)
        return guards + ([] if self.url is None else self.keys.guards_of(self.url, self.task_hub))

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

    @property
    def place(self) -> str:
        """The label within a sentence: a task hub's name needs no article."""
        return self.label if self.path is None and self.task_hub else f"the {self.label}"

    def require_hub(self) -> Path:
        """The local hub's path, or an empty one for a remote hub; `UsageError` when no hub was
        named or found.
        """
        if not self.has_hub:
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


_NOTHING = _Choice(Context(""), "", own=False, named=False)


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
        addressed = {
            name: expanded_if_usable(each, environ) for name, each in user.contexts.items()
        }
        user = user._replace(contexts=addressed)
    skipped: list[str] = []
    found = find_project_file(
        cwd,
        lambda _, theirs: skipped.append(_skipped(theirs, "name the hub with --hub or --context")),
    )
    project = None if found is None else read_project_file(found, user)
    return _Search(asked, given, cwd, environ, user, project, skipped).settings()


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


class _Search(NamedTuple):
    """What the settings come from: flags and variables, and the two files."""

    asked: Mapping[str, str]
    given: Mapping[str, str]
    cwd: Path
    environ: Mapping[str, str]
    user: UserFile
    project: ProjectFile | None
    skipped: list[str]

    def settings(self) -> Settings:
        choice = self._choice()
        if choice.context.has_connection_string:
            choice = choice._replace(context=expanded(choice.context, self.environ))
        app, app_source = self._app(choice)
        if choice is _NOTHING and app is not None:
            choice = self._beside(app, app_source)
        table = self._table(choice)
        if app is not None:
            table["app"] = app, app_source
        hub = {"hub": choice.source} if choice.source else {}
        return Settings(
            KeyRing(self._credentials(choice), self.environ),
            cwd=self.cwd,
            url=choice.context.url,
            path=None if choice.context.hub is None else Path(choice.context.hub),
            named=choice.named,
            explicit=choice.explicit,
            sources={**hub, **{name: source for name, (_, source) in table.items()}},
            skipped=tuple(self.skipped),
            **{name: value for name, (value, _) in table.items()},
        )

    def _table(self, choice: _Choice) -> dict[str, tuple[Any, str]]:
        """What is set beside the hub and the app: each value and where it came from."""
        table: dict[str, tuple[Any, str]] = {}
        if self.project is not None and self.project.encode:
            table["encode"] = self.project.encode, self._project_source
        name = choice.context.name
        if name:
            table["context"] = name, choice.source
        for each in OF_A_CONTEXT:
            if value := getattr(choice.context, each):
                table[each] = value, f"context {name}" if name else choice.source
        for each in ("task_hub", "connection"):
            if self.asked.get(each):
                table[each] = self.asked[each], self.given[each]
        return table

    @property
    def _project_source(self) -> str:
        return f"durablectl.toml ({self.project.path})" if self.project else ""

    def _choice(self) -> _Choice:
        asked, given, user, project = self.asked, self.given, self.user, self.project
        known = {**(project.contexts if project else {}), **user.contexts}
        if name := asked.get("context"):
            return self._by_name(name, known, given["context"])._replace(explicit=True)
        if hub := asked.get("hub"):
            context = _by_address(hub, self.cwd, asked, given["hub"])
            return _Choice(context, given["hub"], own=True, explicit=True)
        if project and project.context:
            return self._by_name(project.context, known, self._project_source)
        if project and project.hub:
            extra = {"task_hub": project.task_hub, "connection": project.connection}
            context = _by_address(project.hub, project.path.parent, extra, self._project_source)
            return _Choice(context, self._project_source, own=False)
        if user.current:
            return self._by_name(user.current, user.contexts, f"current context ({user.path})")
        return _NOTHING

    def _by_name(self, name: str, known: Mapping[str, Context], source: str) -> _Choice:
        if name not in known:
            raise unknown_context(name, known, source)
        context = known[name]
        if context.hub is not None:
            context = context._replace(hub=_file(context.hub, Path(), f"context {name}"))
        return _Choice(context, source, own=name in self.user.contexts)

    def _beside(self, app: Path, app_source: str) -> _Choice:
        """The hub beside an app; nothing when the app was found above the working directory, and
        another user owns the hub there.
        """
        folder = app if app.is_dir() else app.parent
        hub = folder / HUB_FOLDER / HUB_FILE
        is_above = app_source == FOUND and folder != self.cwd
        if is_above and (theirs := strangers([hub.parent, hub], self.cwd)) is not None:
            self.skipped.append(_skipped(theirs, f"use it with --hub {quoted(str(hub))}"))
            return _NOTHING
        said = "" if app_source == FOUND else f" ({app_source})"
        return _Choice(Context("", hub=str(hub)), f"the app {app}{said}", own=True, named=False)

    def _app(self, choice: _Choice) -> tuple[Path | None, str]:
        if app := self.asked.get("app"):
            return Path(os.path.normpath(self.cwd / Path(app).expanduser())), self.given["app"]
        if choice.context.app:
            return Path(choice.context.app), f"context {choice.context.name}"
        if self.project and self.project.app:
            return Path(self.project.app), self._project_source
        return find_app(
            self.cwd,
            lambda app, theirs: self.skipped.append(
                _skipped(theirs, f"use it with --app {quoted(str(app))}")
            ),
        ), FOUND

    def _credentials(self, choice: _Choice) -> tuple[Credential, ...]:
        """The chosen context's own first, then those of the user's other contexts, each for its own
        origin and task hub only.
        """
        own = list(map(Credential.of_context, self.user.contexts.values()))
        if choice.context.url is None:
            return tuple(own)
        name = f"context {choice.context.name}"
        ordered = sorted(own, key=lambda each: each.owner != name)
        if not (variable := self.asked.get("key_env")):
            return tuple(ordered)
        source = self.given["key_env"]
        if is_grpc(choice.context.url):
            if source.startswith("flag"):
                hint = "add a context with --token-command or --connection-string"
                raise UsageError("a hub over gRPC takes a token, not a key", hint=hint)
            return tuple(ordered)
        if not choice.own and not source.startswith("flag"):
            raise UsageError(
                f"the key that {source} names is not sent to a hub that {choice.source} names",
                hint="name the hub yourself with --hub or in a context of your own",
            )
        task_hub = self.asked.get("task_hub") or choice.context.task_hub
        flag = Context("", url=choice.context.url, task_hub=task_hub, key_env=variable)
        return (Credential(source, origin_of(choice.context.url), flag), *ordered)


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
    with about(source.removeprefix("flag ")):
        return str(hub_file(text, folder))


def _skipped(path: Path, advice: str) -> str:
    return f"{path} belongs to another user ({owner_name(path)}) and is skipped; {advice}"

"""Run `serve` for the command line: its key, its words, its end."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Event

from durablectl import config
from durablectl.causes import cause_of
from durablectl.cli.arguments.working import Log, Serving
from durablectl.cli.framework.at_hub import PageOf
from durablectl.cli.local.checks import difference_log, reloading, warn_of_source
from durablectl.cli.local.signals import stop_signals
from durablectl.cli.local.ui import build_page, served_card, tell_error
from durablectl.engine.registry import Registry
from durablectl.engine.replay.failures import details_of, message_of
from durablectl.engine.worker.app_output import AppOutput
from durablectl.quoting import quoted
from durablectl.render.app_output import capture_output, failure_log
from durablectl.render.failures import entry_lines
from durablectl.render.output import Output
from durablectl.render.terminal.server_status import Pulse, greeting, living
from durablectl.server import host, uvicorn_server
from durablectl.server.app import Answered
from durablectl.server.auth import checked_key, read_key
from durablectl.server.place import PATH


@dataclass(frozen=True, slots=True)
class Served:
    """What is served: the hub of the settings with the functions of an app."""

    page: PageOf
    registry: Registry
    app_output: AppOutput
    key_env: str | None
    debug: bool


def serve_hub(out: Output, served: Served, serving: Serving) -> None:
    """Serve a local hub until a signal comes."""
    path, app = served.page.settings.require_hub(), served.page.settings.app
    warn_of_source(out, served.registry)
    key = _key(out, served, serving, path)
    bound = uvicorn_server.bind(serving.host, serving.port)
    origin, tally = _origin(serving.host, bound.getsockname()[1]), Tally(_log(out, serving.log))
    with bound, stop_signals(out) as stopping, capture_output(served.app_output):
        hosted = host.Hosting(
            path,
            served.registry,
            origin=origin,
            key=key,
            concurrency=serving.concurrency,
            skips_timers=serving.skip_timers,
            telling=_telling(out, tally, served, serving, stopping),
        )
        try:
            rpc = None if serving.grpc is None else hosted.listen(serving.grpc)
            hosted.start()
            if _may_show_page(out, hosted, is_local=uvicorn_server.is_loopback(serving.host)):
                of = served.page._replace(load_app=lambda: hosted.registry)
                card = served_card(hosted.gate.hub, of)
                hosted.show(build_page(hosted.gate, card, of), bound.getsockname()[1])
            _say_hello(out, hosted, served.registry, origin)
            if rpc is not None:
                out.note(f"gRPC clients: {rpc}{' (with a key)' if key else ''}")
            with (
                reloading(out, app, hosted.replace) if serving.reload and app else nullcontext(),
                living(out, lambda: Pulse(tally.requests, hosted.counts())),
            ):
                uvicorn_server.run(
                    hosted.app, bound, stopping, on_exit=hosted.stop_waiting, warn=out.warn
                )
        finally:
            hosted.close()
    if hosted.error is not None:
        raise hosted.error
    out.note("stopped; nothing is lost")


def _telling(
    out: Output, tally: Tally, served: Served, serving: Serving, stopping: Event
) -> host.Telling:
    return host.Telling(
        warn=out.warn,
        on_failure=failure_log(out),
        on_difference=difference_log(out, wanted=serving.replay_check is not False),
        on_end=stopping.set,
        log=tally.note,
        on_error=tell_error(out, debug=served.debug),
        on_http_failure=_tell_failure(out),
    )


def _may_show_page(out: Output, hosted: host.Hosting, *, is_local: bool) -> bool:
    """On loopback, and where a key is asked for only to who reads the terminal: a log must not let
    anyone in.
    """
    return hosted.place.key is None or (is_local and out.talks_to_terminal)


class Tally:
    """Counts the requests on their way to the log."""

    def __init__(self, log: Callable[[Answered], None]) -> None:
        self.requests = 0
        self._log = log

    def note(self, answered: Answered) -> None:
        self.requests += 1
        self._log(answered)


def _key(out: Output, served: Served, serving: Serving, path: Path) -> str | None:
    """The key to ask for: the one that was named, else, where others reach the server, one that is
    kept for the user.
    """
    _report_project_key(out, serving, path)
    if serving.key_file is not None:
        config.refuse_key_as_file(str(serving.key_file))
        new = f"(umask 077; openssl rand -hex 32 > {quoted(str(serving.key_file))})"
        return read_key(
            serving.key_file, f"put a new key into it: {new}; without --key-file, serve makes one"
        )
    if (variable := served.key_env) is not None:
        return checked_key(
            config.key_of_variable(variable, served.page.environ, "--key-env"),
            f"the variable {variable}",
        )
    if uvicorn_server.is_loopback(serving.host):
        return None
    file = _kept_key(path)
    key = read_key(file, f"remove it, and serve makes a new one: rm -r {quoted(str(file))}")
    out.note(f"clients need the key in {file}")
    return key


def _report_project_key(out: Output, serving: Serving, path: Path) -> None:
    """Say that a key inside the project is not used: it may have come with a clone, and then others
    know it.
    """
    beside = path.with_name("serve.key")
    is_named = serving.key_file is not None and serving.key_file.absolute() == beside.absolute()
    if beside.exists() and not is_named:
        out.warn(
            f"{beside} is not read: it may have come with the project, and others "
            "may know it; remove it"
        )


def _kept_key(path: Path) -> Path:
    """The file of the user's state folder with the key of the hub at `path`; made with a new key
    when it is not there.
    """
    file = (
        config.state_folder() / f"serve-{sha256(os.fsencode(path.resolve())).hexdigest()[:16]}.key"
    )
    if not os.path.lexists(file):
        config.replace_text(file, secrets.token_urlsafe(32) + "\n")
    return file


def _origin(host: str, port: int) -> str:
    """How this machine itself reaches what is bound to an address."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "[::]": "::1"}.get(host, host)  # noqa: S104
    shown = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"http://{shown}:{port}"


def _say_hello(out: Output, hosted: host.Hosting, registry: Registry, origin: str) -> None:
    kinds = {
        ("orchestrator", "orchestrators"): len(registry.orchestrators),
        ("activity", "activities"): len(registry.activities),
        ("entity", "entities"): len(registry.entities),
        ("HTTP function", "HTTP functions"): len(hosted.functions.routes),
    }
    base = "/".join(filter(None, [origin, hosted.route_prefix]))
    routes = [
        (",".join(sorted(each.methods)) or "any method", f"{base}/{each.template.text.lstrip('/')}")
        for each in hosted.functions.routes
    ]
    address = f"{origin}{PATH}{' (with a key)' if hosted.place.key else ''}"
    for line in greeting(hosted.place.task_hub, address, kinds, routes):
        out.note(line)
    if (door := hosted.app.door) is not None:
        out.note(f"the page, once: {origin}/ui/?token={door.token}")
    elif hosted.app.page is not None:
        out.note(f"the page is at {origin}/ui/")
    out.note("stop it with Ctrl-C")


def _log(out: Output, log: Log) -> Callable[[Answered], None]:
    match log:
        case Log.TEXT:
            return lambda answered: out.note(answered.line())
        case Log.JSON:
            return lambda answered: out.talk(answered.json())
        case Log.OFF:
            return lambda _answered: None


def _tell_failure(out: Output) -> Callable[[str, BaseException], None]:
    """What an HTTP function raised, with its frames: its author is who watches this terminal."""

    def tell(function: str, error: BaseException) -> None:
        cause = cause_of(f"{type(error).__name__}: {message_of(error)}", details_of(error))
        out.warn(
            "\n".join(entry_lines(f"the function '{function}' failed", cause, verbose=out.verbose))
        )

    return tell

"""`doctor` on a hub over gRPC: address, token, TLS, task hub, and what the server can do, one check
after the other.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from durablectl import config
from durablectl.backends.grpc.failures import NoSuchTaskHub, TokenRefused
from durablectl.cli.doctor.findings import (
    Finding,
    Stop,
    Subject,
    instances,
    needed,
    ok,
    problem,
    warning,
)
from durablectl.errors import DurablectlError, NotATaskHub, Unreachable

if TYPE_CHECKING:
    from durablectl.backends.grpc.probe import Probe

ALWAYS = "start, status, wait, raise-event, terminate, suspend, resume, purge"


def grpc_hub(subject: Subject) -> Iterator[Finding]:
    """All checks of a hub over gRPC, in an order in which each builds on those before it."""
    settings = subject.settings
    url = settings.url or ""
    yield _address(url)
    with needed("connection"):
        options = config.grpc_options(settings, url, subject.timeout)
        probe = config.grpc_hub(url)(url, **options).probe()
    with closing(probe):
        yield _token(options.get("token"), options["key_hint"])
        yield _name(probe)
        yield _connection(url, probe)
        yield _task_hub(settings.task_hub, probe)
        lacks = probe.lacks()
        yield _abilities(lacks)
    if "list" not in lacks:
        yield from instances(subject)


def _address(url: str) -> Finding:
    if not config.is_plaintext(url):
        return ok("address", url)
    return warning(
        "address", f"{url} is gRPC without TLS: data travels unencrypted", "use grpcs://"
    )


def _token(token: config.CachedToken | None, source: str | None) -> Finding:
    if token is None:
        return ok("token", "none: no context has one for this address")
    with needed("token"):
        token.current()
    return ok("token", f"from {source}")


def _name(probe: Probe) -> Finding:
    with needed("name"):
        return ok("name", ", ".join(probe.addresses()))


def _connection(url: str, probe: Probe) -> Finding:
    started = time.monotonic()
    try:
        probe.hello()
    except NoSuchTaskHub:
        pass  # it answers; the next check says what it refuses
    except (Unreachable, NotATaskHub) as error:
        raise Stop(problem("connection", error)) from error
    except DurablectlError:
        pass  # as above
    took = f"{(time.monotonic() - started) * 1000:.0f} ms"
    return ok(
        "connection",
        f"{'over TLS, ' if url.lower().startswith('grpcs:') else ''}answered in {took}",
    )


def _task_hub(name: str | None, probe: Probe) -> Finding:
    try:
        probe.look_up()
    except DurablectlError as error:
        check = "token" if isinstance(error, TokenRefused) else "task hub"
        raise Stop(problem(check, error)) from error
    return ok("task hub", name or "none was named; the server has one of its own")


def _abilities(lacks: list[str]) -> Finding:
    if not lacks:
        return ok("abilities", f"{ALWAYS}, list, history, rewind, restart, entities")
    return warning("abilities", f"{ALWAYS}; the server lacks: {', '.join(lacks)}")

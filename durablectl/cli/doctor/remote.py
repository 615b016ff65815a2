"""`doctor` on a remote hub: what lies between here and its answers, one check after the other, each
asked as a user's command would.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from durablectl import config
from durablectl.backends.http.probe import Probe, clock_skew
from durablectl.cli.doctor.findings import Finding, Subject, instances, needed, ok, problem, warning
from durablectl.errors import DurablectlError
from durablectl.render.views import duration_text

if TYPE_CHECKING:
    from durablectl.backends.http.transport import Answer

ALWAYS = "start, wait, list, raise-event, terminate, suspend, resume, restart, purge"
MOST_SKEW = 60.0
SEE_SOURCES = "durablectl context show --sources"


def remote(subject: Subject) -> Iterator[Finding]:
    """All checks of a remote hub, in an order in which each builds on those before it."""
    settings, keys = subject.settings, subject.settings.keys
    url = settings.url or ""
    yield _transport(url)
    with needed("key"):
        key = settings.key()
    name = keys.key_name(url, settings.task_hub)
    none = "none: no context or flag names one for this address"
    yield ok("key", none if key is None else f"from {name}")
    with needed("connection"):
        probe = Probe(
            url,
            key=key,
            task_hub=settings.task_hub,
            connection=settings.connection,
            timeout=subject.timeout,
            **keys.route(url, settings.task_hub),
        )
    with closing(probe):
        yield _resolves(probe)
        answer, finding, skew = _answers(probe)
        yield finding
        yield _api(probe, answer)
        if key is not None:
            yield from _ways_of_the_key(probe)
        elif not config.is_loopback(url):
            yield warning(
                "key",
                "anyone who reaches this address can control its instances: no key is required",
                "protect the app",
            )
        yield skew
        yield from _hub_name(subject, probe, answer)
        yield _abilities(probe)
    yield from instances(subject)


def _transport(url: str) -> Finding:
    if url.lower().startswith("https://") or config.is_loopback(url):
        return ok("address", url)
    return warning(
        "address",
        f"{url} is http: key and data travel unencrypted",
        "use https in the context: durablectl context add … --replace",
    )


def _resolves(probe: Probe) -> Finding:
    with needed("name"):
        found = probe.addresses()
    return ok("name", ", ".join(found) if found else "left to the proxy")


def _answers(probe: Probe) -> tuple[Answer, Finding, Finding]:
    asked = datetime.now(UTC)
    with needed("connection"):
        answer = probe.list_one()
    answered = datetime.now(UTC)
    secure = "over TLS, " if probe.base.startswith("https:") else ""
    took = f"{(answered - asked).total_seconds() * 1000:.0f} ms"
    return (
        answer,
        ok("connection", f"{secure}answered in {took}"),
        _clock(clock_skew(answer, asked, answered)),
    )


def _clock(skew: Any) -> Finding:
    if skew is None:
        return ok("clock", "the service tells no time")
    seconds = skew.total_seconds()
    if abs(seconds) <= MOST_SKEW:
        return ok("clock", "agrees with this machine's")
    way = "ahead of" if seconds > 0 else "behind"
    text = (
        f"the service's clock is {duration_text(abs(seconds))} {way} this machine's: "
        "--created-after and the like will be off"
    )
    return warning("clock", text, "set this machine's clock: timedatectl set-ntp true")


def _api(probe: Probe, answer: Answer) -> Finding:
    with needed("api"):
        probe.judge(answer)
    return ok("api", "the Durable Functions HTTP API")


def _ways_of_the_key(probe: Probe) -> Iterator[Finding]:
    """The header is what durablectl uses; the addresses in payloads carry the key in their
    query."""
    try:
        by_query, without = probe.list_one(header=False, code=True), probe.list_one(header=False)
    except DurablectlError as error:
        yield problem("key", error)
        return
    if by_query.status in (401, 403):
        yield warning(
            "key",
            f"accepted in the header, refused in the query ({by_query.status})",
            "expect payload addresses not to work elsewhere",
        )
    elif without.status == 200:
        yield warning(
            "key",
            "the service answers without any key too",
            "protect the app, or leave the key out",
        )
    else:
        yield ok("key", "accepted, in the header and in the query")


def _hub_name(subject: Subject, probe: Probe, answer: Answer) -> Iterator[Finding]:
    """A mistyped task hub answers like an empty one: only the app's own hub, if there is something
    in it, shows the difference.
    """
    name = subject.settings.task_hub
    if name is None:
        yield ok("task hub", "the app's own")
        return
    if probe.judge(answer):
        yield ok("task hub", name)
        return
    try:
        others = probe.judge(probe.list_one(own_hub=False))
    except DurablectlError:
        others = 0
    doubt = (
        ", and the app's own task hub is not: is the name right?"
        if others
        else "; one that does not exist would look the same"
    )
    yield warning("task hub", f"'{name}' is empty{doubt}", SEE_SOURCES)


def _abilities(probe: Probe) -> Finding:
    try:
        entities, rewinds = probe.entities(), probe.rewinds()
    except DurablectlError as error:
        return problem("abilities", error)
    rewind = (
        "rewind"
        if rewinds
        else "rewind where the app's storage has it (the service is of 2025 or older)"
    )
    if entities is not None:
        return warning("abilities", f"{ALWAYS}, {rewind}; no entities: {entities.message}")
    return ok("abilities", f"{ALWAYS}, entities, {rewind}")

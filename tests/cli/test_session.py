"""One invocation: its hub, what may change it, and whose payload is whose."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

import pytest

from durablectl import config
from durablectl.cli.options import read_options
from durablectl.cli.session import Session
from durablectl.config import Context
from durablectl.errors import UsageError
from durablectl.model import CheckStatusPayload
from durablectl.render.output import Output

URL = "https://orders.azurewebsites.net"


class Stream(io.StringIO):
    """A stream that may be a terminal."""

    def __init__(self, text: str = "", *, is_terminal: bool = False) -> None:
        super().__init__(text)
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.fixture
def session(project, user_file):
    """A session with these global flags; `typed` is what a person at a terminal types."""
    prod = Context("prod", url=URL, task_hub="OrdersHub", key_env="K", protected=True)
    config.write_user_file(user_file, current=None, contexts={"prod": prod, "ro": Context("ro", url=URL, read_only=True)})
    opened = []

    def make(typed: str | None = None, **flags: str) -> Session:
        out = Output(Stream(), Stream(is_terminal=typed is not None), environ={})
        stdin = Stream(typed or "", is_terminal=typed is not None)
        opened.append(Session(read_options(flags, {}), out, environ={"K": "key"}, cwd=project, stdin=stdin))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def payload(base: str, hub: str = "OrdersHub") -> CheckStatusPayload:
    uri = f"{base}/runtime/webhooks/durabletask/instances/i-1?taskHub={hub}&connection=Storage&code=***"
    return CheckStatusPayload("i-1", {"id": "i-1", "statusQueryGetUri": uri})


def talk(session: Session) -> str:
    return session.out._stderr.getvalue()


@pytest.mark.parametrize(
    ("flags", "label"),
    [
        ({"context": "prod"}, "task hub 'OrdersHub' (context prod)"),
        ({"hub": URL}, f"task hub at {URL}"),
        ({"hub": URL, "task_hub": "T"}, f"task hub 'T' at {URL}"),
        ({"hub": "sub/hub.db"}, "local hub sub/hub.db"),
        ({"hub": "/far/hub.db"}, "local hub /far/hub.db"),
    ],
    ids=str,
)
def test_a_hub_has_a_name_for_people(session, flags, label):
    assert session(**flags).hub_label == label


def test_a_change_is_announced_with_who_chose_the_hub(session):
    one = session(hub="x.db")
    one.announce()
    assert talk(one) == "using local hub x.db, from flag --hub\n"


def test_quiet_announces_nothing(session):
    one = session(hub="x.db")
    one.out.quiet = True
    one.announce()
    assert talk(one) == ""


def test_reading_never_creates_a_hub(session, project):
    with pytest.raises(UsageError, match=r"there is no local hub yet at x\.db"):
        _ = session(hub="x.db").hub
    assert list(project.iterdir()) == []


def test_a_start_creates_the_hub_in_a_folder_that_ignores_itself(session, project):
    (project / "function_app.py").write_text(
        "from durablectl import df\napp = df.DFApp()\n@app.activity_trigger(input_name='x')\ndef f(x): ...\n"
    )
    session().open(create=True)
    assert (project / ".durablectl" / "hub.db").is_file()
    assert (project / ".durablectl" / ".gitignore").read_text() == "*\n"


def test_the_folder_of_a_hub_is_its_owners_alone(session, project):
    before = os.umask(0o022)
    try:
        session(hub=".").open(create=True)
    finally:
        os.umask(before)
    assert stat.S_IMODE((project / ".durablectl").stat().st_mode) == 0o700


def test_a_read_only_context_refuses_every_change(session):
    with pytest.raises(UsageError, match="context 'ro' is read-only"):
        session(context="ro").begin_change(controls=False)


def test_a_protected_context_wants_its_hubs_name(session):
    with pytest.raises(UsageError, match="context 'prod' is protected") as caught:
        session(context="prod").begin_change(yes=True)
    assert caught.value.hint == "add --yes --confirm OrdersHub"
    session(context="prod").begin_change(yes=True, confirm="OrdersHub")


def test_a_wrong_confirmation_is_refused(session):
    with pytest.raises(UsageError, match="--confirm names 'Other', but this is 'OrdersHub'"):
        session(context="prod").begin_change(yes=True, confirm="Other")


def test_a_person_may_type_the_name(session):
    session(context="prod", typed="OrdersHub\n").begin_change()
    with pytest.raises(UsageError, match="not confirmed"):
        session(context="prod", typed="yes\n").begin_change()


def test_a_start_in_a_protected_context_is_not_asked_about(session):
    session(context="prod").begin_change(controls=False)


def test_a_payload_of_the_same_address_is_of_our_hub(session):
    one = session(context="prod")
    assert one.hub_of(payload(URL)) is one.hub
    assert one.hub_of(payload(f"{URL}:443", "ordershub")) is one.hub


@pytest.mark.parametrize(
    "other", [payload("https://evil.example"), payload(URL, "Other"), payload("http://localhost:7071")], ids=["origin", "hub", "local"]
)
def test_a_payload_of_another_address_disagrees_with_a_named_hub(session, other):
    with pytest.raises(UsageError, match="instance 'i-1' belongs to"):
        session(context="prod").hub_of(other)


def test_a_local_payload_is_read_for_its_id_only(session, project):
    (project / "hub.db").parent.mkdir(exist_ok=True)
    one = session(hub="hub.db")
    one.open(create=True)
    assert one.hub_of(payload("http://localhost:7071", "local")) is one.hub


def test_a_payload_of_another_origin_gets_no_key(session, user_file):
    config.write_user_file(user_file, current="prod", contexts=config.read_user_file(user_file).contexts)
    hub = session().hub_of(payload("https://elsewhere.example"))
    assert hub.address.startswith("https://elsewhere.example/")
    assert "code=" not in (hub.check_status("i").status_query_get_uri or "")


def test_a_payload_without_a_hub_of_our_own_gets_the_key_of_its_context(session):
    hub = session().hub_of(payload(URL))
    assert "code=key" in (hub.check_status("i").status_query_get_uri or "")


def test_closing_twice_is_fine(session):
    one = session(hub=URL)
    assert one.hub.address == f"{URL}/runtime/webhooks/durabletask"
    one.close()
    one.close()


def test_a_working_directory_that_is_gone_is_told(run, tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    Path(gone).rmdir()
    code, _out, err = run("status", "x")
    assert (code, err) == (2, "durablectl: the working directory is gone\nhint: cd to a folder that is there\n")

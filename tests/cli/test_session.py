"""One invocation: its hub, what may change it, and whose payload is whose."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

import pytest

from durablectl import config
from durablectl.backends.local import LocalTaskHub
from durablectl.cli.framework.global_options import read_options
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
    config.write_user_file(
        user_file,
        current=None,
        contexts={"prod": prod, "ro": Context("ro", url=URL, read_only=True)},
    )
    opened = []

    def make(typed: str | None = None, **flags: str) -> Session:
        out = Output(Stream(), Stream(is_terminal=typed is not None), environ={})
        stdin = Stream(typed or "", is_terminal=typed is not None)
        opened.append(
            Session(read_options(flags, {}), out, environ={"K": "key"}, cwd=project, stdin=stdin)
        )
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def payload(
    base: str, hub: str = "OrdersHub", connection: str = "Storage", code: str = "***"
) -> CheckStatusPayload:
    uri = f"{base}/runtime/webhooks/durabletask/instances/i-1?taskHub={hub}&connection={connection}&code={code}"
    return CheckStatusPayload("i-1", {"id": "i-1", "statusQueryGetUri": uri})


def written_by(file: Path) -> CheckStatusPayload:
    """A payload of a local hub that is not served."""
    with LocalTaskHub(file, create=True) as hub:
        return hub.check_status("i-1")


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
    assert session(**flags).settings.label == label


def test_a_change_is_announced_once_with_who_chose_the_hub(session, project):
    (project / "durablectl.toml").write_text("hub = 'x.db'")
    one = session()
    one.announce()
    one.announce()
    assert talk(one) == "using local hub x.db, from durablectl.toml\n"


def test_a_hub_that_the_command_line_names_is_not_announced(session):
    one = session(hub="x.db")
    one.announce()
    assert talk(one) == ""


def test_quiet_announces_nothing(session, project):
    (project / "durablectl.toml").write_text("hub = 'x.db'")
    one = session()
    one.out.quiet = True
    one.announce()
    assert talk(one) == ""


def test_reading_never_creates_a_hub(session, project):
    with pytest.raises(UsageError, match=r"there is no local hub x\.db yet"):
        _ = session(hub="x.db").hub
    assert list(project.iterdir()) == []


def test_a_start_creates_the_hub_in_a_folder_that_ignores_itself(session, project):
    (project / "function_app.py").write_text(
        "from durablectl import df\napp = df.DFApp()\n@app.activity_trigger(input_name='x')\ndef "
        "f(x): ...\n"
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
    for connection in ("Storage", "AzureWebJobsStorage"):
        assert one.payloads.hub_of(payload(URL, connection=connection)) is one.hub
    assert one.payloads.hub_of(payload(f"{URL}:443", "ordershub")) is one.hub


@pytest.mark.parametrize(
    "other",
    [
        payload("https://evil.example"),
        payload(URL, "Other"),
        payload(f"{URL}/behind/the/same/gateway"),
        payload("http://localhost:7071"),
    ],
    ids=["origin", "hub", "path", "local"],
)
def test_a_payload_of_another_address_disagrees_with_a_named_hub(session, other):
    with pytest.raises(UsageError, match="instance 'i-1' belongs to"):
        session(context="prod").payloads.hub_of(other)


def test_a_payload_of_another_connection_disagrees_with_the_named_one(session):
    for connection in ("Storage", "ThirdStorage"):
        with pytest.raises(UsageError, match="instance 'i-1' belongs to"):
            session(context="prod", connection="SecondStorage").payloads.hub_of(
                payload(URL, connection=connection)
            )


def test_a_payload_of_a_local_hub_that_is_nowhere_near_is_refused(session, project):
    with pytest.raises(UsageError, match="instance 'i-1' is in a local hub that is not here"):
        session().payloads.hub_of(written_by(project / "b.db"))


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        ({"hub": URL}, payload(URL, "Other")),
        ({"hub": URL}, payload(URL, "Storage")),
        ({"context": "prod"}, payload(URL, connection="SecondStorage")),
    ],
    ids=["task hub", "task hub with a connection's name", "connection"],
)
def test_what_a_payload_names_is_asked_for_although_the_settings_leave_it_to_the_app(
    session, flags, named
):
    one = session(**flags)
    hub = one.payloads.hub_of(named)
    assert (
        hub.check_status("i-1").status_query_get_uri.partition("&code")[0]
        == named.status_query_get_uri.partition("&code")[0]
    )
    assert one.payloads.is_own(hub)


def test_a_payload_with_a_key_opens_the_named_hub_that_has_none(session):
    one = session(hub=URL, task_hub="T")
    assert (
        "code=SECRET"
        in one.payloads.hub_of(payload(URL, "T", code="SECRET"))
        .check_status("i-1")
        .status_query_get_uri
    )


def test_a_payload_that_the_local_hub_wrote_is_its_own(session, project):
    mine = written_by(project / "hub.db")
    one = session(hub="hub.db")
    assert one.payloads.hub_of(mine) is one.hub


@pytest.mark.parametrize(
    "flags", [{}, {"hub": "a.db"}, {"context": "prod"}], ids=["found", "named", "remote"]
)
def test_a_payload_of_another_local_hub_is_refused_although_both_have_the_same_names(
    session, project, flags
):
    (project / "function_app.py").touch()
    written_by(project / "a.db")
    written_by(project / ".durablectl" / "hub.db")
    with pytest.raises(
        UsageError,
        match=r"instance 'i-1' is in (another local hub than the|a "
        r"local hub, not in the)",
    ) as caught:
        session(**flags).payloads.hub_of(written_by(project / "b.db"))
    assert caught.value.hint == (
        "run the command where that hub is, or name the hub's file with --hub"
    )


def test_a_hub_that_was_made_again_is_another_one(session, project):
    before = written_by(project / "hub.db")
    for file in project.glob("hub.db*"):
        file.unlink()
    written_by(project / "hub.db")
    with pytest.raises(UsageError, match=r"is in another local hub than the local hub hub\.db"):
        session(hub="hub.db").payloads.hub_of(before)


def test_a_payload_of_another_host_on_this_machine_is_not_the_local_hubs(session, project):
    (project / "function_app.py").touch()
    written_by(project / ".durablectl" / "hub.db")
    hub = session().payloads.hub_of(payload("http://localhost:7071", "local"))
    assert hub.address == "http://localhost:7071/runtime/webhooks/durabletask"


def test_a_payload_of_another_host_on_this_machine_disagrees_with_a_named_local_hub(
    session, project
):
    written_by(project / "hub.db")
    with pytest.raises(
        UsageError,
        match=r"belongs to task hub 'local' at "
        r"http://localhost:7071/.*, not to the local hub hub\.db",
    ):
        session(hub="hub.db").payloads.hub_of(payload("http://localhost:7071", "local"))


def test_a_payload_of_another_origin_gets_no_key(session, user_file):
    config.write_user_file(
        user_file, current="prod", contexts=config.read_user_file(user_file).contexts
    )
    hub = session().payloads.hub_of(payload("https://elsewhere.example"))
    assert hub.address.startswith("https://elsewhere.example/")
    assert "code=" not in (hub.check_status("i").status_query_get_uri or "")


def test_a_payload_without_a_hub_of_our_own_gets_the_key_of_its_context(session):
    hub = session().payloads.hub_of(payload(URL))
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
    assert (code, err) == (
        2,
        "durablectl: the working directory is gone\nhint: cd to a folder that is there\n",
    )

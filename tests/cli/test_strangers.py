"""What lies above the working directory is used only when the user, root or the owner of the
working directory owns it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from durablectl import connect
from durablectl.cli.framework import completion
from durablectl.cli.session import open_session
from durablectl.owners import nearest, strangers
from durablectl.testing import Durable

STRANGER, OWNER = 54321, 54322
AS_ROOT = pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0, reason="only root can give a file away"
)
APP = """
from durablectl import df
app = df.DFApp()
open({ran!r}, "w").close()

@app.orchestration_trigger(context_name="context")
def hello(context):
    return "Hello"
    yield
"""


def give(owner: int, *paths: Path) -> None:
    for path in paths:
        os.chown(path, owner, -1, follow_symlinks=False)


@pytest.fixture
def ran(home):
    """The file that the app's code makes when it is run."""
    return home / "ran"


@pytest.fixture
def above(project, ran, monkeypatch):
    """The folder above the working directory, with an app in it."""
    (project / "function_app.py").write_text(APP.format(ran=str(ran)))
    (project / "below").mkdir()
    monkeypatch.chdir(project / "below")
    return project


@AS_ROOT
@pytest.mark.parametrize(
    "verb",
    [
        ("run", "hello"),
        ("start", "hello"),
        ("functions",),
        ("serve", "--port", "0"),
        ("worker", "--until-idle"),
    ],
)
def test_an_app_of_a_stranger_is_named_and_not_run(run, above, ran, verb):
    give(STRANGER, above / "function_app.py")
    code, out, err = run(*verb)
    assert (code > 0, out, ran.exists()) == (True, "", False)
    app = above / "function_app.py"
    assert (
        err.count(
            f"warning: {app} belongs to another user ({STRANGER}) and is skipped; use it "
            f"with --app {app}\n"
        )
        == 1
    )


@AS_ROOT
def test_an_app_of_a_stranger_is_used_when_it_is_named(run, above, ran):
    give(STRANGER, above / "function_app.py")
    assert run("run", "hello", "--app", "..").out == "Hello\n"
    assert ran.exists()


@AS_ROOT
def test_the_working_directory_itself_is_trusted(run, above, ran, monkeypatch):
    give(STRANGER, above / "function_app.py")
    monkeypatch.chdir(above)
    assert run("run", "hello").out == "Hello\n"


@AS_ROOT
def test_an_app_of_the_working_directorys_owner_is_used(run, above, ran):
    give(OWNER, above / "function_app.py", above / "below")
    assert run("run", "hello").out == "Hello\n"


@AS_ROOT
def test_the_search_goes_on_above_what_was_skipped(run, above, monkeypatch):
    deep = above / "below" / "deep"
    deep.mkdir()
    (above / "below" / "function_app.py").write_text("raise SystemExit('a trap')")
    give(STRANGER, above / "below" / "function_app.py")
    monkeypatch.chdir(deep)
    assert run("run", "hello").out == "Hello\n"


@AS_ROOT
def test_a_strangers_link_to_a_file_of_the_user_is_not_followed(run, above, ran, home):
    (above / "function_app.py").rename(home / "mine.py")
    (above / "function_app.py").symlink_to(home / "mine.py")
    give(STRANGER, above / "function_app.py")
    assert run("run", "hello").code > 0
    assert not ran.exists()


@AS_ROOT
def test_functions_that_a_stranger_put_beside_a_host_json_are_not_run(run, above):
    (above / "function_app.py").unlink()
    (above / "trap").mkdir()
    (above / "trap" / "function.json").write_text("{}")
    (above / "host.json").write_text("{}")
    give(STRANGER, above / "trap" / "function.json")
    theirs = above / "trap" / "function.json"
    assert (
        f"warning: {theirs} belongs to another user ({STRANGER}) and is skipped; use it with "
        f"--app {above}\n"
    ) in run("functions").err


@AS_ROOT
def test_a_projects_file_of_a_stranger_is_skipped(run, above):
    theirs = above / "durablectl.toml"
    theirs.write_text('url = "https://evil.example"\n')
    give(STRANGER, theirs)
    code, out, err = run("context", "show")
    assert (code, "evil.example" in out) == (0, False)
    assert err == (
        f"warning: {theirs} belongs to another user ({STRANGER}) and is skipped; name "
        "the hub with --hub or --context\n"
    )


@AS_ROOT
@pytest.mark.parametrize("theirs", [".durablectl", ".durablectl/hub.db"])
def test_a_hub_of_a_stranger_is_skipped(run, above, theirs):
    assert run("start", "hello", "--instance-id", "h-1").code == 0
    give(STRANGER, above / theirs)
    code, _out, err = run("status", "h-1")
    said = (
        f"warning: {above / theirs} belongs to another user ({STRANGER}) and is skipped; use "
        "it with --hub "
    )
    assert (code, err.splitlines()[0]) == (2, f"{said}{above / '.durablectl' / 'hub.db'}")
    assert run("status", "h-1", "--hub", "../.durablectl/hub.db", "-o", "id").out == "h-1\n"


@AS_ROOT
def test_a_completion_says_nothing_of_what_it_skips(run, above, capsys):
    give(STRANGER, above / "function_app.py")
    assert completion.candidates(["start"], "hel", open_session) == []
    assert capsys.readouterr() == ("", "")


@AS_ROOT
def test_the_library_and_the_fixture_skip_a_strangers_app_too(above, ran):
    give(STRANGER, above / "function_app.py")
    with (
        pytest.warns(UserWarning, match="belongs to another user"),
        pytest.raises(Exception, match="no task hub"),
    ):
        connect()
    with (
        Durable(near=Path.cwd()) as durable,
        pytest.warns(UserWarning, match="belongs to another user"),
        pytest.raises(Exception, match="hello"),
    ):
        durable.run("hello")
    assert not ran.exists()


def test_a_folder_above_that_cannot_be_searched_is_passed_over(above):
    def find(folder: Path) -> list[Path]:
        if folder == above:
            raise PermissionError
        return [folder] if folder == above.parent else []

    assert nearest(Path(), find, print) == above.parent


def test_what_is_not_there_is_nobodys(above):
    assert strangers([above / "gone"], Path()) is None

"""`durablectl init`."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from durablectl.installation import installation

FILES = [
    "function_app.py",
    "cities.json",
    "test_function_app.py",
    "pytest.ini",
    "host.json",
    "requirements.txt",
]


def test_it_writes_an_app_and_says_what_comes_next(run, project):
    code, out, err = run("init", "my greetings")
    assert (code, out.splitlines()) == (0, [f"wrote my greetings/{name}" for name in FILES])
    assert err == (
        "next:\n  cd 'my greetings'\n  durablectl run Hello --input cities.json\n  "
        f"{installation().python_word} -m pytest\n"
    )
    assert sorted(path.name for path in (project / "my greetings").iterdir()) == sorted(FILES)


def test_in_the_working_directory_there_is_nowhere_to_go(run, project):
    code, out, err = run("init", "-o", "json")
    assert (code, json.loads(out)) == (0, {"files": FILES})
    assert "cd " not in err
    assert json.loads((project / "host.json").read_text())["version"] == "2.0"


@pytest.mark.parametrize(
    ("folder", "hub"),
    [
        ("greetings", "GreetingsHub"),
        ("my orders-api_2", "MyOrdersApi2Hub"),
        ("OrdersHub", "OrdersHub"),
        ("2026-reports", "ReportsHub"),
        ("日本", "HelloHub"),
        ("x" * 60, "X" + "x" * 41 + "Hub"),
    ],
)
def test_the_task_hub_has_the_name_of_the_folder(run, project, folder, hub):
    assert run("init", folder).code == 0
    settings = json.loads((project / folder / "host.json").read_text())
    assert settings["extensions"]["durableTask"]["hubName"] == hub


def test_the_app_it_writes_is_listed(run):
    run("init", "app")
    assert run("functions", "--app", "app").out == "orchestrators\n  Hello\nactivities\n  greet\n"


@pytest.mark.parametrize(
    "block",
    ["import sys; sys.modules['azure'] = None", "import azure.durable_functions"],
    ids=["without-azure", "with-azure"],
)
def test_the_app_it_writes_loads_with_and_without_the_azure_packages(run, project, block):
    run("init")
    code = f"{block}\nimport function_app\nprint(function_app.greet('Ada'))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("Hello, Ada!\n", 0), done.stderr


def test_the_test_it_writes_passes(run, project):
    run("init")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 passed" in done.stdout, done.stdout


def test_an_app_that_is_there_is_left_alone(run, project):
    (project / "function_app.py").write_text("mine")
    code, out, err = run("init")
    assert (code, out) == (6, "")
    assert err.startswith("durablectl: there is an app already: ")
    assert [path.name for path in project.iterdir()] == ["function_app.py"]
    assert (project / "function_app.py").read_text() == "mine"


def test_other_files_that_are_there_are_kept(run, project):
    (project / "requirements.txt").write_text("mine")
    code, out, err = run("init")
    assert (code, "requirements.txt" in out, (project / "requirements.txt").read_text()) == (
        0,
        False,
        "mine",
    )
    assert "kept the existing requirements.txt" in err


def test_a_file_is_no_place_for_an_app(run, project):
    (project / "notes").write_text("")
    code, _, err = run("init", "notes")
    assert (code, err) == (
        2,
        "durablectl: 'notes' is a file\nhint: name a folder: durablectl init DIR\n",
    )


def test_a_place_that_cannot_be_made_is_told(run, project):
    (project / "notes").write_text("")
    code, _, err = run("init", "notes/app")
    assert (code, err.splitlines()[0]) == (
        1,
        f"durablectl: cannot write to {project / 'notes/app'}: not a directory",
    )

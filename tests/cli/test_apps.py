"""Apps of every kind run on a local hub, whichever names they are written with."""

from __future__ import annotations

import json

import pytest

from durablectl.cli.framework import completion
from durablectl.cli.session import open_session

BOTH = pytest.mark.parametrize(
    "names",
    ["import azure.durable_functions as df", "from durablectl import df"],
    ids=["azure", "durablectl"],
)

APP = """
app = df.DFApp()

@app.activity_trigger(input_name="x")
def double(x):
    print("doubling", x)
    return 2 * x

@app.function_name("Half")
@app.activity_trigger(input_name="x")
async def halve(x, context):
    return x / 2

@app.activity_trigger(input_name="x", activity="Next")
def add_one(x):
    return x + 1

@app.orchestration_trigger(context_name="ctx")
def Child(ctx):
    return (yield ctx.call_activity(double, ctx.get_input()))

@app.orchestration_trigger(context_name="ctx", orchestration="Parent")
def parent_of_all(ctx):
    child = yield ctx.call_sub_orchestrator(Child, 4)
    retry = df.RetryOptions(first_retry_interval_in_milliseconds=1, max_number_of_attempts=2)
    half = yield ctx.call_activity_with_retry(halve, retry, child)
    return [child, half, (yield ctx.call_activity("next", 1)), (yield ctx.call_activity(add_one, 2))]
"""


@BOTH
def test_functions_are_called_by_name_by_alias_and_as_themselves(run, project, names):
    (project / "function_app.py").write_text(names + APP)
    code, out, err = run("run", "Parent", "-q")
    assert (code, json.loads(out)) == (0, [8, 4.0, 2, 3]), err


@BOTH
def test_what_an_activity_prints_is_no_output_of_ours(run, project, names):
    (project / "function_app.py").write_text(names + APP)
    code, out, err = run("run", "Child", "--input-json", "21", "-q")
    assert (code, out) == (0, "42\n")
    assert "doubling 21" in err


@BOTH
def test_a_function_of_the_wrong_kind_is_told(run, project, names):
    (project / "function_app.py").write_text(
        names + APP.replace("call_activity(double", "call_activity(Child")
    )
    code, _, err = run("run", "Child", "--input-json", "21")
    assert code == 10
    assert "orchestrationTrigger" in err


def test_a_function_json_app_runs(run, project):
    (project / "host.json").write_text("{}")
    for folder, trigger, source in (
        (
            "Hello",
            "orchestrationTrigger",
            "def main(context):\n    return (yield context.call_activity('Say', 'Ada'))\n",
        ),
        ("Say", "activityTrigger", "def main(x):\n    return f'Hello {x}'\n"),
    ):
        (project / folder).mkdir()
        (project / folder / "function.json").write_text(
            json.dumps({"bindings": [{"type": trigger, "name": "x"}]})
        )
        (project / folder / "__init__.py").write_text(source)
    code, out, err = run("run", "Hello", "-q", "--app", project)
    assert (code, out) == (0, "Hello Ada\n"), err


def test_the_values_of_local_settings_are_the_environment_of_activities(run, project, monkeypatch):
    monkeypatch.setenv("GREETING", "to be removed after the test")
    monkeypatch.delenv("GREETING")
    (project / "local.settings.json").write_text('{"Values": {"GREETING": "Bonjour"}}')
    source = "import os\nfrom durablectl import df" + APP.replace(
        "return 2 * x", "return os.environ['GREETING']"
    )
    (project / "function_app.py").write_text(source)
    assert run("run", "Child", "-q").out == "Bonjour\n"


@pytest.fixture
def folders(project):
    """The working directory is an app of function.json folders: an orchestrator `Hello` and its
    activity `SayHello`.
    """
    files = {
        "host.json": "{}",
        "Hello/function.json": '{"bindings": [{"type": "orchestrationTrigger", "name": "context", '
        '"direction": "in"}]}',
        "Hello/__init__.py": (
            "from durablectl import df\n"
            "def hello(context):\n"
            "    said = yield context.call_activity('SayHello', 'Oslo')\n"
            "    return [said, (yield context.wait_for_external_event('Go'))] if "
            "context.get_input() else said\n"
            "main = df.Orchestrator.create(hello)\n"
        ),
        "SayHello/function.json": '{"bindings": [{"type": "activityTrigger", "name": "name", '
        '"direction": "in"}]}',
        "SayHello/__init__.py": "def main(name):\n    return f'Hello {name}'\n",
    }
    for name, text in files.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text)
    return project


def test_an_app_of_folders_is_found_at_and_above_the_working_directory(run, folders, monkeypatch):
    assert run("functions").out.split() == ["orchestrators", "Hello", "activities", "SayHello"]
    monkeypatch.chdir(folders / "SayHello")
    code, out, err = run("run", "Hello", "-q")
    assert (code, out) == (0, "Hello Oslo\n"), err
    assert (folders / ".durablectl" / "hub.db").is_file()


def test_an_app_file_hides_the_folders_beside_it(run, folders):
    (folders / "function_app.py").write_text("from durablectl import df" + APP)
    assert run("functions", "-o", "id").out.split() == ["Child", "Parent"]


def test_the_names_in_an_app_of_folders_are_completed(folders):
    assert [each.value for each in completion.candidates(["start"], "H", open_session)] == ["Hello"]
    assert [
        each.value for each in completion.candidates(["raise-event", "i-1"], "", open_session)
    ] == ["Go"]

"""An app that cannot be loaded: a clear error with file and line, and no traceback."""

from __future__ import annotations

import sys

import pytest

from durablectl.errors import AppError
from durablectl.functionapp.loader import load_app

SDK = "import azure.durable_functions as df\n"
OWN = "from durablectl import df\n"

ACTIVITY = '@app.activity_trigger(input_name="x")\n'
BOTH = pytest.mark.parametrize("names", [SDK, OWN], ids=["azure", "durablectl"])


def told(error: pytest.ExceptionInfo[AppError]) -> tuple[str, str | None]:
    return error.value.message, error.value.hint


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1\ndef broken(:\n", "syntax error in the app: function_app.py:2: invalid syntax"),
        (
            "x = 1\n\nraise ValueError('no\\n luck')\n",
            "the app fails while it is loaded: function_app.py:3: ValueError: no luck",
        ),
        ("assert False\n", "the app fails while it is loaded: function_app.py:1: AssertionError"),
        (
            "import sys\nsys.exit(3)\n",
            "the app calls sys.exit(3) while it is loaded (function_app.py:2)",
        ),
        (
            "import json\njson.loads('{')\n",
            (
                "the app fails while it is loaded: function_app.py:2: "
                "JSONDecodeError: Expecting property name"
            ),
        ),
        (
            "import no_such_package.part\n",
            "the app needs 'no_such_package', which is not installed here (function_app.py:1)",
        ),
        ("x = 1\n", "function_app.py registers no function"),
        (
            "open('no.txt')\n",
            (
                "the app fails while it is loaded: function_app.py:1: "
                "FileNotFoundError: [Errno 2] No such file"
            ),
        ),
    ],
    ids=["syntax", "raises", "no-text", "exit", "raises-below", "package", "nothing", "no-file"],
)
def test_a_broken_app_is_told_by_file_line_and_reason(load, source, message):
    with pytest.raises(AppError) as error:
        load(source, "")
    assert error.value.message.startswith(message)
    assert "Traceback" not in str(error.value)


def test_an_error_in_a_sibling_names_the_sibling(load, write):
    write("shared_steps.py", "import os\n\n1 / 0\n")
    with pytest.raises(AppError) as error:
        load("import shared_steps\n")
    assert error.value.message == (
        "the app fails while it is loaded: shared_steps.py:3: ZeroDivisionError: division by zero"
    )


def test_a_syntax_error_in_a_sibling_names_the_sibling(load, write):
    write("shared_steps.py", "if True:\n")
    with pytest.raises(
        AppError,
        match=r"syntax error in the app: shared_steps\.py:1: expected an "
        r"indented block",
    ):
        load("import shared_steps\n")


def test_an_app_that_fails_leaves_nothing_behind(load):
    with pytest.raises(AppError):
        load("1 / 0\n")
    assert "function_app" not in sys.modules


def test_a_missing_package_is_installed_from_the_apps_requirements(load, write):
    write("requirements.txt", "no-such-package\n")
    with pytest.raises(AppError) as error:
        load("import no_such_package\n", "")
    assert error.value.hint == f"{sys.executable} -m pip install -r requirements.txt"


def test_a_missing_package_without_requirements_is_asked_for(load):
    with pytest.raises(AppError) as error:
        load("import no_such_package.part\n", "")
    assert error.value.hint == (
        f"{sys.executable} -m pip install no_such_package, if that is the package's name"
    )


def test_a_missing_azure_package_is_asked_for_by_its_own_name(load):
    with pytest.raises(AppError) as error:
        load("import azure.no_such_part\n", "")
    assert told(error) == (
        "the app needs 'azure.no_such_part', which is not installed here (function_app.py:1)",
        f"{sys.executable} -m pip install azure-functions-durable",
    )


def test_no_such_file(folder):
    with pytest.raises(AppError, match=r"no such app: gone\.py"):
        load_app(folder / "gone.py")


def test_a_folder_without_an_app(folder):
    (folder / "empty").mkdir()
    with pytest.raises(AppError) as error:
        load_app(folder / "empty")
    assert told(error) == ("no function_app.py in empty", "durablectl init empty")


def test_a_file_that_is_no_python(folder, write):
    with pytest.raises(AppError, match=r"app\.txt is not a Python file"):
        load_app(write("app.txt", "hello"))


def test_bytes_that_are_no_text_are_a_syntax_error(folder):
    (folder / "function_app.py").write_bytes(b"x = '\xff'\n")
    with pytest.raises(AppError, match=r"syntax error in the app: .*function_app\.py"):
        load_app(folder)


def test_null_bytes_are_told(folder):
    (folder / "function_app.py").write_bytes(b"x = 1\0\n")
    with pytest.raises(AppError, match="null bytes"):
        load_app(folder)


@BOTH
def test_two_functions_of_one_name_are_refused_with_both_places(load, names):
    with pytest.raises(AppError) as error:
        load(
            "app = df.DFApp()\n"
            + ACTIVITY
            + "def step(x):\n    pass\n"
            + ACTIVITY
            + "def Step(x):\n    pass\n",
            names,
        )
    assert error.value.message == (
        "two functions have the name 'Step': function_app.py:3 and function_app.py:6"
    )


@BOTH
def test_two_activities_of_one_alias_are_refused(load, names):
    alias = '@app.activity_trigger(input_name="x", activity="Same")\n'
    with pytest.raises(AppError, match="two functions have the name 'Same'"):
        load(
            "app = df.DFApp()\n" + alias + "def a(x):\n    pass\n" + alias + "def b(x):\n    "
            "pass\n",
            names,
        )


@BOTH
def test_a_function_without_a_trigger_is_refused(load, names):
    with pytest.raises(AppError, match=r"function 'X' has no trigger \(function_app\.py:3\)"):
        load('app = df.DFApp()\n@app.function_name("X")\ndef x():\n    pass\n', names)


@BOTH
def test_an_activity_without_the_parameter_it_names_is_refused(load, names):
    with pytest.raises(AppError) as error:
        load("app = df.DFApp()\n" + ACTIVITY + "def step(y):\n    pass\n", names)
    assert told(error) == (
        "activity 'step' has no parameter 'x' (function_app.py:3)",
        'name the parameter in the trigger: activity_trigger(input_name="y")',
    )


@BOTH
def test_a_blueprint_in_no_app_is_named(load, names):
    with pytest.raises(AppError) as error:
        load(
            "bp = df.Blueprint()\n" + ACTIVITY.replace("app", "bp") + "def step(x):\n    pass\n",
            names,
        )
    assert told(error) == (
        "function_app.py registers no function",
        "the blueprint 'bp' is in no app: app = df.DFApp(); app.register_functions(bp)",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"Values": ', "local.settings.json:1:12: not JSON: expecting value"),
        ("[]", "local.settings.json: not a JSON object"),
        ('{"Values": ["x"]}', "local.settings.json: 'Values' is not an object"),
        (
            '{"Values": {"NAME": {"a": 1}}}',
            "local.settings.json: the value of 'NAME' is not a string",
        ),
        (
            '{"Values": {"A=B": "x"}}',
            "local.settings.json: 'A=B' cannot be set as an environment variable",
        ),
        (
            '{"Values": {"A": "\\u0000"}}',
            "local.settings.json: 'A' cannot be set as an environment variable",
        ),
    ],
    ids=["json", "array", "values", "nested", "a name", "a value"],
)
def test_settings_that_cannot_be_understood_are_told(load, write, text, message):
    write("local.settings.json", text)
    with pytest.raises(AppError) as error:
        load("")
    assert error.value.message == message


@pytest.mark.parametrize("text", ["[" * 100_000, '{"Values": {"A": %s}}' % ("1" * 5000)])
def test_settings_that_json_cannot_hold_are_told(load, write, text):
    write("local.settings.json", text)
    with pytest.raises(AppError, match=r"^cannot read local\.settings\.json: "):
        load("")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            "{",
            "hello/function.json:1:2: not JSON: expecting property name enclosed in double quotes",
        ),
        ("[]", "hello/function.json: not a JSON object"),
        ('{"bindings": []}', "function 'hello' has no trigger (hello/__init__.py:1)"),
        ('{"bindings": null}', "function 'hello' has no trigger (hello/__init__.py:1)"),
        ('{"bindings": 5}', "hello/function.json: 'bindings' is not an array"),
        ('{"bindings": ["x"]}', "hello/function.json: a binding is not an object"),
        ('{"bindings": [{"type": 5}]}', "hello/function.json: 'type' is not a string"),
        ('{"bindings": [{"methods": "get"}]}', "hello/function.json: 'methods' is not an array"),
        (
            '{"bindings": [{"type": "orchestrationTrigger", "orchestration": 5}]}',
            "hello/function.json: 'orchestration' is not a string",
        ),
        ('{"entryPoint": 5}', "hello/function.json: 'entryPoint' is not a string"),
        ('{"scriptFile": 5}', "hello/function.json: 'scriptFile' is not a string"),
        ('{"entryPoint": "go"}', "hello/__init__.py has no function 'go'"),
        ('{"scriptFile": "gone.py"}', "no such file: hello/gone.py"),
        ('{"scriptFile": "../../x.py"}', "lies outside of the app"),
    ],
)
def test_a_function_json_that_cannot_be_used_is_told(folder, write, document, message):
    write("host.json", "{}")
    write("hello/__init__.py", "def main(context):\n    pass\n")
    write("hello/function.json", document)
    with pytest.raises(AppError) as error:
        load_app(folder)
    assert message in error.value.message


def test_the_durable_package_alone_may_be_missing(load, monkeypatch):
    monkeypatch.setitem(sys.modules, "azure.durable_functions", None)
    with pytest.raises(AppError) as error:
        load(
            "import azure.functions as func\napp = func.FunctionApp()\n"
            + ACTIVITY
            + "def step(x):\n    pass\n",
            "",
        )
    assert error.value.message.startswith(
        "the app fails while it is loaded: function_app.py:3: Exception: Attempted to use"
    )
    assert error.value.hint == f"{sys.executable} -m pip install azure-functions-durable"

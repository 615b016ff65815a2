"""What fails in a worker is told on its stderr, once, with the app's own frames."""

import pytest

APP = """
from durablectl import df

app = df.DFApp()


def check(x):
    raise ValueError("plain")


@app.activity_trigger(input_name="x")
def boom(x):
    check(x)


@app.orchestration_trigger(context_name="context")
def top(context):
    yield context.call_activity("boom")


@app.orchestration_trigger(context_name="context")
def outer(context):
    yield context.call_sub_orchestrator("top", instance_id="child")


@app.orchestration_trigger(context_name="context")
def tries(context):
    yield context.call_activity_with_retry("boom", df.RetryOptions(1, 3))


@app.orchestration_trigger(context_name="context")
def catches(context):
    try:
        yield context.call_activity("boom")
    except Exception:
        return "caught"


@app.orchestration_trigger(context_name="context")
def raises(context):
    check(1)
    yield


@app.entity_trigger(context_name="context")
def fragile(context):
    check(1)
"""
FRAMES = [
    "function_app.py:13, in boom",
    "  check(x)",
    "function_app.py:8, in check",
    '  raise ValueError("plain")',
]


@pytest.fixture
def folder(project):
    (project / "function_app.py").write_text(APP)
    return project


def entries(err, folder):
    """The lines about failures, without the folder's path."""
    return [line.replace(f"{folder}/", "") for line in err.splitlines() if line.startswith("[")]


def marked(mark, *lines):
    return [f"[{mark}] {line}" for line in lines]


def test_a_worker_tells_of_each_failure_once(run, folder):
    run("start", "outer", "--instance-id", "o")
    assert run("entity", "signal", "@fragile@k", "break").code == 0
    worked = run("worker", "--until-idle")
    told = entries(worked.err, folder)
    child = [line for line in told if line.startswith("[child]")]
    assert child[:-1] == marked(
        "child", "activity 'boom' failed: ValueError: plain", *(f"  {line}" for line in FRAMES)
    )
    assert child[-1] == "[child] orchestrator 'top' failed: ValueError: plain (in boom, top)"
    assert [line for line in told if line.startswith("[o]")] == [
        "[o] orchestrator 'outer' failed: ValueError: plain (in boom, top, outer)"
    ]
    entity = [line for line in told if line.startswith("[@fragile@k]")]
    assert entity[0] == (
        "[@fragile@k] entity 'fragile', operation 'break', failed: ValueError: plain"
    )
    assert entity[-2:] == marked("@fragile@k", *(f"  {line}" for line in FRAMES[2:]))
    assert (worked.code, worked.out) == (0, "")


@pytest.mark.parametrize(("flags", "attempts"), [([], 0), (["-v"], 2)], ids=["as it is", "verbose"])
def test_attempts_are_told_with_verbose_only(run, folder, flags, attempts):
    run("start", "tries", "--instance-id", "t")
    told = entries(run("worker", "--until-idle", *flags).err, folder)
    assert [line for line in told if "failed" in line and "boom'" in line] == [
        *["[t] activity 'boom' failed and is tried again: ValueError: plain"] * attempts,
        "[t] activity 'boom' failed: ValueError: plain",
    ]
    assert any("Traceback" in line for line in told) == bool(flags)


@pytest.mark.parametrize(
    ("name", "headers"),
    [
        ("outer", ["[child] activity 'boom' failed: ValueError: plain"]),
        ("catches", ["[i] activity 'boom' failed: ValueError: plain"]),
        ("top", []),
        ("raises", []),
    ],
)
def test_a_run_tells_of_what_its_answer_does_not(run, folder, name, headers):
    ran = run("run", name, "--instance-id", "i")
    assert [line for line in entries(ran.err, folder) if " failed" in line] == headers
    quiet = run("run", name, "--instance-id", "i", "--if-exists", "replace", "-q")
    assert entries(quiet.err, folder) == []


@pytest.mark.parametrize(
    "processes", [[], ["--activity-processes", "1"]], ids=["threads", "processes"]
)
def test_the_frames_are_the_apps_own(run, folder, processes):
    run("start", "top", "--instance-id", "o")
    told = entries(run("worker", "--until-idle", *processes).err, folder)
    assert told[1:5] == marked("o", *(f"  {line}" for line in FRAMES))

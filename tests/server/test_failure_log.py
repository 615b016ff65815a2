"""`serve` tells of what fails behind it, once; also of a signal that nobody waits for."""

import re

from tests.server.serving import OWN, serving

APP = (
    OWN
    + """
app = df.DFApp()

@app.activity_trigger(input_name="x")
def boom(x):
    raise ValueError("https://h/x?code=S3CRET")

@app.orchestration_trigger(context_name="context")
def calls(context):
    yield context.call_activity("boom")

@app.entity_trigger(context_name="context")
def fragile(context):
    raise LookupError("nothing there")
"""
)


def test_each_failure_is_in_the_log_once_with_the_apps_frames(tmp_path):
    (tmp_path / "function_app.py").write_text(APP)
    with serving(tmp_path) as served:
        served.ask("POST", "orchestrators/calls/c-1")
        served.finished("c-1")
        served.ask("POST", "entities/fragile/k?op=take")
        served.until_said("[@fragile@k]     raise LookupError")
        told = [
            line
            for line in served.errors.replace(f"{tmp_path}/", "").splitlines()
            if line.startswith("[")
        ]
    assert told == [
        "[c-1] activity 'boom' failed: ValueError: https://h/x?code=***",
        "[c-1]   function_app.py:8, in boom",
        '[c-1]     raise ValueError("https://h/x?code=***")',
        "[c-1] orchestrator 'calls' failed: ValueError: https://h/x?code=*** (in boom, calls)",
        "[@fragile@k] entity 'fragile', operation 'take', failed: LookupError: nothing there",
        "[@fragile@k]   function_app.py:16, in fragile",
        '[@fragile@k]     raise LookupError("nothing there")',
    ]
    assert not re.search("S3CRET", served.errors)

"""An app's HTTP functions run as under the Functions host, with the azure packages and with
durablectl.df.
"""

from __future__ import annotations

import http.client
import json

import pytest

from tests.server.serving import AZURE, OWN, serving
from tests.server.starters_app import APP

KEY = "starters.key=="


@pytest.fixture(scope="module", params=[AZURE, OWN], ids=["azure", "durablectl"])
def served(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("app")
    (folder / "function_app.py").write_text(request.param + APP)
    with serving(folder, "--key-env", "SERVED_KEY", environ={"SERVED_KEY": KEY}) as server:
        yield server


def run(served, function, given, query="timeout=20000"):
    return served.ask("POST", f"/api/wait/{function}?{query}", given)


def state(served, instance_id, *states):
    found = served.until(
        f"/api/status/{instance_id}", lambda status, body: status == 200 and body[0] in states
    )
    return found


def test_a_starter_answers_with_the_addresses_of_what_it_started(served):
    status, links = served.ask("POST", "/api/orchestrators/greet/starter-1", "Ada")
    names = ["id", "statusQueryGetUri", "sendEventPostUri", "terminatePostUri", "rewindPostUri"]
    assert (status, list(links)[:5], links["id"]) == (202, names, "starter-1")
    target = links["statusQueryGetUri"].removeprefix(f"http://127.0.0.1:{served.port}")
    assert served.until(target, lambda status, _body: status == 200)["output"] == "Hello Ada!"


def test_an_optional_part_of_a_route_may_be_left_out(served):
    status, links = served.ask("POST", "/api/orchestrators/greet", "Ada")
    assert (status, len(links["id"])) == (202, 32)


@pytest.mark.parametrize(
    ("function", "given", "output"),
    [("greet", "Ada", "Hello Ada!"), ("fan_out", 20, 20), ("monitor", 3, "healthy")],
    ids=["a call", "a fan-out", "a monitor with timers"],
)
def test_a_starter_that_waits_answers_with_the_output(function, given, output, served):
    assert run(served, function, given) == (200, output)


def test_a_starter_that_waits_too_short_answers_with_the_addresses(served):
    status, links = run(served, "approval", {}, "timeout=100")
    assert (status, "statusQueryGetUri" in links) == (202, True)


def test_a_starter_that_waits_for_a_failure_answers_with_its_status(served):
    status, body = run(served, "fails", {})
    assert (status, body["runtimeStatus"], body["output"]) == (
        500,
        "Failed",
        "Orchestrator function 'fails' failed: no luck",
    )


def test_an_approval_goes_on_with_its_event(served):
    served.ask("POST", "/api/orchestrators/approval/approved")
    assert state(served, "approved", "Running")[2] == "asked"
    assert served.ask("POST", "/api/steer/event/approved?name=Approve", {"ok": True})[0] == 202
    assert state(served, "approved", "Completed")[1] == {
        "answer": {"ok": True},
        "then": "Hello you!",
    }


def test_the_client_steers_an_instance(served):
    served.ask("POST", "/api/orchestrators/approval/steered")
    for operation, after in (
        ("suspend", "Suspended"),
        ("resume", "Running"),
        ("terminate", "Terminated"),
    ):
        assert served.ask("POST", f"/api/steer/{operation}/steered") == (200, "done")
        state(served, "steered", after)
    again = served.ask("POST", "/api/steer/restart/steered")[1]
    assert state(served, again, "Running")[2] in ("asked", None)


def test_the_client_purges_an_instance(served):
    served.ask("POST", "/api/orchestrators/greet/purged", "Ada")
    state(served, "purged", "Completed")
    assert served.ask("POST", "/api/steer/purge/purged") == (200, 1)
    assert served.ask("GET", "/api/status/purged") == (404, "nobody")


def test_the_client_lists_instances(served):
    for name in ("listed-1", "listed-2"):
        served.ask("POST", f"/api/orchestrators/greet/{name}", "Ada")
    assert served.ask("GET", "/api/all/listed-") == (200, ["listed-1", "listed-2"])


def test_the_client_signals_and_reads_an_entity(served):
    assert served.ask("GET", "/api/count/k") == (200, [False, None])
    assert served.ask("POST", "/api/count/k?by=5")[0] == 202
    assert served.until("/api/count/k", lambda _status, body: body[0]) == [True, 5]


def test_a_function_gets_its_route_query_and_headers(served):
    assert served.ask("GET", "/api/plain/12/x%20y?q=a&q=b", headers={"X-Mark": "m"}) == (
        200,
        "GET 12 x y a,b m",
    )


def test_routes_are_told_apart_by_their_constraints(served):
    assert served.ask("GET", "/api/plain/abc") == (201, "<b>abc</b>")
    assert served.ask("GET", "/api/plain/a1")[0] == 404


def test_a_method_that_no_function_takes_is_not_found(served):
    assert served.ask("DELETE", "/api/plain/12") == (404, "")


def test_a_responses_type_and_headers_are_kept(served):
    connection = http.client.HTTPConnection("127.0.0.1", served.port)
    connection.request("GET", "/api/plain/abc")
    answer = connection.getresponse()
    assert (answer.getheader("content-type"), answer.getheader("x-mark"), answer.read()) == (
        "text/html; charset=utf-8",
        "1",
        b"<b>abc</b>",
    )
    connection.close()


def test_a_function_that_returns_nothing_answers_204(served):
    assert served.ask("GET", "/api/nothing") == (204, "")


@pytest.mark.parametrize("name", ["broken", "wrong"])
def test_a_function_that_fails_answers_500_and_says_why_on_stderr_only(name, served):
    assert served.ask("GET", f"/api/{name}") == (500, "")
    served.until_said(f"the function '{name}' failed")
    assert served.ask("GET", "/api/nothing")[0] == 204


def test_a_function_of_a_higher_level_asks_for_the_key(served):
    assert served.ask("GET", "/api/locked")[0] == 401
    assert served.ask("GET", f"/api/locked?code={KEY}") == (200, "open")
    assert served.ask("GET", "/api/locked", headers={"x-functions-key": KEY}) == (200, "open")


def test_an_app_of_function_json_folders_is_hosted_too(tmp_path):
    files = {
        "host.json": "{}",
        "Hi/function.json": '{"bindings": [{"type": "orchestrationTrigger", "name": "context", '
        '"direction": "in"}]}',
        "Hi/__init__.py": "import azure.durable_functions as df\ndef hi(context):\n    return "
        "'hi'\nmain = df.Orchestrator.create(hi)\n",
        "Start/function.json": json.dumps(
            {
                "bindings": [
                    {
                        "type": "httpTrigger",
                        "name": "req",
                        "direction": "in",
                        "route": "hi/{id}",
                        "methods": ["post"],
                        "authLevel": "anonymous",
                    },
                    {"type": "http", "name": "$return", "direction": "out"},
                    {"type": "durableClient", "name": "starter", "direction": "in"},
                ]
            }
        ),
        "Start/__init__.py": (
            "import azure.durable_functions as df\n"
            "async def main(req, starter):\n"
            "    client = df.DurableOrchestrationClient(starter)\n"
            "    made = await client.start_new('Hi', req.route_params['id'])\n"
            "    return await client.wait_for_completion_or_create_check_status_response(req, "
            "made, 20000, 20)\n"
        ),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    with serving(tmp_path, app=tmp_path) as server:
        assert server.ask("POST", "/api/hi/one") == (200, "hi")
        assert server.ask("GET", "/api/hi/one")[0] == 404


def test_without_the_azure_packages_nothing_is_missing(tmp_path):
    (tmp_path / "azure.py").write_text(
        "raise ImportError('the azure packages are not installed here')\n"
    )
    (tmp_path / "function_app.py").write_text(OWN + APP)
    with serving(tmp_path) as server:
        assert server.ask("POST", "/api/wait/greet?timeout=20000", "Ada") == (200, "Hello Ada!")


def test_the_route_prefix_of_host_json_is_used(tmp_path):
    (tmp_path / "function_app.py").write_text(OWN + APP)
    (tmp_path / "host.json").write_text(
        json.dumps(
            {"extensions": {"http": {"routePrefix": "v1/x"}, "durableTask": {"hubName": "Mine"}}}
        )
    )
    with serving(tmp_path) as server:
        assert server.ask("GET", "/v1/x/nothing")[0] == 204
        assert server.ask("GET", "/api/nothing")[0] == 404
        assert (
            "taskHub=Mine&"
            in server.ask("POST", "/V1/X/orchestrators/greet", "a")[1]["statusQueryGetUri"]
        )
        # on loopback without a key nobody is asked for one
        assert server.ask("GET", "/v1/x/locked") == (200, "open")

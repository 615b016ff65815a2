"""What the recordings do not show: wrong requests, each with its answer, and the rules between the
cases.
"""

from __future__ import annotations

import http.client
import json
from urllib.parse import quote

import pytest

from tests.server.serving import BASE, RECORDINGS, serving

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("hub"), app=RECORDINGS / "function_app.py") as server:
        server.ask("POST", "orchestrators/sleeper/sleeps", 60)
        server.ask("POST", "orchestrators/echo/done", {"a": 1})
        server.finished("done")
        server.until("instances/sleeps", lambda _status, body: body["runtimeStatus"] == "Running")
        yield server


@pytest.mark.parametrize("method", ["PUT", "PATCH", "HEAD"])
def test_other_methods_are_refused_at_the_front_door_and_unknown_behind_it(method, served):
    assert served.ask(method, "instances/done")[0] == 405
    assert served.ask(method, "/durabletask/instances/done")[0] == 404


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "orchestrators/echo"),
        ("POST", "orchestrators"),
        ("POST", "orchestrators/a/b/c"),
        ("DELETE", "entities/counter"),
        ("POST", "instances/done"),
        ("POST", "instances/done/terminate/now"),
        ("GET", "instances/done/terminate"),
        ("POST", "instances//terminate"),
        ("POST", "instances/done/raiseEvent"),
        ("GET", "instances/a%2Fb"),
        ("GET", "makeprimary/x"),
        ("GET", f"{BASE}x/instances"),
    ],
)
def test_what_is_no_route_is_404_and_empty(method, target, served):
    assert served.ask(method, target) == (404, "")


@pytest.mark.parametrize(
    ("instance_id", "said"),
    [
        ("@x", "starts with '@'"),
        ("x" * 257, "257 characters"),
        ("a%3Fb", "contains '?'"),
        ("a%23b", "contains '#'"),
        ("a%09b", "contains"),
    ],
)
def test_an_id_that_no_client_could_address_is_refused(instance_id, said, served):
    status, answer = served.ask("POST", f"orchestrators/echo/{instance_id}")
    assert (status, list(answer), said in answer["Message"]) == (400, ["Message"], True)


@pytest.mark.parametrize("instance_id", ["a b", "a+b", "ä", "a%25b", "a:b.c~d", "a'b"])
def test_an_unusual_id_is_addressed_by_what_the_start_answers(instance_id, served):

    _, links = served.ask("POST", f"orchestrators/echo/{quote(instance_id, safe='')}")
    assert links["id"] == instance_id
    target = links["statusQueryGetUri"].removeprefix(f"http://127.0.0.1:{served.port}")
    assert served.until(target, lambda status, _body: status == 200)["instanceId"] == instance_id


@pytest.mark.parametrize("body", [b"[" * 100 + b"]" * 100, b"[" * 100_000])
def test_a_json_bomb_is_refused(body, served):
    status, answer = served.ask("POST", "orchestrators/echo", body)
    assert (status, answer["Message"], "MaxDepth of 64" in answer["ExceptionMessage"]) == (
        400,
        "Invalid JSON content",
        True,
    )


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b" \r\n\t ", None),
        (b"\xff", Ellipsis),
        ('"\u2028"'.encode(), "\u2028"),
        ('"\ud83d\ude00"'.encode("utf-16", "surrogatepass"), "\U0001f600"),
    ],
    ids=["blanks", "invalid UTF-8", "a line separator", "UTF-16"],
)
def test_an_unusual_body_is_taken_or_refused(body, shown, served):
    headers = (
        {"Content-Type": "application/json; charset=utf-16"} if body[:2] == b"\xff\xfe" else JSON
    )
    status, answer = served.ask("POST", "orchestrators/echo", body, headers)
    if shown is Ellipsis:
        assert (status, answer["Message"]) == (400, "Invalid JSON content")
    else:
        assert served.finished(answer["id"])["input"] == shown


@pytest.mark.parametrize(
    "header",
    [None, ("Transfer-Encoding", "chunked"), ("Content-Length", "0")],
    ids=["no length", "chunks", "length 0"],
)
def test_a_start_without_a_body_has_no_input(header, served):
    instance_id = f"no-body-{header and header[0]}"
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    connection.putrequest("POST", f"{BASE}/orchestrators/echo/{instance_id}")
    if header:
        connection.putheader(*header)
    connection.endheaders(b"0\r\n\r\n" if header and header[1] == "chunked" else None)
    assert connection.getresponse().status == 202
    connection.close()
    done = served.finished(instance_id)
    assert (done["runtimeStatus"], done["input"], done["output"]) == ("Completed", None, None)


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("timeout=NaN&pollingInterval=1", 400, "Not-a-Number"),
        ("timeout=Infinity&pollingInterval=1", 500, "too long"),
        (
            "timeout=0.5&pollingInterval=1.5",
            400,
            "Total timeout 0.5 should be bigger than retry timeout 1.5",
        ),
    ],
)
def test_a_wait_that_makes_no_sense_is_refused_after_the_start(query, status, said, served):
    instance_id = f"wait-{status}-{len(said)}"
    found, answer = served.ask("POST", f"orchestrators/echo/{instance_id}?{query}", 1)
    assert (found, said in (answer.get("ExceptionMessage") or answer["Message"])) == (status, True)
    assert served.finished(instance_id)["output"] == 1


def test_an_event_is_judged_after_its_instance(served):
    assert served.ask("POST", "instances/absent/raiseEvent/X", b"{bad", JSON)[0] == 404
    assert served.ask("POST", "instances/done/raiseEvent/X", b"{bad", JSON)[0] == 410
    assert (
        served.ask(
            "POST", "instances/sleeps/raiseEvent/X", b"1", {"Content-Type": "application/x+json"}
        )[0]
        == 400
    )
    assert served.ask("POST", "instances/sleeps/raiseEvent/X", b'{"a":1} junk', JSON)[0] == 202


def test_statuses_that_name_no_final_one_purge_nothing(served):
    for statuses in ("Running", "completed", "Nope"):
        assert served.ask(
            "DELETE", f"instances?createdTimeFrom=2020-01-01&runtimeStatus={statuses}"
        ) == (404, "")
    assert served.ask("GET", "instances/sleeps")[0] == 202


def test_an_entity_is_not_purged_and_no_error(served):
    assert served.ask("DELETE", "instances/@counter@k") == (200, {"instancesDeleted": 0})


@pytest.mark.parametrize("token", ["x", "1", "1.", "-.-", "9" * 50, "9" * 50 + ".1"])
def test_a_token_of_another_hub_is_refused(token, served):
    status, answer = served.ask(
        "GET", "instances?top=1", headers={"x-ms-continuation-token": token}
    )
    assert (status, answer["Message"]) == (
        400,
        "One or more of the arguments submitted is incorrect",
    )


def test_pages_go_on_after_a_key_that_no_header_could_hold(served):
    keys = ["page-☃", "page-☃☃", "page-é"]
    for key in keys:
        served.ask("POST", f"entities/counter/{quote(key)}?op=add", 1)
        served.until(f"entities/counter/{quote(key)}", lambda status, _body: status == 200)
    token, found = "", []
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
        connection.request(
            "GET", f"{BASE}/entities?top=1", headers={"x-ms-continuation-token": token}
        )
        answer = connection.getresponse()
        found += [row["entityId"]["key"] for row in json.loads(answer.read())]
        connection.close()
        if not (token := answer.getheader("x-ms-continuation-token")):
            break
    assert [key for key in found if key.startswith("page-")] == sorted(keys)


def test_a_start_for_another_hub_is_refused_rather_than_lost(served):
    status, answer = served.ask("POST", "orchestrators/echo?taskHub=Other", 1)
    assert (status, answer["ExceptionMessage"]) == (
        500,
        "The task hub 'Other' is not served here, only 'local' is.",
    )


@pytest.mark.parametrize(
    ("target", "headers", "body", "said"),
    [
        ("entities", JSON, b"1", "The entity name must not be empty."),
        ("entities/counter/a%3Fb?op=add", JSON, b"1", "Entity keys must not contain"),
        ("entities/nobody/k", JSON, b"1", "The function 'nobody' doesn't exist"),
        (
            "entities/counter/k?op=add",
            JSON,
            b"",
            "Could not parse JSON content: Error reading JToken",
        ),
    ],
)
def test_a_signal_that_makes_no_sense_is_refused(target, headers, body, said, served):
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    connection.putrequest("POST", f"{BASE}/{target}")
    for name, value in headers.items():
        connection.putheader(name, value)
    if body:
        connection.putheader("Content-Length", str(len(body)))
    else:
        connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders(body or b"0\r\n\r\n")
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert (answer.status, said in text) == (400, True), text


def test_an_entity_takes_text_of_another_type_as_it_is(served):
    assert (
        served.ask(
            "POST", "entities/counter/text?op=add", b"plain", {"Content-Type": "text/plain"}
        )[0]
        == 202
    )


def test_names_of_parameters_and_literals_have_no_case(served):
    assert served.ask("GET", f"{BASE.upper()}/INSTANCES/done?SHOWINPUT=False")[1]["input"] is None


def test_a_page_of_the_app_that_is_not_there_is_404(served):
    assert served.ask("GET", "/api/nothing") == (404, "")
    assert served.ask("GET", "/nothing") == (404, "")

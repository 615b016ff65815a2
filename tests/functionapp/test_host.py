"""host.json: what is applied, what is not, and what cannot be used."""

from __future__ import annotations

import json

import pytest

from durablectl.functionapp.host import HostSettings, read_host

DURABLE = "extensions.durableTask."


@pytest.fixture
def read(folder):
    """The settings of a host.json, with variables over it."""

    def read(document, **environ):
        (folder / "host.json").write_text(
            document if isinstance(document, str) else json.dumps(document), encoding="utf-8"
        )
        return read_host(folder, environ)

    return read


def test_without_a_host_json_there_are_the_defaults(folder):
    assert read_host(folder, {}) == HostSettings("api", None, "", False, None, (), (), ())


def test_what_is_applied_is_read_without_regard_to_case(read):
    durable = {
        "hubName": "Mine",
        "defaultVersion": "2",
        "OverridableExistingInstanceStates": "anyState",
    }
    host = read(
        {
            "version": "2.0",
            "functionTimeout": "00:05:00",
            "Extensions": {"http": {"routePrefix": "/v1/"}, "durabletask": durable},
        }
    )
    assert host == HostSettings("v1", "Mine", "2", True, 300.0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:00:30", 30),
        ("01:00", 3600),
        ("1.00:00:01", 86401),
        ("00:00:00.25", 0.25),
        ("-1", None),
        (None, None),
    ],
)
def test_a_timeout_is_a_time_span(read, text, seconds):
    host = read({"functionTimeout": text})
    assert (host.function_timeout, host.warnings) == (seconds, ())


@pytest.mark.parametrize(
    "text", ["5m", "00:00:00", "-00:01:00", "5", 5, True, ["00:01:00"], "9" * 5000]
)
def test_a_timeout_that_is_none_is_told_and_not_applied(read, text):
    host = read({"functionTimeout": text})
    assert (host.function_timeout, host.warnings) == (
        None,
        (f"host.json: functionTimeout is a time like 00:05:00, not {text!r}; it is not applied",),
    )


def test_unknown_states_are_told(read):
    told = "host.json: overridableExistingInstanceStates is AnyState or NonRunningStates, not 'Any'"
    assert read(
        {"extensions": {"durableTask": {"overridableExistingInstanceStates": "Any"}}}
    ).warnings == (told,)


def test_variables_go_over_the_file_and_into_it(read):
    host = read(
        {"extensions": {"durableTask": {"hubName": "%HUB%"}}, "functionTimeout": "00:01:00"},
        HUB="FromTheSetting",
        AzureFunctionsJobHost__functionTimeout="00:02:00",
        AZUREFUNCTIONSJOBHOST__extensions__durableTask__defaultVersion="7",
    )
    assert (host.hub_name, host.function_timeout, host.default_version) == (
        "FromTheSetting",
        120.0,
        "7",
    )
    assert read({"extensions": {"durableTask": {"hubName": "%NONE%"}}}).hub_name is None


def test_what_is_not_applied_is_named_once_and_what_is_unknown_as_it_is_written(read):
    host = read(
        {
            "version": "2.0",
            "logging": {"logLevel": {"default": "Debug"}},
            "extensionBundle": {"id": "x", "version": "[4.*, 5.0.0)"},
            "functionTimeOut": "00:05:00",
            "funktions": ["A"],
            "durableTask": {"hubName": "Old"},
            "extensions": {
                "queues": {"batchSize": 1},
                "http": {"routePrefix": "", "maxConcurrentRequests": 10},
                "durableTask": {
                    "MaxConcurrentActivityFunctions": 5,
                    "storageProvider": {"type": "mssql", "connectionStringName": "C"},
                    "hubname": "h",
                    "tracing": {"traceInputsAndOutputs": True},
                    "maxActivities": 3,
                },
            },
        }
    )
    assert host.not_applied == (
        "extensions.http.maxConcurrentRequests",
        f"{DURABLE}maxConcurrentActivityFunctions",
        f"{DURABLE}storageProvider",
    )
    assert host.unknown == ("funktions", "durableTask.hubName", f"{DURABLE}maxActivities")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"a": ', "host.json:1:7: not JSON: "),
        ("[" * 100_000, "cannot read host.json: "),
        ("[]", "host.json: not a JSON object; no setting of it is applied"),
        ("null", "host.json: not a JSON object; no setting of it is applied"),
        ('{"extensions": []}', None),
    ],
    ids=["cut off", "depth", "an array", "null", "no object"],
)
def test_a_file_that_cannot_be_used_leaves_the_defaults(read, text, told):
    host = read(text)
    assert (host.route_prefix, host.function_timeout) == ("api", None)
    assert "" not in host.unknown
    assert [warning.startswith(told) for warning in host.warnings] == ([True] if told else [])


def test_what_is_wrong_is_a_warning_of_the_app(load, write):
    write("host.json", "{")
    registry = load("app = df.DFApp()\n@app.activity_trigger(input_name='x')\ndef a(x): ...\n")
    assert registry.warnings == [
        (
            "host.json:1:2: not JSON: expecting property name enclosed in "
            "double quotes; no setting of it is applied"
        )
    ]

"""`durablectl.df` has the names and the signatures of azure-functions-durable 1.x."""

from __future__ import annotations

import inspect
from enum import Enum
from typing import Any

import azure.durable_functions as sdk
import pytest

from durablectl import df
from durablectl.engine.registry import Activity, Entity, Orchestrator, OtherFunction
from durablectl.errors import AppError
from durablectl.model import EntityId

# Triggers that the azure packages declare in full and that we take with `**kwargs`.
OPEN_ENDED = {
    "service_bus_queue_trigger",
    "service_bus_topic_trigger",
    "event_hub_message_trigger",
    "cosmos_db_trigger",
}


def shape(function: Any) -> list[tuple[str, Any]]:
    """The parameters by name and default; an enum's default by its value."""
    return [
        (name, p.default.value if isinstance(p.default, Enum) else p.default)
        for name, p in inspect.signature(function).parameters.items()
    ]


def public(kind: type) -> list[str]:
    return [name for name in vars(kind) if not name.startswith("_")]


def test_every_public_name_of_the_sdk_is_there():
    of_azure_functions = {
        "AuthLevel",
        "Context",
        "HttpMethod",
        "HttpRequest",
        "HttpResponse",
        "Out",
    }
    assert sorted((set(sdk.__all__) - {"openai_agents"}) | of_azure_functions) == df.__all__
    assert all(hasattr(df, name) for name in df.__all__)


@pytest.mark.parametrize(
    "name", ["RetryOptions", "EntityId", "ManagedIdentityTokenSource", "DFApp", "Blueprint"]
)
def test_values_are_made_with_the_same_arguments(name):
    assert shape(getattr(df, name)) == shape(getattr(sdk, name))


def test_every_decorator_of_ours_has_the_parameters_of_the_sdk():
    names = [name for name in public(df.Blueprint) if name not in OPEN_ENDED]
    assert {name: shape(getattr(df.DFApp, name)) for name in names} == {
        name: shape(getattr(sdk.DFApp, name)) for name in names
    }


@pytest.mark.parametrize("name", sorted(OPEN_ENDED))
def test_an_open_ended_trigger_begins_like_the_sdks(name):
    ours = [parameter for parameter in shape(getattr(df.DFApp, name)) if parameter[0] != "kwargs"]
    assert ours == shape(getattr(sdk.DFApp, name))[: len(ours)]


@pytest.mark.parametrize(
    "kind", ["DurableEntityContext", "DurableOrchestrationContext", "DurableOrchestrationClient"]
)
def test_contexts_and_client_have_the_sdks_members(kind):
    theirs, ours = getattr(sdk, kind), getattr(df, kind)
    wire = {"from_json", "decision_started_event", "open_tasks", "deferred_tasks"}
    names = [name for name in public(theirs) if name not in wire]
    methods = [name for name in names if inspect.isroutine(getattr(theirs, name))]
    assert [name for name in names if not hasattr(ours, name)] == []
    assert {name: shape(getattr(ours, name)) for name in methods} == {
        name: shape(getattr(theirs, name)) for name in methods
    }


def test_an_app_may_extend_the_values_as_on_azure():
    for names in (df, sdk):

        class Often(names.RetryOptions):
            def __init__(self):
                super().__init__(1000, 9)
                self.why = "flaky"

        often = Often()
        assert (often.max_number_of_attempts, often.why) == (9, "flaky")
        assert len({often, Often()}) == 2


def test_values_behave_as_the_sdks():
    for names in (df, sdk):
        retry, entity = names.RetryOptions(1000, 3), names.EntityId("Stock", "Box 1")
        assert retry.to_json() == {
            "firstRetryIntervalInMilliseconds": 1000,
            "maxNumberOfAttempts": 3,
        }
        assert (str(entity), names.EntityId.get_entity_id("@stock@1")) == (
            "@stock@Box 1",
            names.EntityId("stock", "1"),
        )
        assert names.EntityId.get_entity_id_url_path(entity) == "entities/Stock/Box 1"
        assert names.ManagedIdentityTokenSource("r").to_json() == {
            "resource": "r",
            "kind": "AzureManagedIdentity",
        }
    assert {status.name: status.value for status in df.OrchestrationRuntimeStatus} == {
        status.name: status.value for status in sdk.OrchestrationRuntimeStatus
    }
    assert isinstance(df.EntityId("a", "b"), EntityId)


@pytest.mark.parametrize(
    "make",
    [
        lambda: df.RetryOptions(0, 3),
        lambda: df.EntityId("", "key"),
        lambda: df.EntityId("name", ""),
        lambda: df.EntityId.get_entity_id("@a@b@c"),
    ],
    ids=["interval", "no-name", "no-key", "at-in-key"],
)
def test_values_that_make_no_sense_are_refused(make):
    with pytest.raises(ValueError, match=r"greater than 0|is empty|expected @name@key"):
        make()


def test_a_decorated_function_stays_callable_and_carries_what_the_engine_needs():
    app = df.DFApp()

    @app.activity_trigger(input_name="x")
    def double(x: int) -> int:
        """Twice x."""
        return 2 * x

    assert (double(4), double.__name__, double.__doc__) == (8, "double", "Twice x.")
    assert double.durablectl_function == Activity("double", double.declared.function, "x")


def test_each_kind_of_function_is_what_its_trigger_says():
    app = df.DFApp()
    made = [
        app.orchestration_trigger("context")(lambda context: None),
        app.entity_trigger("context", "Stock")(lambda context: None),
        app.route("go")(lambda req: None),
    ]
    assert [type(one.durablectl_function) for one in made] == [Orchestrator, Entity, OtherFunction]


def test_a_function_without_a_trigger_cannot_be_called_by_an_orchestrator():
    with pytest.raises(AppError, match="has no trigger"):
        _ = df.DFApp().function_name("X")(lambda: None).durablectl_function


def test_a_decorator_on_top_changes_what_the_engine_knows():
    app = df.DFApp()
    double = app.activity_trigger("x")(lambda x: 2 * x)
    names = [
        double.durablectl_function.name,
        app.function_name("Double")(double).durablectl_function.name,
    ]
    assert names == ["<lambda>", "Double"]


def test_a_second_trigger_is_refused():
    app = df.DFApp()
    with pytest.raises(ValueError, match=r"has a trigger already \(activityTrigger\)"):
        app.entity_trigger("context")(app.activity_trigger("x")(lambda x: x))


def test_an_app_is_not_registered_in_an_app():
    with pytest.raises(TypeError, match="put its functions into a Blueprint"):
        df.DFApp().register_functions(df.DFApp())


def test_a_decorator_that_we_lack_says_what_has_it():
    with pytest.raises(
        AttributeError,
        match=r"durablectl\.df has no 'kafka_trigger'.*pip install "
        r"azure-functions-durable",
    ):
        df.DFApp().kafka_trigger(arg_name="x")


@pytest.mark.parametrize(
    ("decorate", "attribute"),
    [
        (lambda app: app.orchestration_trigger("context"), "orchestrator_function"),
        (lambda app: app.entity_trigger("context"), "entity_function"),
        (lambda app: app.durable_client_input("client"), "client_function"),
    ],
    ids=["orchestrator", "entity", "starter"],
)
@pytest.mark.parametrize("names", [df, sdk], ids=["durablectl", "azure"])
def test_a_unit_test_in_the_sdks_manner_reaches_the_users_function(names, decorate, attribute):
    app = names.DFApp()

    async def function(context: Any, client: Any = None) -> None:
        """Whatever the user wrote."""

    decorated = (
        app.route()(decorate(app)(function))
        if attribute == "client_function"
        else decorate(app)(function)
    )
    assert getattr(decorated.build().get_user_function(), attribute) is function
    assert decorated.build().get_function_name() == "function"


@pytest.mark.parametrize("names", [df, sdk], ids=["durablectl", "azure"])
def test_handles_of_the_older_layout_keep_their_function(names):
    def function(context: Any) -> None:
        """Whatever the user wrote."""

    assert names.Orchestrator.create(function).orchestrator_function is function
    assert names.Entity.create(function).entity_function is function

"""The values that an orchestrator hands to its context, under the names of azure-functions-durable;
no engine.
"""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from enum import Enum

from durablectl import model


@dataclass(eq=False)
class RetryOptions:
    """How often a failed call is tried again, and how long to wait in between.

    The number is that of all attempts, the first one included.
    """

    first_retry_interval_in_milliseconds: int
    max_number_of_attempts: int

    def __post_init__(self) -> None:
        if self.first_retry_interval_in_milliseconds <= 0:
            raise ValueError("first_retry_interval_in_milliseconds must be greater than 0")

    def to_json(self) -> dict[str, int]:
        """The options as the out-of-process protocol writes them."""
        return {
            "firstRetryIntervalInMilliseconds": self.first_retry_interval_in_milliseconds,
            "maxNumberOfAttempts": self.max_number_of_attempts,
        }


@dataclass(frozen=True, slots=True)
class EntityId(model.EntityId):
    """The name and key of an entity; neither may be empty (ValueError).

    `str()` is its instance id.
    """

    def __post_init__(self) -> None:
        for part, value in (("name", self.name), ("key", self.key)):
            if value == "":
                raise ValueError(f"the entity {part} is empty")

    def __str__(self) -> str:
        return EntityId.get_scheduler_id(self)

    @staticmethod
    def get_scheduler_id(entity_id: model.EntityId) -> str:
        """The instance id of an entity: `@name@key`, the name in lower case."""
        return f"@{entity_id.name.lower()}@{entity_id.key}"

    @staticmethod
    def get_entity_id(scheduler_id: str) -> EntityId:
        """The entity of an instance id; ValueError when it is not one, or when its key holds an
        `@`."""
        parts = scheduler_id[1:].split("@")
        if len(parts) != 2:
            raise ValueError(
                f"'{scheduler_id}' is not the instance id of an entity (expected @name@key)"
            )
        return EntityId(parts[0], parts[1])

    @staticmethod
    def get_entity_id_url_path(entity_id: model.EntityId) -> str:
        """The entity's path below the HTTP API's address."""
        return f"entities/{entity_id.name}/{entity_id.key}"


class TokenSource(ABC):  # noqa: B024 - a mark for annotations, as in the SDK
    """Where `call_http` takes an OAuth token from."""


@dataclass(eq=False)
class ManagedIdentityTokenSource(TokenSource):
    """A token of the app's managed identity for `resource`, the address of the API that it is for,
    such as `https://graph.microsoft.com/`.

    There is no such identity outside of Azure.
    """

    resource: str

    def to_json(self) -> dict[str, str]:
        """The token source as a durable HTTP request holds it."""
        return {"resource": self.resource, "kind": "AzureManagedIdentity"}


class OrchestrationRuntimeStatus(Enum):
    """The state of an instance, with the SDK's member names."""

    Running = "Running"
    Completed = "Completed"
    ContinuedAsNew = "ContinuedAsNew"
    Failed = "Failed"
    Canceled = "Canceled"
    Terminated = "Terminated"
    Pending = "Pending"
    Suspended = "Suspended"


class DurableFunctionsCompatibilityWarning(UserWarning):
    """The SDK's category for apps that its next major version will not run; never raised here."""

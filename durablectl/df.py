"""The authoring names of azure-functions-durable 1.x, for apps without the azure packages.

An app that says `from durablectl import df` (or `import durablectl.df as df`) runs here and, once
the import is changed to `import azure.durable_functions as df`, on Azure. `AuthLevel`, `Context`,
`HttpMethod`, `HttpRequest`, `HttpResponse` and `Out` are those of azure.functions. A face over
functionapp and engine: nothing is defined here.
"""

from __future__ import annotations

from durablectl.engine.replay.context import OrchestrationContext as DurableOrchestrationContext
from durablectl.functionapp.bindings import Out
from durablectl.functionapp.contexts import DurableEntityContext, DurableOrchestrationClient
from durablectl.functionapp.decorators import Blueprint, DFApp, Entity, Orchestrator
from durablectl.functionapp.http import AuthLevel, HttpMethod, HttpRequest, HttpResponse
from durablectl.functionapp.invocation import Context
from durablectl.functionapp.values import (
    DurableFunctionsCompatibilityWarning,
    EntityId,
    ManagedIdentityTokenSource,
    OrchestrationRuntimeStatus,
    RetryOptions,
)

__all__ = [
    "AuthLevel",
    "Blueprint",
    "Context",
    "DFApp",
    "DurableEntityContext",
    "DurableFunctionsCompatibilityWarning",
    "DurableOrchestrationClient",
    "DurableOrchestrationContext",
    "Entity",
    "EntityId",
    "HttpMethod",
    "HttpRequest",
    "HttpResponse",
    "ManagedIdentityTokenSource",
    "OrchestrationRuntimeStatus",
    "Orchestrator",
    "Out",
    "RetryOptions",
]

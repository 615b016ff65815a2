"""Dapr's dialect of the protocol, as what differs from `table.py`; data only.

The facts are those of the descriptors in the packages dapr 1.19 and dapr-ext-workflow 1.18. Newer
versions of Dapr have renamed messages and fields ("workflow" for "orchestration", "child workflow"
for "sub-orchestration"), which does not show on the wire: this table keeps the names of `table.py`,
so that one codec serves both dialects. What does show is here:

- Field 30 of a history event is the app that it is routed to, not the event `executionRewound`. The
  events 18, 19 and 23 to 29 are gone; 31 and 32 are new.
- A scheduled task has an execution id where the other dialect has tags, and the start of a
  sub-orchestration has the instance that it repeats.
- Failure details have no properties. A purge has neither a batch nor a time limit, but `force`.
- A start has no policy for an id that is taken.
- `GetInstanceHistory` returns a whole history in one message, and `ListInstanceIDs` every id,
  finished or not. Queries, rewind, restart and entities are gone.
- The status STALLED (8): the instance waits for a worker that has the patches or the version of the
  orchestrator that its history was made with.
"""

from __future__ import annotations

from durablectl.protocol import table

STATUSES = f"{table.STATUSES} STALLED"

CHANGED = """
TaskFailureDetails: 6
ParentInstanceInfo: 5 appID string?, 6 appNamespace string?
TaskRouter: 1 sourceAppID, 2 targetAppID string?, 3 targetAppNamespace string?
RerunParentInstanceInfo: 1 instanceID
TaskScheduledEvent: 5 taskExecutionId
SubOrchestrationInstanceCreatedEvent: 6 rerunParentInstanceInfo RerunParentInstanceInfo?
ExecutionStalledEvent: 2 description string?
DetachedWorkflowInstanceCreatedEvent: 1 instanceId
HistoryEvent: 18, 19, 23, 24, 25, 26, 27, 28, 29,
  30 router TaskRouter?,
  31 eventType/executionStalled ExecutionStalledEvent,
  32 eventType/detachedWorkflowInstanceCreated DetachedWorkflowInstanceCreatedEvent
CreateInstanceRequest: 6, 10
PurgeInstanceFilter: 4
PurgeInstancesRequest: 4 force bool?, 5
ListInstanceIDsRequest: 1 continuationToken string?, 2 pageSize uint32?
ListInstanceIDsResponse: 1 instanceIds string*, 2 continuationToken string?
GetInstanceHistoryRequest: 1 instanceId
GetInstanceHistoryResponse: 1 events HistoryEvent*
"""
"""A field takes the place of the one with its number in `table.py`; a number alone is a field that
is not there."""

SHARED_METHODS = (
    "Hello StartInstance GetInstance WaitForInstanceStart WaitForInstanceCompletion RaiseEvent "
    "TerminateInstance SuspendInstance ResumeInstance PurgeInstances"
)
METHODS = """
ListInstanceIDs: ListInstanceIDsRequest ListInstanceIDsResponse
GetInstanceHistory: GetInstanceHistoryRequest GetInstanceHistoryResponse
"""

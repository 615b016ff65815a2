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
TaskFailureDetails: 1 errorType, 2 errorMessage, 3 stackTrace text,
  4 innerFailure TaskFailureDetails, 5 isNonRetriable bool
ParentInstanceInfo: 1 taskScheduledId int32, 2 name text, 3 version text,
  4 orchestrationInstance OrchestrationInstance, 5 appID string?, 6 appNamespace string?
TaskRouter: 1 sourceAppID, 2 targetAppID string?, 3 targetAppNamespace string?
RerunParentInstanceInfo: 1 instanceID
TaskScheduledEvent: 1 name, 2 version text, 3 input text, 4 parentTraceContext TraceContext,
  5 taskExecutionId
SubOrchestrationInstanceCreatedEvent: 1 instanceId, 2 name, 3 version text, 4 input text,
  5 parentTraceContext TraceContext, 6 rerunParentInstanceInfo RerunParentInstanceInfo?
ExecutionStalledEvent: 2 description string?
DetachedWorkflowInstanceCreatedEvent: 1 instanceId
HistoryEvent: 1 eventId int32, 2 timestamp time,
  3 eventType/executionStarted ExecutionStartedEvent,
  4 eventType/executionCompleted ExecutionCompletedEvent,
  5 eventType/executionTerminated ExecutionTerminatedEvent,
  6 eventType/taskScheduled TaskScheduledEvent,
  7 eventType/taskCompleted TaskCompletedEvent,
  8 eventType/taskFailed TaskFailedEvent,
  9 eventType/subOrchestrationInstanceCreated SubOrchestrationInstanceCreatedEvent,
  10 eventType/subOrchestrationInstanceCompleted SubOrchestrationInstanceCompletedEvent,
  11 eventType/subOrchestrationInstanceFailed SubOrchestrationInstanceFailedEvent,
  12 eventType/timerCreated TimerCreatedEvent,
  13 eventType/timerFired TimerFiredEvent,
  14 eventType/orchestratorStarted OrchestratorStartedEvent,
  15 eventType/orchestratorCompleted OrchestratorCompletedEvent,
  16 eventType/eventSent EventSentEvent,
  17 eventType/eventRaised EventRaisedEvent,
  20 eventType/continueAsNew ContinueAsNewEvent,
  21 eventType/executionSuspended ExecutionSuspendedEvent,
  22 eventType/executionResumed ExecutionResumedEvent,
  30 router TaskRouter?,
  31 eventType/executionStalled ExecutionStalledEvent,
  32 eventType/detachedWorkflowInstanceCreated DetachedWorkflowInstanceCreatedEvent
CreateInstanceRequest: 1 instanceId, 2 name, 3 version text, 4 input text,
  5 scheduledStartTimestamp time, 7 executionId text, 8 tags string{},
  9 parentTraceContext TraceContext
PurgeInstanceFilter: 1 createdTimeFrom time, 2 createdTimeTo time,
  3 runtimeStatus OrchestrationStatus*
PurgeInstancesRequest: 1 request/instanceId, 2 request/purgeInstanceFilter PurgeInstanceFilter,
  3 recursive bool, 4 force bool?
ListInstanceIDsRequest: 1 continuationToken string?, 2 pageSize uint32?
ListInstanceIDsResponse: 1 instanceIds string*, 2 continuationToken string?
GetInstanceHistoryRequest: 1 instanceId
GetInstanceHistoryResponse: 1 events HistoryEvent*
"""

METHODS = """
Hello: Empty Empty
StartInstance: CreateInstanceRequest CreateInstanceResponse
GetInstance: GetInstanceRequest GetInstanceResponse
WaitForInstanceStart: GetInstanceRequest GetInstanceResponse
WaitForInstanceCompletion: GetInstanceRequest GetInstanceResponse
ListInstanceIDs: ListInstanceIDsRequest ListInstanceIDsResponse
GetInstanceHistory: GetInstanceHistoryRequest GetInstanceHistoryResponse
RaiseEvent: RaiseEventRequest RaiseEventResponse
TerminateInstance: TerminateRequest TerminateResponse
SuspendInstance: SuspendRequest SuspendResponse
ResumeInstance: ResumeRequest ResumeResponse
PurgeInstances: PurgeInstancesRequest PurgeInstancesResponse
"""

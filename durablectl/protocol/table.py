"""The messages and methods of `TaskHubSidecarService`: names, numbers and types; data only.

Names and numbers are facts of the protocol (microsoft/durabletask-protobuf); a test compares them
with the descriptor inside the `durabletask` package. Left out is what a worker that takes its work
from the service needs: `GetWorkItems` and what completes or abandons its items.

A line is a message and its fields, `NUMBER NAME TYPE`; a line that starts with blanks continues the
one before it. No type is `string`. `text`, `count`, `flag`, `time`, `span` and `json` are the
well-known types StringValue, Int32Value, BoolValue, Timestamp, Duration and Value. `TYPE*` is
repeated, `TYPE{}` a map from string to TYPE, and `ONEOF/NAME` a member of a oneof.
"""

from __future__ import annotations

SERVICE = "TaskHubSidecarService"

WELL_KNOWN = """
Empty:
StringValue: 1 value
Int32Value: 1 value int32
BoolValue: 1 value bool
Timestamp: 1 seconds int64, 2 nanos int32
Duration: 1 seconds int64, 2 nanos int32
Struct: 1 fields Value{}
ListValue: 1 values Value*
Value: 1 kind/null_value NullValue, 2 kind/number_value double, 3 kind/string_value,
  4 kind/bool_value bool, 5 kind/struct_value Struct, 6 kind/list_value ListValue
"""
"""The messages of the package google.protobuf. Its own modules of them take 20 ms to import."""

STATUSES = "RUNNING COMPLETED CONTINUED_AS_NEW FAILED CANCELED TERMINATED PENDING SUSPENDED"
"""The members of the enum OrchestrationStatus, from 0 on."""

MESSAGES = """
OrchestrationInstance: 1 instanceId, 2 executionId text
TaskFailureDetails: 1 errorType, 2 errorMessage, 3 stackTrace text,
  4 innerFailure TaskFailureDetails, 5 isNonRetriable bool, 6 properties json{}
ParentInstanceInfo: 1 taskScheduledId int32, 2 name text, 3 version text,
  4 orchestrationInstance OrchestrationInstance
TraceContext: 1 traceParent, 2 spanID, 3 traceState text
OrchestrationTraceContext: 1 spanID text, 2 spanStartTime time

ExecutionStartedEvent: 1 name, 2 version text, 3 input text,
  4 orchestrationInstance OrchestrationInstance, 5 parentInstance ParentInstanceInfo,
  6 scheduledStartTimestamp time, 7 parentTraceContext TraceContext, 8 orchestrationSpanID text,
  9 tags string{}
ExecutionCompletedEvent: 1 orchestrationStatus OrchestrationStatus, 2 result text,
  3 failureDetails TaskFailureDetails
ExecutionTerminatedEvent: 1 input text, 2 recurse bool
TaskScheduledEvent: 1 name, 2 version text, 3 input text, 4 parentTraceContext TraceContext,
  5 tags string{}
TaskCompletedEvent: 1 taskScheduledId int32, 2 result text
TaskFailedEvent: 1 taskScheduledId int32, 2 failureDetails TaskFailureDetails
SubOrchestrationInstanceCreatedEvent: 1 instanceId, 2 name, 3 version text, 4 input text,
  5 parentTraceContext TraceContext, 6 tags string{}
SubOrchestrationInstanceCompletedEvent: 1 taskScheduledId int32, 2 result text
SubOrchestrationInstanceFailedEvent: 1 taskScheduledId int32, 2 failureDetails TaskFailureDetails
TimerCreatedEvent: 1 fireAt time
TimerFiredEvent: 1 fireAt time, 2 timerId int32
OrchestratorStartedEvent:
OrchestratorCompletedEvent:
EventSentEvent: 1 instanceId, 2 name, 3 input text
EventRaisedEvent: 1 name, 2 input text
GenericEvent: 1 data text
HistoryStateEvent: 1 orchestrationState OrchestrationState
ContinueAsNewEvent: 1 input text
ExecutionSuspendedEvent: 1 input text
ExecutionResumedEvent: 1 input text
ExecutionRewoundEvent: 1 reason text, 2 parentExecutionId text, 3 instanceId text,
  4 parentTraceContext TraceContext, 5 name text, 6 version text, 7 input text,
  8 parentInstance ParentInstanceInfo, 9 tags string{}
EntityOperationSignaledEvent: 1 requestId, 2 operation, 3 scheduledTime time, 4 input text,
  5 targetInstanceId text
EntityOperationCalledEvent: 1 requestId, 2 operation, 3 scheduledTime time, 4 input text,
  5 parentInstanceId text, 6 parentExecutionId text, 7 targetInstanceId text
EntityLockRequestedEvent: 1 criticalSectionId, 2 lockSet string*, 3 position int32,
  4 parentInstanceId text
EntityOperationCompletedEvent: 1 requestId, 2 output text
EntityOperationFailedEvent: 1 requestId, 2 failureDetails TaskFailureDetails
EntityUnlockSentEvent: 1 criticalSectionId, 2 parentInstanceId text, 3 targetInstanceId text
EntityLockGrantedEvent: 1 criticalSectionId
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
  18 eventType/genericEvent GenericEvent,
  19 eventType/historyState HistoryStateEvent,
  20 eventType/continueAsNew ContinueAsNewEvent,
  21 eventType/executionSuspended ExecutionSuspendedEvent,
  22 eventType/executionResumed ExecutionResumedEvent,
  23 eventType/entityOperationSignaled EntityOperationSignaledEvent,
  24 eventType/entityOperationCalled EntityOperationCalledEvent,
  25 eventType/entityOperationCompleted EntityOperationCompletedEvent,
  26 eventType/entityOperationFailed EntityOperationFailedEvent,
  27 eventType/entityLockRequested EntityLockRequestedEvent,
  28 eventType/entityLockGranted EntityLockGrantedEvent,
  29 eventType/entityUnlockSent EntityUnlockSentEvent,
  30 eventType/executionRewound ExecutionRewoundEvent
HistoryChunk: 1 events HistoryEvent*

ScheduleTaskAction: 1 name, 2 version text, 3 input text, 4 tags string{},
  5 parentTraceContext TraceContext
CreateSubOrchestrationAction: 1 instanceId, 2 name, 3 version text, 4 input text,
  5 parentTraceContext TraceContext, 6 tags string{}
CreateTimerAction: 1 fireAt time
SendEventAction: 1 instance OrchestrationInstance, 2 name, 3 data text
CompleteOrchestrationAction: 1 orchestrationStatus OrchestrationStatus, 2 result text,
  3 details text, 4 newVersion text, 5 carryoverEvents HistoryEvent*,
  6 failureDetails TaskFailureDetails,
  7 tags string{}
TerminateOrchestrationAction: 1 instanceId, 2 reason text, 3 recurse bool
SendEntityMessageAction:
  1 EntityMessageType/entityOperationSignaled EntityOperationSignaledEvent,
  2 EntityMessageType/entityOperationCalled EntityOperationCalledEvent,
  3 EntityMessageType/entityLockRequested EntityLockRequestedEvent,
  4 EntityMessageType/entityUnlockSent EntityUnlockSentEvent
RewindOrchestrationAction: 1 newHistory HistoryEvent*
OrchestratorAction: 1 id int32,
  2 orchestratorActionType/scheduleTask ScheduleTaskAction,
  3 orchestratorActionType/createSubOrchestration CreateSubOrchestrationAction,
  4 orchestratorActionType/createTimer CreateTimerAction,
  5 orchestratorActionType/sendEvent SendEventAction,
  6 orchestratorActionType/completeOrchestration CompleteOrchestrationAction,
  7 orchestratorActionType/terminateOrchestration TerminateOrchestrationAction,
  8 orchestratorActionType/sendEntityMessage SendEntityMessageAction,
  9 orchestratorActionType/rewindOrchestration RewindOrchestrationAction
OrchestratorEntityParameters: 1 entityMessageReorderWindow span
OrchestratorRequest: 1 instanceId, 2 executionId text, 3 pastEvents HistoryEvent*,
  4 newEvents HistoryEvent*, 5 entityParameters OrchestratorEntityParameters,
  6 requiresHistoryStreaming bool, 7 properties json{},
  8 orchestrationTraceContext OrchestrationTraceContext
OrchestratorResponse: 1 instanceId, 2 actions OrchestratorAction*, 3 customStatus text,
  4 completionToken, 5 numEventsProcessed count,
  6 orchestrationTraceContext OrchestrationTraceContext, 7 requiresHistory bool, 8 isPartial bool,
  9 chunkIndex count
ActivityRequest: 1 name, 2 version text, 3 input text,
  4 orchestrationInstance OrchestrationInstance, 5 taskId int32, 6 parentTraceContext TraceContext,
  7 tags string{}
ActivityResponse: 1 instanceId, 2 taskId int32, 3 result text, 4 failureDetails TaskFailureDetails,
  5 completionToken

OperationRequest: 1 operation, 2 requestId, 3 input text, 4 traceContext TraceContext
OperationResultSuccess: 1 result text, 2 startTimeUtc time, 3 endTimeUtc time
OperationResultFailure: 1 failureDetails TaskFailureDetails, 2 startTimeUtc time, 3 endTimeUtc time
OperationResult: 1 resultType/success OperationResultSuccess,
  2 resultType/failure OperationResultFailure
OperationInfo: 1 requestId, 2 responseDestination OrchestrationInstance
SendSignalAction: 1 instanceId, 2 name, 3 input text, 4 scheduledTime time, 5 requestTime time,
  6 parentTraceContext TraceContext
StartNewOrchestrationAction: 1 instanceId, 2 name, 3 version text, 4 input text,
  5 scheduledTime time, 6 requestTime time, 7 parentTraceContext TraceContext
OperationAction: 1 id int32, 2 operationActionType/sendSignal SendSignalAction,
  3 operationActionType/startNewOrchestration StartNewOrchestrationAction
EntityBatchRequest: 1 instanceId, 2 entityState text, 3 operations OperationRequest*,
  4 properties json{}
EntityBatchResult: 1 results OperationResult*, 2 actions OperationAction*, 3 entityState text,
  4 failureDetails TaskFailureDetails, 5 completionToken, 6 operationInfos OperationInfo*,
  7 requiresState bool
EntityRequest: 1 instanceId, 2 executionId, 3 entityState text, 4 operationRequests HistoryEvent*

OrchestrationState: 1 instanceId, 2 name, 3 version text, 4 orchestrationStatus OrchestrationStatus,
  5 scheduledStartTimestamp time, 6 createdTimestamp time, 7 lastUpdatedTimestamp time,
  8 input text, 9 output text, 10 customStatus text, 11 failureDetails TaskFailureDetails,
  12 executionId text,
  13 completedTimestamp time, 14 parentInstanceId text, 15 tags string{}
OrchestrationIdReusePolicy: 1 replaceableStatus OrchestrationStatus*
CreateInstanceRequest: 1 instanceId, 2 name, 3 version text, 4 input text,
  5 scheduledStartTimestamp time, 6 orchestrationIdReusePolicy OrchestrationIdReusePolicy,
  7 executionId text, 8 tags string{}, 9 parentTraceContext TraceContext, 10 requestTime time
CreateInstanceResponse: 1 instanceId
GetInstanceRequest: 1 instanceId, 2 getInputsAndOutputs bool
GetInstanceResponse: 1 exists bool, 2 orchestrationState OrchestrationState
RewindInstanceRequest: 1 instanceId, 2 reason text
RewindInstanceResponse:
RestartInstanceRequest: 1 instanceId, 2 restartWithNewInstanceId bool
RestartInstanceResponse: 1 instanceId
RaiseEventRequest: 1 instanceId, 2 name, 3 input text
RaiseEventResponse:
TerminateRequest: 1 instanceId, 2 output text, 3 recursive bool
TerminateResponse:
SuspendRequest: 1 instanceId, 2 reason text
SuspendResponse:
ResumeRequest: 1 instanceId, 2 reason text
ResumeResponse:
InstanceQuery: 1 runtimeStatus OrchestrationStatus*, 2 createdTimeFrom time, 3 createdTimeTo time,
  4 taskHubNames text*, 5 maxInstanceCount int32, 6 continuationToken text, 7 instanceIdPrefix text,
  8 fetchInputsAndOutputs bool
QueryInstancesRequest: 1 query InstanceQuery
QueryInstancesResponse: 1 orchestrationState OrchestrationState*, 2 continuationToken text
ListInstanceIdsRequest: 1 runtimeStatus OrchestrationStatus*, 2 completedTimeFrom time,
  3 completedTimeTo time, 4 pageSize int32, 5 lastInstanceKey text
ListInstanceIdsResponse: 1 instanceIds string*, 2 lastInstanceKey text
InstanceBatch: 1 instanceIds string*
PurgeInstanceFilter: 1 createdTimeFrom time, 2 createdTimeTo time,
  3 runtimeStatus OrchestrationStatus*, 4 timeout span
PurgeInstancesRequest: 1 request/instanceId, 2 request/purgeInstanceFilter PurgeInstanceFilter,
  3 recursive bool, 4 request/instanceBatch InstanceBatch, 5 isOrchestration bool
PurgeInstancesResponse: 1 deletedInstanceCount int32, 2 isComplete flag
StreamInstanceHistoryRequest: 1 instanceId, 2 executionId text, 3 forWorkItemProcessing bool
CreateTaskHubRequest: 1 recreateIfExists bool
CreateTaskHubResponse:
DeleteTaskHubRequest:
DeleteTaskHubResponse:

SignalEntityRequest: 1 instanceId, 2 name, 3 input text, 4 requestId, 5 scheduledTime time,
  6 parentTraceContext TraceContext, 7 requestTime time
SignalEntityResponse:
EntityMetadata: 1 instanceId, 2 lastModifiedTime time, 3 backlogQueueSize int32, 4 lockedBy text,
  5 serializedState text
GetEntityRequest: 1 instanceId, 2 includeState bool
GetEntityResponse: 1 exists bool, 2 entity EntityMetadata
EntityQuery: 1 instanceIdStartsWith text, 2 lastModifiedFrom time, 3 lastModifiedTo time,
  4 includeState bool, 5 includeTransient bool, 6 pageSize count, 7 continuationToken text
QueryEntitiesRequest: 1 query EntityQuery
QueryEntitiesResponse: 1 entities EntityMetadata*, 2 continuationToken text
CleanEntityStorageRequest: 1 continuationToken text, 2 removeEmptyEntities bool,
  3 releaseOrphanedLocks bool
CleanEntityStorageResponse: 1 continuationToken text, 2 emptyEntitiesRemoved int32,
  3 orphanedLocksReleased int32
"""

METHODS = """
Hello: Empty Empty
CreateTaskHub: CreateTaskHubRequest CreateTaskHubResponse
DeleteTaskHub: DeleteTaskHubRequest DeleteTaskHubResponse
StartInstance: CreateInstanceRequest CreateInstanceResponse
GetInstance: GetInstanceRequest GetInstanceResponse
WaitForInstanceStart: GetInstanceRequest GetInstanceResponse
WaitForInstanceCompletion: GetInstanceRequest GetInstanceResponse
QueryInstances: QueryInstancesRequest QueryInstancesResponse
ListInstanceIds: ListInstanceIdsRequest ListInstanceIdsResponse
StreamInstanceHistory: StreamInstanceHistoryRequest HistoryChunk*
RaiseEvent: RaiseEventRequest RaiseEventResponse
TerminateInstance: TerminateRequest TerminateResponse
SuspendInstance: SuspendRequest SuspendResponse
ResumeInstance: ResumeRequest ResumeResponse
RewindInstance: RewindInstanceRequest RewindInstanceResponse
RestartInstance: RestartInstanceRequest RestartInstanceResponse
PurgeInstances: PurgeInstancesRequest PurgeInstancesResponse
SignalEntity: SignalEntityRequest SignalEntityResponse
GetEntity: GetEntityRequest GetEntityResponse
QueryEntities: QueryEntitiesRequest QueryEntitiesResponse
CleanEntityStorage: CleanEntityStorageRequest CleanEntityStorageResponse
"""
"""A method, the message that it takes and the one that it returns; `*` is a stream of them."""

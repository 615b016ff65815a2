// Why an instance is as it is, in words: what `durablectl why` knows, and the traceback of a failure.

import { copier, data, fill, h } from "./dom.js";
import { clock, moment, span } from "./format.js";

const MOST = 8, MOST_UNUSED = 3;
const TITLES = {
  Failed: "Why it failed", Suspended: "It is suspended", Terminated: "It was terminated", Canceled: "It was canceled",
  Completed: "Where the time went", Pending: "It has not started yet",
};

/** Write into `place`; `why` is null while it is being read, `cause` has the traceback. */
export function drawWhy(place, { why, status, app }) {
  const title = TITLES[status.runtimeStatus] || "What it waits for";
  const parts = [
    (why?.problems || []).map((problem) => h("p", { class: "problem" }, data(problem))),
    why?.intervention && intervention(why.intervention),
    status.cause ? failure(status, why, app) : null,
    why?.waitingFor?.length ? waits(why, status, app) : null,
    why?.timeSpent && status.runtimeStatus === "Completed" && spent(why.timeSpent, status, app),
    why?.unknown?.length ? h("p", { class: "quiet" }, "Not known: ", data(why.unknown.join("; ")), ".") : null,
    why?.next?.length ? next(why.next) : null,
    why === null && h("p", { class: "quiet" }, "Loading …"),
  ].flat().filter(Boolean);
  place.className = `why ${status.runtimeStatus.toLowerCase()}`;
  place.hidden = parts.length === 0;
  const isOver = status.runtimeStatus === "Completed";
  const open = place.querySelector("details")?.open;
  if (isOver) fill(place, h("details", open ? { open: true } : {}, h("summary", {}, h("h2", {}, title)), parts));
  else fill(place, h("h2", {}, title), parts);
}

function intervention({ at, reason }) {
  return h("p", {}, at ? `at ${moment(at)}` : "", reason ? [": ", data(reason)] : ", without a reason");
}

function failure({ cause, instanceId }, why, app) {
  const chain = (why?.failure?.chain || []).slice(1);
  return [
    h("p", { class: "cause" }, data(cause.text)),
    cause.through.length > 0 && h("p", {}, "in ", cause.through.map((each, index) => [index ? ", called by " : "", data(each)])),
    cause.place && h("p", { class: "quiet" }, "at ", data(cause.place)),
    chain.length > 0 && h("p", {}, "came up through ", chain.map((each, index) => [index ? ", " : "", link(app, each.instanceId, instanceId), ` (${each.name})`])),
    why?.failure?.alsoFailed?.length > 0 && h("p", {}, "Also failed: ", why.failure.alsoFailed.slice(0, MOST).map((each, index) => [index ? "; " : "", data(`${each.name}: ${each.cause}`)])),
    cause.traceback && h("details", {}, h("summary", {}, "Traceback"), h("pre", { class: "code", tabindex: "0" }, cause.traceback)),
  ];
}

function waits({ waitingFor, isAny, received }, { instanceId, runtimeStatus }, app) {
  const after = runtimeStatus === "Suspended" ? "After it is resumed: " : "";
  const any = isAny && waitingFor.length > 1 ? "the first of these lets it continue" : after && "it waits for these";
  return [
    any && h("p", { class: "quiet" }, after ? after + any : "The first of these lets it continue"),
    list(waitingFor, new Set(received.filter(isTaken).map((each) => each.name.toLowerCase())), instanceId, app),
    unused(received).map((each) => h("p", { class: "quiet" }, data(`event '${each.name}' came at ${moment(each.at)}, and has not let it continue`))),
  ];
}

const isTaken = ({ isUsed, isDelivered }) => isUsed !== false && isDelivered;
const unused = (received) => received.filter((each) => !isTaken(each)).slice(-MOST_UNUSED);

function list(waitingFor, received, owner, app) {
  return h("ul", {}, waitingFor.slice(0, MOST).map((wait) => h("li", {},
    h("strong", {}, data(label(wait))), wait.instanceId && wait.kind === "subOrchestration" && [" ", link(app, wait.instanceId, owner)],
    wait.place && h("code", {}, " ", data(wait.place)),
    h("span", { class: "quiet" }, " ", data(note(wait, received))),
    wait.waitingFor.length > 0 && list(wait.waitingFor, new Set(), wait.instanceId, app))),
  waitingFor.length > MOST && h("li", { class: "quiet" }, `and ${waitingFor.length - MOST} more`));
}

function label({ kind, name, instanceId }) {
  switch (kind) {
    case "event": return name ? `event '${name}'` : "an external event";
    case "timer": return "timer";
    case "entity": return `entity ${instanceId || ""}, operation '${name}'`;
    case "subOrchestration": return `sub-orchestration '${name}'`;
    default: return `${kind} '${name}'`;
  }
}

function note(wait, received) {
  return [
    wait.progress === "lost" ? `taken by process ${wait.worker}, which has ended or does not respond; another worker runs it again` : wait.progress,
    wait.runtimeStatus,
    wait.kind === "event" && wait.name && !received.has(wait.name.toLowerCase()) && "no event of that name received",
    wait.until && wait.progress !== "lost" && (wait.kind === "timer" ? `fires at ${moment(wait.until)}` : `tried again at ${moment(wait.until)}`),
    !wait.until && wait.since && `since ${clock(wait.since)}`,
    wait.queue && `${wait.queue} operations in its queue`,
    (wait.attempt > 1 || wait.maxAttempts) && `attempt ${wait.attempt}${wait.maxAttempts ? ` of ${wait.maxAttempts}` : ""}`,
    wait.lastFailure && `the last one failed: ${wait.lastFailure}`,
    wait.isAwaited === false && "the code does not wait for it now",
  ].filter(Boolean).join(", ");
}

function spent({ criticalPath, betweenSteps, seconds }, { instanceId }, app) {
  const longest = [...criticalPath].sort((a, b) => b.seconds - a.seconds).slice(0, MOST);
  return [
    h("p", { class: "quiet" }, "The steps that its duration depends on:"),
    h("ul", {}, criticalPath.filter((step) => longest.includes(step)).map((step) => h("li", {},
      data(label(step)), step.kind === "subOrchestration" && step.instanceId && [" ", link(app, step.instanceId, instanceId)],
      h("span", { class: "quiet" }, ` ${span(step.seconds * 1000)}${step.attempts > 1 ? `, ${step.attempts} attempts` : ""}`))),
    criticalPath.length > MOST && h("li", { class: "quiet" }, `and ${criticalPath.length - MOST} shorter ones`),
    h("li", {}, "between the steps ", h("span", { class: "quiet" }, `${span(betweenSteps * 1000)} of ${span(seconds * 1000)}`))),
  ];
}

function next(commands) {
  return h("ul", { class: "next", "aria-label": "Commands to run next" }, commands.slice(0, 3).map(({ command, note: about }) =>
    h("li", {}, h("code", {}, data(command)), copier(() => command), about && h("span", { class: "quiet" }, about))));
}

const link = (app, id, parent) => h("a", { href: app.address("instance", { id, parent }) }, data(id));

// The history events of an instance as a table; rows are made as they come into sight.

import { read } from "./api.js";
import { data, fill, h, say } from "./dom.js";
import { counted, exactly, fineClock } from "./format.js";
import { virtualList } from "./virtual.js";

const ROW = 28, IN_SIGHT = 18;
const SHOWN_APART = new Set(["EventType", "Timestamp", "FunctionName", "Name"]);
const SELDOM_READ = new Set(["ScheduledTime", "Generation", "GenerateNewTrace", "ParentTraceContext", "EventId"]);

export function historyView(id) {
  let events = [], chosen = null;
  const list = virtualList({ label: "History events", rowHeight: ROW, rowsInSight: IN_SIGHT, make });
  const summary = h("span", { class: "quiet" });
  const details = h("div", { class: "details", role: "status" });
  const names = h("div", { class: "event-names", "aria-hidden": "true" }, ["#", "Time (UTC)", "Event", "Function", "Details"].map((name) => h("span", {}, name)));
  const body = h("div", {}, names, list.element, details);
  const element = h("details", { class: "history", ontoggle: () => element.open && load() },
    h("summary", {}, h("h2", {}, "History"), " ", summary), body);

  function make(index) {
    const event = events[index];
    const name = event.FunctionName || event.Name || "";
    return h("div", { class: `event-row${chosen === index ? " chosen" : ""}`, onclick: () => choose(index) },
      h("span", { class: "index" }, String(index)),
      h("time", { title: event.Timestamp ? exactly(event.Timestamp) : "" }, event.Timestamp ? fineClock(event.Timestamp) : ""),
      h("button", { type: "button", class: "name", "data-part": "name", "aria-pressed": String(chosen === index) }, event.EventType),
      data(name, { class: "function" }),
      data(rest(event), { class: "rest" }));
  }

  function rest(event) {
    return Object.entries(event).filter(([key, value]) => !SHOWN_APART.has(key) && !SELDOM_READ.has(key) && value !== null)
      .map(([key, value]) => `${key}: ${value}`).join(" · ");
  }

  function choose(index) {
    chosen = chosen === index ? null : index;
    list.redraw();
    fill(details, chosen !== null && h("pre", { class: "code wraps", tabindex: "0" }, JSON.stringify(events[index], null, 2)));
  }

  /** Fetch the events that are not here yet; all of them when there are fewer than before. */
  async function load(signal) {
    if (!element.open) return;
    const known = events.length;
    const answer = (await read("history", { id, since: known }, { signal })).value;
    if (answer.total < known || (known && answer.since !== known)) {
      events = (await read("history", { id }, { signal })).value.events;
    } else if (known === events.length) events = events.concat(answer.events);
    say(summary, counted(events.length, "event"));
    list.update(events.length);
  }

  return { element, load };
}

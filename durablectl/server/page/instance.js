// The view of one instance: why it is as it is, its payloads, its steps, its history, its actions.

import { actionButtons } from "./actions.js";
import { live, read } from "./api.js";
import { badge, copier, data, fill, h, say } from "./dom.js";
import { clock, millis, moment, span } from "./format.js";
import { ganttView, stateText } from "./gantt.js";
import { historyView } from "./history.js";
import { payloadView } from "./payload.js";

const EVERY = 1000, FINAL_EVERY = 3000;

export function instanceView(main, parameters, app) {
  const { id } = parameters;
  let status = null, tag = null, stepsTag = null, steps = [], gone = false, restarted = null;
  const head = h("div", { class: "instance-head" });
  const facts = h("dl", { class: "facts" });
  const notice = h("p", { class: "notice", role: "status", hidden: true });
  const why = h("section", { class: "why", "aria-label": "Why" });
  const payloads = {
    input: payloadView("Input", id, "input"),
    custom_status: payloadView("Custom status", id, "custom_status"),
    output: payloadView("Output", id, "output"),
  };
  const gantt = ganttView(app, id);
  const history = historyView(id);
  const instances = () => (status && !gone ? [{ id, name: status.name, status: status.runtimeStatus }] : []);
  const buttons = actionButtons(app, instances, ({ name, answers }) => {
    restarted = name === "restart" && answers[0].id !== id ? answers[0].id : null;
    drawNotice();
    loading.now();
  });
  const again = h("a", { class: "button" }, "Start another like this");
  const compare = h("a", { class: "button", href: app.address("compare", { a: id }) }, "Compare");
  const content = h("div", { hidden: true }, why,
    h("div", { class: "payloads" }, Object.values(payloads).map((each) => each.element)), gantt.element, history.element);
  const loadingText = h("p", { class: "quiet" }, "Loading …");

  app.title(id);
  fill(head, h("h1", {}, data(id)));
  main.append(head, facts, notice, h("div", { class: "toolbar" }, buttons, again, compare), loadingText, content);

  function drawHead() {
    const parent = status.parent || parameters.parent;
    fill(head, h("h1", {}, data(id)), badge(status.runtimeStatus), copier(() => id, "Copy id"));
    const took = millis(status.lastUpdatedTime) - millis(status.createdTime);
    const pairs = [
      ["Orchestrator", h("a", { href: app.address("instances", { name: status.name }) }, data(status.name))],
      ["Created", h("time", { title: moment(status.createdTime) }, clock(status.createdTime))],
      ["Updated", h("time", { title: moment(status.lastUpdatedTime) }, clock(status.lastUpdatedTime))],
      status.isFinal && ["Took", span(took)],
      parent && ["Parent", h("a", { href: app.address("instance", { id: parent }) }, data(parent))],
    ].filter(Boolean);
    fill(facts, pairs.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
    again.href = app.address("start", { name: status.name, like: id });
    content.hidden = false;
    loadingText.hidden = true;
  }

  function drawNotice() {
    notice.hidden = !gone && !restarted;
    if (gone) say(notice, status ? "This instance has been purged; what is shown is the last that was read." : "There is no such instance. It may have been purged, or never started.");
    else if (restarted) fill(notice, "Restarted as ", h("a", { href: app.address("instance", { id: restarted }) }, data(restarted)));
  }

  function drawWhy() {
    const { cause, runtimeStatus } = status;
    const open = steps.filter((step) => step.state === "open" && step.kind !== "note");
    const pause = steps.findLast((step) => step.state === "open" && step.name === "suspended");
    why.className = `why ${runtimeStatus.toLowerCase()}`;
    if (cause) {
      fill(why, h("h2", {}, "Why it failed"), h("p", { class: "cause" }, data(cause.text)),
        cause.through.length > 0 && h("p", {}, "in ", cause.through.map((each, index) => [index ? ", called by " : "", data(each)])),
        cause.place && h("p", { class: "quiet" }, "at ", data(cause.place)),
        cause.traceback && h("details", {}, h("summary", {}, "Traceback"), h("pre", { class: "code", tabindex: "0" }, cause.traceback)));
    } else if (!status.isFinal) {
      fill(why, h("h2", {}, runtimeStatus === "Suspended" ? "It is suspended" : open.length ? "What it waits for" : "It is waiting to run"),
        pause && h("p", {}, `since ${clock(pause.begin)}`, pause.detail && [": ", data(pause.detail)]),
        open.length ? h("ul", {}, open.slice(0, 8).map((step) => h("li", {}, data(step.title), h("span", { class: "quiet" }, ` ${stateText(step)} ${step.detail ? `${step.detail}, ` : ""}since ${clock(step.begin)}`),
          step.child && [" ", h("a", { href: app.address("instance", { id: step.child, parent: id }) }, data(step.child))])),
        open.length > 8 && h("li", { class: "quiet" }, `and ${open.length - 8} more`)) : null,
        app.hub.hasWorker === false && h("p", { class: "bad" }, "No worker is running on this hub: start one with durablectl worker."));
    } else fill(why);
    why.hidden = !why.childElementCount;
  }

  async function load(signal) {
    const answer = await read("instance", { id }, { tag, signal });
    tag = answer.tag;
    if (answer.value !== null) {
      status = answer.value;
      gone = false;
      drawNotice();
      drawHead();
      for (const [part, view] of Object.entries(payloads)) view.update(status.payloads[part]);
    }
    if (answer.value !== null || !status.isFinal) {
      const found = await read("steps", { id }, { tag: stepsTag, signal });
      stepsTag = found.tag;
      if (found.value !== null) {
        steps = found.value.steps;
        await gantt.update(steps);
        await history.load(signal);
      }
      drawWhy();
    }
    for (const each of buttons) each.refresh();
  }

  function failed(error) {
    if (error.status !== 404) return false;
    gone = true;
    loadingText.hidden = true;
    drawNotice();
    tag = stepsTag = null;
    for (const each of buttons) each.refresh();
    again.hidden = !status;
    return true;
  }

  const loading = live(load, { every: () => (status?.isFinal || gone ? FINAL_EVERY : EVERY), failed });
  const ticking = setInterval(() => gantt.tick(), 1000);
  return {
    close() {
      loading.stop();
      clearInterval(ticking);
    },
  };
}

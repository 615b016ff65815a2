// The view of one instance: why it is as it is, its payloads, its steps, its history, its actions.

import { actionButtons } from "./actions.js";
import { live, read, Refused } from "./api.js";
import { badge, copier, data, fill, h, say } from "./dom.js";
import { clock, millis, moment, span } from "./format.js";
import { ganttView } from "./gantt.js";
import { historyView } from "./history.js";
import { payloadView } from "./payload.js";
import { drawWhy } from "./why.js";

const EVERY = 1000, FINAL_EVERY = 3000;
const WHY_EVERY = 5000, REMOTE_WHY_EVERY = 15_000; // while nothing has happened

export const instanceReads = ({ id }) => [["instance", { id }], ["steps", { id }]];

export function instanceView(main, parameters, app) {
  const { id } = parameters;
  let status = null, tag = null, stepsTag = null, why = null, whyAt = 0, gone = false, restarted = null;
  const head = h("div", { class: "instance-head" });
  const facts = h("dl", { class: "facts" });
  const notice = h("p", { class: "notice", role: "status", hidden: true });
  const reasons = h("section", { class: "why", "aria-label": "Why", hidden: true });
  const payloads = {
    input: payloadView("Input", id, "input"),
    custom_status: payloadView("Custom status", id, "custom_status"),
    output: payloadView("Output", id, "output"),
  };
  const gantt = ganttView(app, id);
  const history = historyView(id);
  const instances = () => (status && !gone ? [{ id, name: status.name, status: status.runtimeStatus, event: waitedEvent() }] : []);
  const buttons = actionButtons(app, instances, ({ name, answers }) => {
    restarted = name === "restart" && answers[0].id !== id ? answers[0].id : null;
    drawNotice();
    loading.now();
  });
  const waitedEvent = () => why?.[0].waitingFor?.find((each) => each.kind === "event" && each.name)?.name;
  const again = h("a", { class: "button" }, "Start another like this");
  const compare = h("a", { class: "button", href: app.address("compare", { a: id }) }, "Compare");
  const toolbar = h("div", { class: "toolbar" }, buttons, h("span", { class: "grow" }), again, compare);
  const age = h("span", {});
  const content = h("div", { hidden: true }, reasons,
    h("div", { class: "payloads" }, Object.values(payloads).map((each) => each.element)), gantt.element, history.element);
  const loadingText = h("p", { class: "quiet" }, "Loading …");

  app.title(id);
  fill(head, h("h1", {}, data(id)));
  main.append(head, facts, notice, toolbar, loadingText, content);

  function drawHead() {
    const parent = status.parent || parameters.parent;
    fill(head, h("h1", {}, data(id)), badge(status.runtimeStatus), copier(() => id, "Copy id"));
    const took = millis(status.lastUpdatedTime) - millis(status.createdTime);
    const pairs = [
      ["Orchestrator", h("a", { href: app.address("instances", { name: status.name }) }, data(status.name))],
      ["Created", h("time", { title: moment(status.createdTime) }, clock(status.createdTime))],
      ["Updated", h("time", { title: moment(status.lastUpdatedTime) }, clock(status.lastUpdatedTime))],
      status.isFinal ? ["Took", span(took)] : [status.runtimeStatus === "Pending" ? "Pending for" : "Running for", age],
      parent && ["Parent", h("a", { href: app.address("instance", { id: parent }) }, data(parent))],
    ].filter(Boolean);
    fill(facts, pairs.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
    tickAge();
    for (const each of buttons) each.refresh();
    again.href = app.address("start", { name: status.name, like: id });
    content.hidden = toolbar.hidden = false;
    loadingText.hidden = true;
  }

  function tickAge() {
    if (status && !status.isFinal && !gone) say(age, span(Date.now() - millis(status.createdTime)));
  }

  function drawNotice() {
    notice.hidden = !gone && !restarted;
    if (gone) say(notice, status ? "This instance has been purged; what is shown is the last that was read." : "There is no such instance. It may have been purged, or never started.");
    else if (restarted) fill(notice, "Restarted as ", h("a", { href: app.address("instance", { id: restarted }) }, data(restarted)));
  }

  async function load(signal) {
    const begun = status?.isFinal ? null : readSteps(signal); // does not wait for the status
    begun?.catch(() => {});
    const answer = await read("instance", { id }, { tag, signal });
    tag = answer.tag;
    if (answer.value !== null) {
      status = answer.value;
      whyAt = 0;
      gone = false;
      drawNotice();
      drawHead();
      if (why === null) drawWhy(reasons, { why, status, app }); // keeps its place: what is below shall not move
      for (const [part, view] of Object.entries(payloads)) view.update(status.payloads[part]);
    }
    if (begun || answer.value !== null) {
      const found = await (begun || readSteps(signal));
      stepsTag = found.tag;
      if (found.lacks) gantt.lacks(found.lacks);
      else if (found.value !== null) {
        whyAt = 0;
        await gantt.update(found.value.steps);
        await history.load(signal);
      }
      await loadWhy(signal);
    }
    for (const each of buttons) each.refresh();
  }

  async function readSteps(signal) {
    try {
      return await read("steps", { id }, { tag: stepsTag, signal });
    } catch (error) {
      if (error.status !== 501) throw error;
      return { value: null, tag: null, lacks: error.message };
    }
  }

  /** When something has happened, and now and then, as a worker takes an activity without an event. */
  async function loadWhy(signal) {
    if (performance.now() - whyAt < (app.hub.isLocal ? WHY_EVERY : REMOTE_WHY_EVERY) && whyAt) return;
    whyAt = performance.now();
    let found = null;
    try {
      found = (await read("why", { id }, { signal })).value;
    } catch (error) {
      if (!(error instanceof Refused) || [0, 401, 404].includes(error.status)) throw error;
      found = { problems: [`cannot explain it: ${error.message}`] };
    }
    if (JSON.stringify([found, status]) === JSON.stringify(why)) return; // leave what is being read
    why = [found, status];
    drawWhy(reasons, { why: found, status, app });
  }

  function failed(error) {
    if (error.status !== 404) return false;
    gone = true;
    loadingText.hidden = true;
    drawNotice();
    tag = stepsTag = null;
    for (const each of buttons) each.refresh();
    toolbar.hidden = !status;
    return true;
  }

  const loading = live(load, { every: () => (status?.isFinal || gone ? FINAL_EVERY : EVERY), failed });
  const ticking = setInterval(() => {
    tickAge();
    gantt.tick();
  }, 1000);
  return {
    close() {
      loading.stop();
      clearInterval(ticking);
    },
  };
}

// What can be done to instances: which, when, the dialog that asks, and what came of it.

import { change, Refused } from "./api.js";
import { announce, button, data, fill, h, say } from "./dom.js";
import { counted } from "./format.js";
import { jsonEditor } from "./json.js";

const AT_ONCE = 4;
const NAMED = 10;
const FINAL = ["Completed", "Failed", "Terminated", "Canceled"];
const isFinal = (status) => FINAL.includes(status);

const ACTIONS = {
  raise: { label: "Raise event", asks: "Raise an event to", done: "event sent", allows: (status) => !isFinal(status), why: "the instance has finished" },
  suspend: { label: "Suspend", done: "suspension requested", reason: true, allows: (status) => !isFinal(status) && status !== "Suspended", why: "only a running instance can be suspended" },
  resume: { label: "Resume", done: "resumption requested", reason: true, allows: (status) => status === "Suspended", why: "the instance is not suspended" },
  terminate: { label: "Terminate", done: "termination requested", reason: true, danger: true, allows: (status) => !isFinal(status), why: "the instance has finished" },
  rewind: { label: "Rewind", done: "rewind requested", reason: true, allows: (status) => status === "Failed", why: "only a failed instance can be rewound" },
  restart: { label: "Restart", done: "restarted", allows: () => true, why: "" },
  purge: { label: "Purge", done: "purged", warning: "What is purged cannot be brought back.", danger: true, allows: isFinal, why: "only a finished instance can be purged" },
};

/** A button for each action. `statuses` are those of the instances; what fits none is disabled. */
export function actionButtons(app, instances, after) {
  return Object.entries(ACTIONS).map(([name, action]) => {
    const made = button(action.label, () => openAction(app, name, instances(), after), {
      class: action.danger ? "danger" : "",
    });
    made.refresh = () => {
      const reason = refusal(app, name, instances().map((each) => each.status));
      made.disabled = reason !== "";
      made.title = reason;
    };
    made.refresh();
    return made;
  });
}

function refusal(app, name, statuses) {
  if (app.hub.readOnly) return "this hub is read-only";
  if (app.unsupported.has(name)) return `this hub does not support ${name}`;
  if (!statuses.length) return "there is no instance";
  return statuses.some(ACTIONS[name].allows) ? "" : ACTIONS[name].why;
}

/** Ask, do, and show what failed. `after({ done, name, answers })` is called when some succeeded. */
function openAction(app, name, instances, after = () => {}) {
  const action = ACTIONS[name];
  const allowed = instances.filter((each) => action.allows(each.status));
  const skipped = instances.length - allowed.length;
  const fields = fieldsOf(app, name, action, allowed);
  const said = h("div", { class: "outcome", role: "status" });
  const send = h("button", { type: "submit", class: action.danger ? "danger primary" : "primary" },
    allowed.length === 1 ? action.label : `${action.label}: ${counted(allowed.length, "instance")}`);
  const cancel = button("Cancel", () => dialog.close());
  const form = h("form", { method: "dialog", onsubmit: (event) => {
    event.preventDefault();
    submit();
  } },
    h("h2", { id: "action-title" }, `${action.asks || action.label} ${allowed.length === 1 ? "an instance" : counted(allowed.length, "instance")}`),
    h("p", {}, "In the ", data(app.hub.label), ":"),
    h("ul", { class: "ids" }, allowed.slice(0, NAMED).map((each) => h("li", {}, data(each.id), " ", h("span", { class: "quiet" }, data(each.name || "")))),
      allowed.length > NAMED && h("li", { class: "quiet" }, `and ${allowed.length - NAMED} more`)),
    skipped > 0 && h("p", { class: "quiet" }, `${counted(skipped, "other")} selected: ${action.why}; left out.`),
    action.warning && h("p", {}, action.warning),
    fields.elements, said,
    h("div", { class: "buttons" }, cancel, send));
  const dialog = h("dialog", { "aria-labelledby": "action-title", onclose: () => dialog.remove() }, form);

  async function submit() {
    const values = fields.values();
    if (values === null) return;
    send.disabled = true;
    const { failures, answers } = await each(allowed, (one) => perform(name, one.id, values), (count) => say(said, `${count} of ${allowed.length}`));
    send.disabled = false;
    const done = allowed.length - failures.length;
    for (const { error } of failures) if (error.status === 501) app.unsupported.add(name);
    if (done) after({ done, name, answers });
    if (!failures.length) {
      dialog.close();
      announce(`${counted(done, "instance")}: ${action.done}`);
      return;
    }
    say(cancel, "Close");
    send.hidden = failures.length < allowed.length || failures.every(({ error }) => error.status !== 403 && error.status !== 0);
    fill(said, h("p", { class: "bad" }, `${failures.length} of ${allowed.length} failed${done ? `; ${done} done` : ""}:`),
      h("ul", { class: "ids" }, failures.slice(0, 50).map(({ item, error }) => h("li", {}, data(item.id), ": ", data(error.message)))));
  }

  document.body.append(dialog);
  dialog.showModal();
  (form.querySelector("input, textarea") || cancel).focus();
}

function fieldsOf(app, name, action, instances) {
  const elements = [], parts = {};
  const field = (id, label, properties = {}) => {
    parts[id] = h("input", { id: `action-${id}`, autocomplete: "off", spellcheck: "false", ...properties });
    elements.push(h("label", { for: `action-${id}` }, label), parts[id]);
  };
  if (name === "raise") {
    field("event", "Name of the event", { required: true, value: instances[0]?.event || "" });
    parts.editor = jsonEditor({ label: "action-data", hint: "JSON; empty for none" });
    elements.push(h("label", { for: "action-data" }, "Data"), parts.editor.field, parts.editor.said);
  }
  if (name === "restart") {
    parts.same = h("input", { type: "checkbox", id: "action-same" });
    elements.push(h("p", {}, parts.same, " ", h("label", { for: "action-same" }, "Under the same id, in place of the finished instance")));
  }
  if (action.reason) field("reason", "Reason", { value: app.hub.reason });
  if (app.hub.confirm) field("confirm", `This hub is protected: type ${app.hub.confirm} to confirm`, { required: true });
  return {
    elements,
    values() {
      const data = parts.editor?.text();
      if (data === null) {
        parts.editor.field.focus();
        return null;
      }
      return {
        event: parts.event?.value,
        data: data ?? "null",
        reason: parts.reason?.value,
        same: parts.same?.checked,
        confirm: parts.confirm?.value,
      };
    },
  };
}

function perform(name, id, { event, data, reason, same, confirm }) {
  switch (name) {
    case "raise":
      return change("POST", ["instances", id, "raiseEvent", event], { body: data, confirm });
    case "purge":
      return change("DELETE", ["instances", id], { confirm });
    case "restart":
      return change("POST", ["instances", id, "restart"], { query: { restartWithNewInstanceId: String(!same) }, confirm });
    default:
      return change("POST", ["instances", id, name], { query: { reason }, confirm });
  }
}

/** Do something to each item, a few at once: the answers, and what failed with its error. */
async function each(items, act, progress) {
  const failures = [], answers = [], waiting = [...items];
  let count = 0;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let item = waiting.shift(); item; item = waiting.shift()) {
      try {
        answers.push(await act(item));
      } catch (error) {
        failures.push({ item, error: error instanceof Refused ? error : new Refused(0, String(error)) });
      }
      progress((count += 1));
    }
  }));
  return { failures, answers };
}

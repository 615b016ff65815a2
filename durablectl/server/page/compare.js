// The view of two instances side by side: what differs in their facts, their payloads, their steps.

import { read } from "./api.js";
import { badge, data, fill, h, say } from "./dom.js";
import { counted, millis, moment, span } from "./format.js";

const MOST = 600; // lines that are aligned; beyond that they stand side by side by number
const PARTS = { input: "Input", custom_status: "Custom status", output: "Output" };

export function compareView(main, parameters, app) {
  const fields = ["a", "b"].map((side) => h("input", {
    id: `id-${side}`, autocomplete: "off", spellcheck: "false", value: parameters[side] || "", required: true,
  }));
  const said = h("p", { class: "outcome", role: "alert" });
  const result = h("div", { class: "comparison" });
  let closed = false;

  app.title("Compare");
  main.append(h("h1", {}, "Compare two instances"),
    h("form", { class: "two", onsubmit: (event) => {
      event.preventDefault();
      app.go("compare", { a: fields[0].value.trim(), b: fields[1].value.trim() });
    } }, fields.map((field, index) => h("span", { class: "field" }, h("label", { for: field.id }, `Instance ${index + 1}`), field)),
      h("button", { type: "submit", class: "primary" }, "Compare")), said, result);
  if (parameters.a && parameters.b) load();
  else fields[parameters.a ? 1 : 0].focus();

  async function load() {
    try {
      const { a, b } = parameters;
      const found = await Promise.all([read("instance", { id: a }), read("instance", { id: b }), read("compare", { a, b })]);
      if (!closed) draw(...found.map((each) => each.value));
    } catch (error) {
      say(said, `Cannot compare: ${error.message}.`);
    }
  }

  function draw(a, b, difference) {
    fill(result,
      table("Facts", facts(a, b)),
      table("Steps", difference.steps.map(stepPair), { kind: "steps", notes: difference.notes }),
      Object.entries(PARTS).map(([part, title]) => table(title, lines(a.payloads[part], b.payloads[part]), { kind: "code", noun: "line" })));
  }

  function facts(a, b) {
    const took = (each) => span(millis(each.lastUpdatedTime) - millis(each.createdTime));
    return [
      [h("a", { href: app.address("instance", { id: a.instanceId }) }, data(a.instanceId)), h("a", { href: app.address("instance", { id: b.instanceId }) }, data(b.instanceId)), false],
      [badge(a.runtimeStatus), badge(b.runtimeStatus), a.runtimeStatus !== b.runtimeStatus],
      [data(a.name), data(b.name), a.name !== b.name],
      [`created ${moment(a.createdTime)}`, `created ${moment(b.createdTime)}`, false],
      [`took ${took(a)}`, `took ${took(b)}`, false],
      (a.cause || b.cause) && [a.cause && data(a.cause.text), b.cause && data(b.cause.text), a.cause?.text !== b.cause?.text],
    ].filter(Boolean);
  }

  return { close: () => (closed = true) };
}

/** A step of both, or of one of them, with what differs in it. */
function stepPair(step) {
  const name = { started: "start", ended: "end", timer: "timer" }[step.kind] || step.name;
  const side = (one, key) => one && [data(name), one.attempts > 1 && ` ×${one.attempts}`,
    h("span", { class: "quiet" }, ` ${one.outcome}${one.seconds ? `, ${span(one.seconds * 1000)}` : ""}`),
    step.differences.map((each) => h("div", { class: "detail" }, h("span", { class: "quiet" }, `${each.what}${each.path === "$" ? "" : ` ${each.path}`}: `),
      key in each ? data(valueText(each[key])) : h("span", { class: "quiet" }, "none")))];
  return [side(step.a, "a"), side(step.b, "b"), !step.a || !step.b || step.differences.length > 0];
}

const valueText = (value) => (typeof value === "string" ? value : JSON.stringify(value));

function lines(a, b) {
  if (!a && !b) return [];
  const [left, right] = [a, b].map((each) => (each ? each.text.split("\n") : []));
  return beside(aligned(left, right)).map(([one, other]) => [one, other, one !== other]);
}

/** Let what only one side has stand beside what only the other has in that place. */
function beside(pairs) {
  const result = [], left = [], right = [];
  const flush = () => {
    while (left.length || right.length) result.push([left.shift() ?? null, right.shift() ?? null]);
  };
  for (const [one, other] of pairs) {
    if (one !== null && other !== null) {
      flush();
      result.push([one, other]);
    } else if (one !== null) left.push(one);
    else right.push(other);
  }
  flush();
  return result;
}

/** Pairs of what belongs together in two sequences, in order; null where one has nothing. */
function aligned(a, b) {
  if (a.length > MOST || b.length > MOST) {
    return Array.from({ length: Math.max(a.length, b.length) }, (_, index) => [a[index] ?? null, b[index] ?? null]);
  }
  const best = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      best[i][j] = a[i] === b[j] ? best[i + 1][j + 1] + 1 : Math.max(best[i + 1][j], best[i][j + 1]);
    }
  }
  const pairs = [];
  let i = 0, j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) pairs.push([a[i++], b[j++]]);
    else if (j >= b.length || (i < a.length && best[i + 1][j] >= best[i][j + 1])) pairs.push([a[i++], null]);
    else pairs.push([null, b[j++]]);
  }
  return pairs;
}

function table(title, rows, { kind = "rows", noun = null, notes = [] } = {}) {
  const differing = rows.filter(([, , differs]) => differs).length;
  const verdict = rows.length ? (differing ? `${noun ? counted(differing, noun) : differing} ${differing === 1 ? "differs" : "differ"}` : "the same") : "none";
  return h("section", {}, h("h2", {}, title, " ", h("span", { class: "quiet" }, verdict)),
    notes.map((note) => h("p", { class: "quiet" }, data(note))),
    rows.length > 0 && h("table", { class: `pairs ${kind}`, "aria-label": title },
      h("tbody", {}, rows.map(([one, other, differs]) => h("tr", { class: differs ? "differs" : "" },
        h("td", { class: one ?? "" ? "" : "lacks" }, one ?? ""), h("td", { class: other ?? "" ? "" : "lacks" }, other ?? ""))))));
}

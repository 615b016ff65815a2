// The view of two instances side by side: what differs in their facts, their payloads, their steps.

import { read } from "./api.js";
import { badge, data, fill, h, say } from "./dom.js";
import { millis, moment, span } from "./format.js";
import { stateText } from "./gantt.js";

const MOST = 600; // lines or steps that are aligned; beyond that they stand side by side by number
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
      const found = await Promise.all([parameters.a, parameters.b].map(async (id) => {
        const [status, steps] = await Promise.all([read("instance", { id }), read("steps", { id })]);
        return { ...status.value, steps: steps.value.steps };
      }));
      if (!closed) draw(...found);
    } catch (error) {
      say(said, `Cannot compare: ${error.message}.`);
    }
  }

  function draw(a, b) {
    const tables = [
      table("Facts", facts(a, b)),
      table("Steps", aligned(a.steps.map(stepOf), b.steps.map(stepOf), (step) => step.key)
        .map(([one, other]) => [one?.node(), other?.node(), !one || !other || one.outcome !== other.outcome])),
      ...Object.entries(PARTS).map(([part, title]) => table(title, lines(a.payloads[part], b.payloads[part]), true)),
    ];
    fill(result, tables);
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

const isEdge = (step) => step.kind === "started" || step.kind === "ended";

function stepOf(step) {
  const took = step.end && step.end !== step.begin ? span(millis(step.end) - millis(step.begin)) : "";
  return {
    key: `${step.kind} ${step.name}`,
    outcome: `${step.state} ${step.attempts} ${step.detail}`,
    node: () => [data(step.title), h("span", { class: "quiet" }, isEdge(step) ? "" : ` ${stateText(step)} ${took}`), step.detail && h("div", { class: "detail" }, data(step.detail.slice(0, 200)))],
  };
}

function lines(a, b) {
  if (!a && !b) return [];
  const [left, right] = [a, b].map((each) => (each ? each.text.split("\n") : []));
  return aligned(left, right, (line) => line).map(([one, other]) => [one, other, one !== other]);
}

/** Pairs of what belongs together in two sequences, in order; null where one has nothing. */
function aligned(a, b, keyOf) {
  if (a.length > MOST || b.length > MOST) {
    return Array.from({ length: Math.max(a.length, b.length) }, (_, index) => [a[index] ?? null, b[index] ?? null]);
  }
  const [left, right] = [a.map(keyOf), b.map(keyOf)];
  const best = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      best[i][j] = left[i] === right[j] ? best[i + 1][j + 1] + 1 : Math.max(best[i + 1][j], best[i][j + 1]);
    }
  }
  const pairs = [];
  let i = 0, j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && left[i] === right[j]) pairs.push([a[i++], b[j++]]);
    else if (j >= b.length || (i < a.length && best[i + 1][j] >= best[i][j + 1])) pairs.push([a[i++], null]);
    else pairs.push([null, b[j++]]);
  }
  return pairs;
}

function table(title, rows, isCode = false) {
  const differing = rows.filter(([, , differs]) => differs).length;
  return h("section", {}, h("h2", {}, title, " ", h("span", { class: "quiet" }, rows.length ? (differing ? `${differing} differ` : "the same") : "none")),
    rows.length > 0 && h("table", { class: isCode ? "pairs code" : "pairs", "aria-label": title },
      h("tbody", {}, rows.map(([one, other, differs]) => h("tr", { class: differs ? "differs" : "" },
        h("td", {}, one ?? ""), h("td", {}, other ?? ""))))));
}

// The steps of an instance as bars on one time axis, with those of its children below them.

import { read } from "./api.js";
import { brushable, button, data, fill, h, s, say } from "./dom.js";
import { counted, exactly, millis, span } from "./format.js";
import { virtualList } from "./virtual.js";

const ROW = 30, IN_SIGHT = 16, TICK_WIDTH = 100;
const NICE = [1, 2, 5].flatMap((each) => [0.01, 0.1, 1, 10, 100].map((ten) => each * ten)).sort((a, b) => a - b);
const STEPS_MS = [...NICE, 1e3, 2e3, 5e3, 1e4, 3e4, 6e4, 12e4, 3e5, 6e5, 18e5, 36e5, 72e5, 216e5, 432e5, 864e5, 1728e5, 6048e5, 2592e6, 7776e6];
const LETTER = 6; // the width of a letter on the axis, about
const LEAST_MS = 0.1;
const LEGEND = { done: "activity", "done child": "sub-orchestration", "done waits": "timer or event", failed: "failed", open: "not finished" };

export function ganttView(app, id) {
  let rows = [], origin = 0, end = 1, zoom = null, chosen = null;
  let steps = [], ticks = [];
  const open = new Map();
  const list = virtualList({ label: "Timeline", rowHeight: ROW, rowsInSight: IN_SIGHT, make });
  const axis = s("svg", { class: "axis", "aria-hidden": "true" });
  const axisRow = h("div", { class: "gantt-row axis-row" }, h("span", { class: "label" }), h("span", { class: "bar" }, axis), h("span", { class: "took" }));
  const details = h("div", { class: "details", role: "status" });
  const summary = h("span", { class: "quiet" });
  const legend = h("ul", { class: "legend", hidden: true }, Object.entries(LEGEND).map(([kind, text]) =>
    h("li", {}, s("svg", { class: `step ${kind}`, "aria-hidden": "true" }, s("rect", { width: "100%", height: 8, y: 1, rx: 2 })), text)));
  const fit = button("Fit", () => setZoom(null), { class: "small", "aria-label": "Show the whole time" });
  const element = h("section", { class: "gantt" },
    h("div", { class: "row-head" }, h("h2", {}, "Timeline"), summary, h("span", { class: "grow" }),
      button("+", () => zoomBy(0.5), { class: "small", "aria-label": "Zoom in" }),
      button("−", () => zoomBy(2), { class: "small", "aria-label": "Zoom out" }),
      button("‹", () => shift(-0.5), { class: "small", "aria-label": "Earlier" }),
      button("›", () => shift(0.5), { class: "small", "aria-label": "Later" }), fit),
    axisRow, list.element, legend, details);

  const isShown = (step) => step.kind !== "started" && step.kind !== "ended";

  function flattened(given, depth, owner) {
    return given.filter(isShown).flatMap((step, index) => {
      const row = { ...step, depth, key: `${owner}/${index}/${step.begin}/${step.name}` };
      const below = step.child && open.get(step.child);
      return [row, ...(below?.steps ? flattened(below.steps, depth + 1, row.key) : [])];
    });
  }

  function layout() {
    rows = flattened(steps, 0, "");
    const now = Date.now();
    const begins = rows.map((row) => millis(row.begin)), ends = rows.map((row) => (row.end ? millis(row.end) : now));
    origin = begins.reduce((a, b) => Math.min(a, b), Infinity);
    end = Math.max(ends.reduce((a, b) => Math.max(a, b), -Infinity), origin + LEAST_MS);
    if (!rows.length) [origin, end] = [0, 1];
    say(summary, rows.length ? `${counted(rows.length, "step")}, ${span(end - origin)}` : "");
    drawAxis();
    list.update(rows.length);
    axisRow.hidden = legend.hidden = rows.length === 0;
  }

  const range = () => zoom || [origin, end + (end - origin) * 0.005];
  const part = (time) => {
    const [from, to] = range();
    return ((time - from) / (to - from)) * 100;
  };

  function make(index) {
    const row = rows[index];
    const below = row.child && open.get(row.child);
    const toggle = row.child ? button(below ? "▾" : "▸", () => toggleChild(row.child), {
      class: "folder", "data-part": "fold", "aria-expanded": String(Boolean(below)), "aria-label": `Steps of ${row.child}`,
    }) : h("span", { class: "folder" });
    const label = button([data(row.title)], () => choose(row), {
      class: "name", "data-part": "name", "aria-pressed": String(chosen === row.key),
      "aria-label": `${row.title}, ${stateText(row)}`,
    });
    const bar = h("span", { class: "bar" });
    const made = h("div", { class: `gantt-row${chosen === row.key ? " chosen" : ""}` },
      h("span", { class: "label" }, toggle, label), bar, h("span", { class: "took" }));
    made.querySelector(".label").style.paddingInlineStart = `${row.depth * 1.1}rem`;
    made.tick = () => drawBar(row, bar, made.lastElementChild);
    made.tick();
    return made;
  }

  function drawBar(row, place, took) {
    const begin = part(millis(row.begin)), stop = part(row.end ? millis(row.end) : Date.now());
    const width = Math.max(stop - begin, 0);
    const isWait = row.kind === "timer" || row.kind === "event" || row.kind === "note";
    fill(place, s("svg", { class: `step ${row.state} ${isWait ? "waits" : row.kind}` },
      ticks.map((x) => s("line", { x1: `${x}%`, x2: `${x}%`, y1: 0, y2: "100%" })),
      s("rect", { x: `${begin}%`, width: `max(3px, ${width}%)`, y: isWait ? 12 : 7, height: isWait ? 5 : 15, rx: 3 })));
    place.querySelector("rect").style.width = `max(3px, ${width}%)`;
    say(took, tookText(row));
  }

  const tookText = (row) => (row.end === row.begin ? "" : `${span((row.end ? millis(row.end) : Date.now()) - millis(row.begin))}${row.end ? "" : " …"}`);

  function drawAxis() {
    const [from, to] = range();
    const most = Math.max((axis.clientWidth || 600) / TICK_WIDTH, 3);
    const step = STEPS_MS.find((each) => (to - from) / each <= most) || STEPS_MS.at(-1);
    const marks = [], width = axis.clientWidth || 600;
    ticks = [];
    for (let at = Math.ceil((from - origin) / step) * step; origin + at <= to && ticks.length < 20; at += step) {
      const x = part(origin + at), name = at === 0 ? "0" : span(at);
      ticks.push(x);
      marks.push(s("line", { x1: `${x}%`, x2: `${x}%`, y1: 17, y2: 24 }));
      const room = (width * (100 - x)) / 100, needed = name.length * LETTER + 4;
      if (room > needed || x > 95) marks.push(s("text", { x: `${x}%`, y: 13, "text-anchor": room > needed ? "start" : "end" }, name));
    }
    fill(axis, marks);
    fit.disabled = zoom === null;
  }

  function setZoom(wanted) {
    zoom = wanted && wanted[1] - wanted[0] < (end - origin) * 1.01 ? wanted : null;
    drawAxis();
    list.redraw();
  }

  function zoomBy(factor, around = null) {
    const [from, to] = range();
    const center = around ?? (from + to) / 2;
    const length = Math.max((to - from) * factor, LEAST_MS);
    const ahead = (center - from) / (to - from);
    setZoom(clamped(center - length * ahead, length));
  }

  function shift(by) {
    const [from, to] = range();
    if (zoom) setZoom(clamped(from + (to - from) * by, to - from));
  }

  const clamped = (from, length) => {
    const begin = Math.min(Math.max(from, origin), Math.max(end - length, origin));
    return [begin, begin + length];
  };

  function choose(row) {
    chosen = chosen === row.key ? null : row.key;
    list.redraw();
    if (chosen === null) fill(details);
    else fill(details,
      h("h3", {}, data(row.title)),
      h("dl", {}, [
        ["Status", stateText(row)],
        ["Began", exactly(row.begin)],
        ["Took", row.end ? span(millis(row.end) - millis(row.begin)) : `${span(Date.now() - millis(row.begin))} so far`],
        row.attempts > 1 && ["Attempts", String(row.attempts)],
        row.child && ["Instance", h("a", { href: app.address("instance", { id: row.child, parent: id }) }, data(row.child))],
      ].filter(Boolean).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
      row.detail && h("pre", { class: "code wraps", tabindex: "0" }, row.detail));
  }

  async function toggleChild(child) {
    if (open.delete(child)) return layout();
    open.set(child, { steps: null, isFinal: false });
    layout();
    await loadChild(child);
    layout();
  }

  async function loadChild(child) {
    try {
      const answer = await read("steps", { id: child }, { tag: open.get(child)?.tag });
      if (answer.value && open.has(child)) open.set(child, { ...answer.value, tag: answer.tag });
    } catch (error) {
      const now = new Date().toISOString();
      open.set(child, { isFinal: true, steps: [{ kind: "note", name: error.message, title: error.message, begin: now, end: now, state: "dropped", detail: "", attempts: 1, child: null }] });
    }
  }

  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = { "+": () => zoomBy(0.5), "-": () => zoomBy(2), 0: () => setZoom(null) }[event.key];
    if (act) act();
  });
  list.element.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    const box = list.element.querySelector(".bar")?.getBoundingClientRect();
    const [from, to] = range();
    if (box) zoomBy(event.deltaY < 0 ? 0.7 : 1.4, from + ((event.clientX - box.left) / box.width) * (to - from));
  }, { passive: false });
  brushable(axis, (low, high) => {
    const [from, to] = range();
    if (high - low > 0.01) setZoom(clamped(from + low * (to - from), Math.max((high - low) * (to - from), LEAST_MS)));
  });

  return {
    element,
    async update(given) {
      steps = given;
      await Promise.all([...open].filter(([, each]) => !each.isFinal).map(([child]) => loadChild(child)));
      layout();
    },
    /** Say why there are no steps. */
    lacks(message) {
      say(summary, message);
    },
    /** Let what is open grow. */
    tick() {
      if (!rows.some((row) => row.end === null)) return;
      end = Math.max(end, Date.now());
      drawAxis();
      for (const row of list.rows.values()) row.tick();
    },
  };
}

/** How far a step is, in words. */
function stateText(row) {
  const waits = ["timer", "event", "note"].includes(row.kind);
  return { open: waits ? "waiting" : "running", done: "done", failed: "failed", dropped: "not awaited" }[row.state] || row.state;
}

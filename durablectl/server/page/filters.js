// The filters above the list: search, orchestrator, statuses with their counts, time range.

import { button, h, say } from "./dom.js";
import { local, millis, number } from "./format.js";

const STATUSES = ["Running", "Pending", "Suspended", "Completed", "Failed", "Terminated", "Canceled", "ContinuedAsNew"];
const ALWAYS = ["Running", "Completed", "Failed"];
const RANGES = { "": "All time", "1h": "Last hour", "6h": "Last 6 hours", "24h": "Last day", "7d": "Last 7 days", "30d": "Last 30 days", custom: "Custom …" };
const TYPING = 250;

/** `set(parameters)` is called with what a filter was changed to; null takes it away. */
export function filterBar(app, set) {
  const search = field("search", "Id starts with", "search");
  const name = field("name", "Orchestrator", "search");
  name.input.setAttribute("list", "known-names");
  const known = h("datalist", { id: "known-names" });
  const range = h("select", { id: "range", onchange: chooseRange },
    Object.entries(RANGES).filter(([key]) => key || app.hub.isLocal).map(([key, text]) => h("option", { value: key }, text)));
  const begin = h("input", { type: "datetime-local", step: "1", id: "from", onchange: chooseTimes });
  const end = h("input", { type: "datetime-local", step: "1", id: "to", onchange: chooseTimes });
  const times = h("span", { class: "times", hidden: true }, h("label", { for: "from" }, "From (UTC)"), begin, h("label", { for: "to" }, "to"), end);
  const chips = h("div", { class: "chips", role: "group", "aria-label": "Status" });
  const rows = h("input", { type: "checkbox", id: "rows", onchange: () => set({ children: rows.checked ? "rows" : null }) });
  const clear = button("Clear filters", () => set({ prefix: null, name: null, status: null, range: null, from: null, to: null, children: null }), { class: "small" });
  let chosen = new Set();

  search.input.addEventListener("input", later(() => set({ prefix: search.input.value.trim() || null })));
  name.input.addEventListener("input", later(() => set({ name: name.input.value.trim() || null })));
  for (const status of STATUSES) {
    const count = h("span", { class: "count" });
    const chip = button([status, " ", count], () => {
      if (!chosen.delete(status)) chosen.add(status);
      set({ status: [...chosen].join(",") || null });
    }, { class: `chip ${status.toLowerCase()}`, "aria-pressed": "false" });
    chip.status = status;
    chip.count = count;
    chips.append(chip);
  }

  function chooseRange() {
    if (range.value === "custom") {
      times.hidden = false;
      begin.value ||= local(Date.now() - 3600_000);
      end.value ||= local(Date.now());
      begin.focus();
      chooseTimes();
    } else set({ range: range.value || null, from: null, to: null });
  }

  function chooseTimes() {
    const [from, to] = [begin.value, end.value].map((text) => (text ? `${text.padEnd(19, ":00")}Z` : null));
    set({ range: null, from, to });
  }

  return {
    element: h("div", { class: "filters" },
      h("div", { class: "fields" }, search.element, name.element, known,
        h("span", { class: "field" }, h("label", { for: "range" }, "Started"), range), times,
        h("span", { class: "check" }, rows, h("label", { for: "rows" }, "Sub-orchestrations as rows")), clear),
      chips),
    search: search.input,
    /** Show what is in the address. */
    show(parameters) {
      for (const [input, value] of [[search.input, parameters.prefix], [name.input, parameters.name]]) {
        if (document.activeElement !== input) input.value = value || "";
      }
      chosen = new Set((parameters.status || "").split(",").filter(Boolean));
      const custom = parameters.from || parameters.to;
      range.value = custom ? "custom" : parameters.range || (app.hub.isLocal ? "" : "1h");
      times.hidden = !custom;
      for (const [input, value] of [[begin, parameters.from], [end, parameters.to]]) {
        if (document.activeElement !== input) input.value = value ? local(millis(value)) : "";
      }
      rows.checked = parameters.children === "rows";
      clear.hidden = !(rows.checked || parameters.prefix || parameters.name || parameters.status || custom || parameters.range);
      this.counts(null);
    },
    counts(counts) {
      for (const chip of chips.children) {
        const count = counts?.[chip.status];
        chip.setAttribute("aria-pressed", String(chosen.has(chip.status)));
        if (counts) say(chip.count, number(count || 0));
        chip.hidden = !(count || chosen.has(chip.status) || ALWAYS.includes(chip.status));
      }
    },
    names(names) {
      const all = [...new Set([...(app.hub.orchestrators || []), ...names])].sort();
      if (known.children.length !== all.length) known.replaceChildren(...all.map((each) => h("option", { value: each })));
    },
  };
}

function field(id, label, type) {
  const input = h("input", { id, type, autocomplete: "off", spellcheck: "false" });
  return { input, element: h("span", { class: "field" }, h("label", { for: id }, label), input) };
}

function later(act) {
  let timer = null;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(act, TYPING);
  };
}

// The rows of the list: one instance each, with its sub-orchestrations below it.

import { badge, button, data, fill, h, idText, say } from "./dom.js";
import { clock, millis, moment, number, span } from "./format.js";

export const COLUMNS = ["", "Status", "Instance", "Orchestrator", "Created", "Took", "Detail"];

/** `selected` is a Map of id to row; `toggle(row)` shows or hides its children. */
export function makeRow(app, row, { selected, toggle, changed }) {
  const box = h("input", { type: "checkbox", "aria-label": `Select ${row.id}`, onchange: () => {
    if (box.checked) selected.set(row.id, element.item);
    else selected.delete(row.id);
    changed();
  } });
  const folder = button("", () => toggle(element.item), { class: "folder" });
  const link = h("a", { href: app.address("instance", { id: row.id }), class: "id", title: row.id, "aria-label": row.id }, idText(row.id));
  const parent = h("span", { class: "quiet parent" });
  const cells = {
    status: h("td", { role: "cell", class: "status" }),
    name: h("td", { role: "cell", class: "name" }, data(row.name)),
    created: h("td", { role: "cell", class: "time", title: moment(row.created) }, clock(row.created)),
    took: h("td", { role: "cell", class: "took" }),
    detail: h("td", { role: "cell", class: "detail" }),
  };
  const detail = data("");
  cells.detail.append(detail);
  const element = h("tr", { role: "row", class: row.depth ? "child" : "" },
    h("td", { role: "cell", class: "box" }, box),
    cells.status,
    h("td", { role: "cell", class: "instance" }, h("span", { class: "id-line" }, folder, link), parent),
    cells.name, cells.created, cells.took, cells.detail);
  let status = null;

  element.update = (item) => {
    element.item = item;
    box.checked = selected.has(item.id);
    if (selected.has(item.id)) selected.set(item.id, item);
    if (status !== item.status) fill(cells.status, badge(item.status));
    if (status !== null && status !== item.status) flash(element);
    status = item.status;
    say(cells.took, tookText(item));
    cells.took.title = `last updated ${moment(item.updated)}`;
    say(detail, item.detail);
    cells.detail.title = item.detail;
    cells.detail.classList.toggle("bad", item.failed);
    folder.hidden = !item.children;
    say(folder, `${item.unfolded ? "▾" : "▸"} ${number(item.children || 0)}`);
    folder.setAttribute("aria-expanded", String(Boolean(item.unfolded)));
    folder.setAttribute("aria-label", `${item.children} sub-orchestrations of ${item.id}`);
    if (item.isChild && !item.depth) {
      if (item.parent) fill(parent, "of ", h("a", { href: app.address("instance", { id: item.parent }) }, data(item.parent)));
      else say(parent, "sub-orchestration");
    }
  };
  /** What grows while the instance runs. */
  element.tick = () => element.item.isFinal || say(cells.took, tookText(element.item));
  return element;
}

function tookText(item) {
  const end = item.isFinal ? millis(item.updated) : Date.now();
  return `${span(end - millis(item.created))}${item.isFinal ? "" : " …"}`;
}

function flash(element) {
  element.classList.remove("changed");
  void element.offsetWidth; // so that the animation begins again
  element.classList.add("changed");
}

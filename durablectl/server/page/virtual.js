// A long list of rows of equal height, of which only those in sight are made.

import { h } from "./dom.js";

const SPARE = 8;

/**
 * `make(index)` returns the element of a row. `update(count)` says how many rows there are;
 * `redraw()` makes those in sight again.
 */
export function virtualList({ label, rowHeight, rowsInSight, make }) {
  const inner = h("div", { class: "inner", role: "list" });
  const element = h("div", { class: "virtual", tabindex: "0", role: "region", "aria-label": label, onscroll: ask }, inner);
  let count = 0, asked = false;
  const rows = new Map();

  function ask() {
    if (!asked) requestAnimationFrame(draw);
    asked = true;
  }

  function draw() {
    asked = false;
    const height = element.clientHeight || rowsInSight * rowHeight;
    const first = Math.max(Math.floor(element.scrollTop / rowHeight) - SPARE, 0);
    const last = Math.min(Math.ceil((element.scrollTop + height) / rowHeight) + SPARE, count);
    for (const [index, row] of rows) {
      if (index < first || index >= last) {
        row.remove();
        rows.delete(index);
      }
    }
    for (let index = first; index < last; index += 1) if (!rows.has(index)) place(index);
  }

  function place(index) {
    const row = make(index);
    row.setAttribute("role", "listitem");
    row.setAttribute("aria-setsize", count);
    row.setAttribute("aria-posinset", index + 1);
    row.style.transform = `translateY(${index * rowHeight}px)`;
    const after = [...rows.keys()].filter((each) => each > index).sort((a, b) => a - b)[0];
    inner.insertBefore(row, after === undefined ? null : rows.get(after));
    rows.set(index, row);
  }

  return {
    element,
    update(newCount) {
      count = newCount;
      inner.style.height = `${count * rowHeight}px`;
      element.style.maxHeight = `${rowsInSight * rowHeight + 2}px`;
      this.redraw();
    },
    redraw() {
      const focused = [...rows].find(([, row]) => row.contains(document.activeElement));
      const name = focused?.[1].contains(document.activeElement) ? document.activeElement.dataset.part : null;
      for (const row of rows.values()) row.remove();
      rows.clear();
      draw();
      if (focused) rows.get(focused[0])?.querySelector(`[data-part="${name}"]`)?.focus({ preventScroll: true });
    },
    /** The rows in sight, by their index. */
    rows,
  };
}

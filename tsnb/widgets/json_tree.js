// JSON as a tree that opens: what is small is open, what is long is filled when somebody looks.

import { button, counted, h } from "./dom.js";

const OPEN_DEPTH = 2;
const OPEN_SIZE = 24;
const PIECE = 100; // entries that are shown at once

export function jsonTree(value) {
  return h("div", { class: "tsnb-tree" }, jsonNode(null, value, 0));
}

function jsonNode(key, value, depth) {
  const name = key === null ? null : [h("span", { class: "tsnb-key" }, key), ": "];
  if (value === null || typeof value !== "object") return h("div", {}, name, jsonLeaf(value));
  const entries = Array.isArray(value) ? value.map((item, index) => [String(index), item]) : Object.entries(value);
  const flat = Array.isArray(value) && value.every((item) => typeof item === "number");
  if (!entries.length || (flat && value.length <= 12)) return h("div", {}, name, jsonFlat(value));
  const inner = h("div", { class: "tsnb-branch" });
  const fill = () => {
    if (!inner.firstChild) jsonEntries(inner, flat ? null : entries, value, depth, 0);
  };
  const what = Array.isArray(value) ? `[${counted(value.length, "item")}]` : `{${counted(entries.length, "key")}}`;
  const node = h("details", { ontoggle: () => node.open && fill() }, h("summary", {}, name, h("span", { class: "tsnb-dim" }, what)), inner);
  if (depth < OPEN_DEPTH && entries.length <= OPEN_SIZE) {
    node.open = true;
    fill();
  }
  return node;
}

function jsonEntries(inner, entries, value, depth, from) {
  if (entries === null) {
    inner.append(h("div", { class: "tsnb-numbers" }, value.slice(from, from + 5 * PIECE).map(jsonNumber).join(", ")));
    if (value.length > from + 5 * PIECE) jsonMore(inner, value.length - from - 5 * PIECE, () => jsonEntries(inner, null, value, depth, from + 5 * PIECE));
    return;
  }
  inner.append(...entries.slice(from, from + PIECE).map(([key, item]) => jsonNode(key, item, depth + 1)));
  const left = entries.length - from - PIECE;
  if (left > 0) jsonMore(inner, left, () => jsonEntries(inner, entries, value, depth, from + PIECE));
}

function jsonMore(inner, left, fill) {
  const more = button(`${left.toLocaleString("en")} more`, () => {
    more.remove();
    fill();
  });
  inner.append(more);
}

function jsonFlat(value) {
  return h("span", {}, JSON.stringify(value).replaceAll(",", ", "));
}

function jsonLeaf(value) {
  const kind = value === null ? "null" : typeof value;
  return h("span", { class: `tsnb-json-${kind}` }, kind === "number" ? jsonNumber(value) : JSON.stringify(value));
}

/** A number as short as it can be read: six digits. */
function jsonNumber(value) {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}

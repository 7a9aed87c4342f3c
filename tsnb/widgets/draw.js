// A board to draw on, with a pen, a finger, the mouse or the keys; what is sent is a small square picture.

import { button, choice, h } from "./dom.js";

const SIDE = 224; // of the board, in pixels
const SIZES = [8, 16, 28, 32, 64, 96, 224];
const KEY_STEP = 8; // pixels an arrow key moves the pen

/** Returns {el, blob, isEmpty, size}; `onstroke` is called when a line has ended. */
export function drawingBoard(onstroke) {
  const board = h("canvas", {
    width: SIDE,
    height: SIDE,
    class: "tsnb-board",
    tabindex: "0",
    role: "application",
    "aria-label": "Drawing board. Arrow keys move the pen, Space puts it down or lifts it, Delete clears the board.",
  });
  const small = h("canvas", { class: "tsnb-small", role: "img", "aria-label": "The picture as it is sent" });
  const ink = board.getContext("2d", { willReadFrequently: true });
  const size = choice("Size of the picture", SIZES.map((each) => [each, `${each} × ${each}`]), { value: "28", onchange: () => shrink() });
  const colours = choice("Ink", [["white", "white on black"], ["black", "black on white"]], { onchange: () => clear() });
  const pen = choice("Pen", [[12, "thin"], [20, "medium"], [30, "thick"]]);
  const said = h("span", { class: "tsnb-dim", "aria-live": "polite" });
  const at = { x: SIDE / 2, y: SIDE / 2, down: false, keys: false };
  let empty = true;
  size.value = "28";
  pen.value = "20";

  const clear = () => {
    ink.fillStyle = colours.value === "white" ? "black" : "white";
    ink.fillRect(0, 0, SIDE, SIDE);
    empty = true;
    said.textContent = "";
    shrink();
  };
  const shrink = () => {
    small.width = small.height = Number(size.value);
    shrunk(board, small);
  };
  const line = (from, to) => {
    ink.strokeStyle = colours.value;
    ink.lineWidth = Number(pen.value);
    ink.lineCap = ink.lineJoin = "round";
    ink.beginPath();
    ink.moveTo(from.x, from.y);
    ink.lineTo(to.x + 0.01, to.y);
    ink.stroke();
    empty = false;
    shrink();
  };
  const place = (event) => {
    const box = board.getBoundingClientRect();
    return { x: ((event.clientX - box.left) * SIDE) / box.width, y: ((event.clientY - box.top) * SIDE) / box.height };
  };
  const go = (to, drawing) => {
    if (drawing) line(at, to);
    Object.assign(at, to);
  };

  board.onpointerdown = (event) => {
    event.preventDefault();
    board.focus();
    try {
      board.setPointerCapture(event.pointerId);
    } catch {
      // a pointer that is gone already
    }
    Object.assign(at, place(event), { down: true });
    line(at, at);
  };
  board.onpointermove = (event) => at.down && go(place(event), true);
  board.onpointerup = board.onpointercancel = () => {
    if (!at.down) return;
    at.down = false;
    onstroke();
  };
  board.onkeydown = (event) => {
    const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
    if (x || y) {
      const to = { x: within(at.x + x * KEY_STEP), y: within(at.y + y * KEY_STEP) };
      go(to, at.keys);
      said.textContent = `${at.keys ? "drawing" : "pen lifted"}, ${Math.round((100 * at.x) / SIDE)} % across, ${Math.round((100 * at.y) / SIDE)} % down`;
    } else if (event.key === " ") {
      at.keys = !at.keys;
      if (at.keys) line(at, at);
      else onstroke();
      said.textContent = at.keys ? "pen down" : "pen lifted";
    } else if (event.key === "Delete" || event.key === "Backspace") clear();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const tools = h("div", { class: "tsnb-board-tools" }, h("div", { class: "tsnb-row" }, colours, pen, button("Clear", clear)), h("div", { class: "tsnb-row" }, small, size), said);
  clear();
  return {
    el: h("div", { class: "tsnb-drawing" }, board, tools),
    blob: () => new Promise((done) => small.toBlob(done, "image/png")),
    isEmpty: () => empty,
    size: () => small.width,
  };
}

function within(value) {
  return Math.min(Math.max(value, 0), SIDE);
}

/** Halve a picture until one more halving would be too small: a browser's own reduction skips pixels. */
function shrunk(from, to) {
  let source = from;
  while (source.width / 2 >= to.width) {
    const half = h("canvas", { width: source.width / 2, height: source.height / 2 });
    half.getContext("2d").drawImage(source, 0, 0, half.width, half.height);
    source = half;
  }
  to.getContext("2d").drawImage(source, 0, 0, to.width, to.height);
}

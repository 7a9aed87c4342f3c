// Elements from plain calls, and a tree brought up to date in place, so that focus and scrolling stay.

// What has the focus gets the keys: JupyterLab would take arrows, Space and Enter for the notebook's own shortcuts.
const TAKES_KEYS = new Set(["button", "input", "textarea", "select", "summary", "canvas"]);
const KEPT = "data-lm-suppress-shortcuts";

/** Whether a key is one of the whole application's, as Ctrl+S to save or Ctrl+Shift+C for the palette. */
function isForApplication(event) {
  const letter = /^Key([A-Y])$/.exec(event.code)?.[1]; // Ctrl+Shift+Z belongs to whoever is typing
  const command = (event.ctrlKey || event.metaKey) && !event.getModifierState("AltGraph");
  return command && letter !== undefined && (event.altKey || event.shiftKey || "SB".includes(letter));
}

/** Keep a key from the notebook, unless it is the application's. */
export function keepKey(event) {
  if (!isForApplication(event)) event.stopPropagation();
}

/** Let such keys pass from everything in a view, which keeps the others for itself. */
export function letApplicationKeysPass(el) {
  const pass = (event) => {
    const kept = isForApplication(event) && event.target.closest(`[${KEPT}]`);
    if (!kept) return;
    kept.removeAttribute(KEPT);
    setTimeout(() => kept.setAttribute(KEPT, "true"));
  };
  el.addEventListener("keydown", pass, true);
}

/** An element. Properties named on… are handlers, `class` and aria-… attributes; false, null and undefined vanish. */
export function h(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) node[key] = value;
    else if (key === "value") {
      node.value = value;
      if (name === "option") node.setAttribute("value", value);
    }
    else node.setAttribute(key, value === true ? "" : value);
  }
  if (TAKES_KEYS.has(name)) node.setAttribute(KEPT, "true");
  node.append(...present(children));
  return node;
}

function present(children) {
  return children.flat(9).filter((child) => child !== null && child !== undefined && child !== false);
}

/** Make what `parent` holds look like `children`, changing only what differs. */
export function show(parent, ...children) {
  const wanted = present(children);
  wanted.forEach((child, index) => {
    const node = child instanceof Node ? child : document.createTextNode(String(child));
    const old = parent.childNodes[index];
    if (!old) parent.append(node);
    else if (old !== node && !morph(old, node)) old.replaceWith(node);
  });
  while (parent.childNodes.length > wanted.length) parent.lastChild.remove();
}

const HANDLERS = ["onclick", "oninput", "onchange", "onkeydown"];

function morph(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) return false;
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return true;
  }
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  for (const { name, value } of [...fresh.attributes]) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const handler of HANDLERS) if (old[handler] !== fresh[handler]) old[handler] = fresh[handler];
  if (old.nodeName === "INPUT" && old.checked !== fresh.checked) old.checked = fresh.checked;
  show(old, [...fresh.childNodes]);
  return true;
}

/** A word with a coloured dot. */
export function badge(text, tone) {
  return h("span", { class: `tsnb-badge tsnb-${tone}` }, text);
}

/** A small button; `tone` is "main" for the one thing to do here, "bad" for what cannot be undone. */
export function button(text, onclick, { tone = "plain", ...properties } = {}) {
  return h("button", { type: "button", class: `tsnb-button tsnb-button-${tone}`, onclick, ...properties }, text);
}

/** A button that copies text and says so. */
export function copyButton(text, what) {
  const copy = async (event) => {
    const target = event.currentTarget;
    const done = await copied(text());
    target.textContent = done ? "Copied" : "Select and copy";
    setTimeout(() => (target.textContent = "Copy"), 1600);
  };
  return button("Copy", copy, { "aria-label": `Copy ${what}`, "aria-live": "polite" });
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // no permission, or a page that is not served securely
  }
}

/** A table: headings and cells are [content, isNumber] or content. */
export function table(label, headings, rows) {
  const cell = (name, extra) => (item) => {
    const [content, right] = Array.isArray(item) ? item : [item, false];
    return h(name, { ...extra, class: right && "tsnb-num" }, content);
  };
  return h(
    "div",
    { class: "tsnb-scroll" },
    h(
      "table",
      { "aria-label": label },
      h("thead", {}, h("tr", {}, headings.map(cell("th", { scope: "col" })))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map(cell("td"))))),
    ),
  );
}

/** 12,345. */
export function count(number) {
  return Number(number).toLocaleString("en");
}

/** "1 worker", "2 workers". */
export function counted(number, noun) {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** 12.3 kB, as tsnb.html.bytes_text writes it. */
export function bytesText(size) {
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (size < 999.5) return `${threeDigits(size)} ${unit}`;
    size /= 1000;
  }
  return `${threeDigits(size)} TB`;
}

function threeDigits(size) {
  return size >= 99.5 ? size.toFixed(0) : size.toFixed(1).replace(/\.0$/, "");
}

const SVG = "http://www.w3.org/2000/svg";

/** A chart of charts.py: [tag, attributes, children]; a child is another one, or text. */
export function draw(shape) {
  if (typeof shape === "string") return document.createTextNode(shape);
  const [tag, attributes, children] = shape;
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children.map(draw));
  return node;
}

/** A choice among [value, text] pairs. */
export function choice(label, pairs, properties = {}) {
  const options = pairs.map(([value, text]) => h("option", { value }, text));
  return h("select", { "aria-label": label, class: "tsnb-select", ...properties }, options);
}

/** A part that opens. */
export function folded(title, ...children) {
  return h("details", {}, h("summary", {}, title), children);
}

/** A name no other view has. */
export function unique() {
  return `tsnb-${Math.random().toString(36).slice(2)}`;
}

// The body of a request: typed, a file chosen, dropped or pasted, a drawing, or one that the server has recorded.

import { drawingBoard } from "./draw.js";
import { button, bytesText, choice, h, keepKey, show } from "./dom.js";

/**
 * Returns {el, buttons, update, value, fill, size, words, close}. `value()` resolves with [content, buffers];
 * `onfill(request, buffers)` gets a whole recorded request, `onsend` the wish to send what is here.
 */
export function requestBody(line, { onchange, onsend, onfill }) {
  let file = null;
  let preview = null;
  let drawing = false;

  const text = h("textarea", {
    rows: 3,
    spellcheck: "false",
    placeholder: 'JSON, as {"x": [1, 2, 3]}, or text; or drop a file, or paste a picture',
    "aria-label": "Request body",
    oninput: onchange,
    onkeydown: (event) => {
      keepKey(event); // Shift+Enter and the like belong to the box, not to the notebook
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) onsend();
    },
  });
  const picker = h("input", { type: "file", class: "tsnb-away", tabindex: "-1", "aria-hidden": "true" });
  picker.onchange = () => take(picker.files[0]);
  const chip = h("div", { class: "tsnb-chip" });
  const atOnce = h("input", { type: "checkbox" });
  const board = drawingBoard(() => {
    onchange();
    if (atOnce.checked) onsend();
  });
  const drawn = h("div", { class: "tsnb-drawn" }, board.el, h("label", { class: "tsnb-pick" }, atOnce, "send after every line"));
  const zone = h("div", { class: "tsnb-zone" }, text, chip, drawn);
  const chooseFile = button("Choose file…", () => picker.click());
  const drawButton = button("Draw", () => setDrawing(!drawing));
  const recorded = choice("Recorded request", [["", "Recorded…"]], { onfocus: () => list(), onpointerdown: () => list(), onchange: () => load() });

  const take = (chosen) => {
    if (preview) URL.revokeObjectURL(preview);
    file = chosen ?? null;
    preview = file?.type.startsWith("image/") ? URL.createObjectURL(file) : null;
    picker.value = "";
    drawing = false;
    onchange();
  };
  const setDrawing = (on) => {
    take(null);
    drawing = on;
    onchange();
    if (on) drawn.querySelector("canvas").focus();
  };

  let listed = 0;
  /** What the server has kept, asked for when somebody is about to choose. */
  const list = async () => {
    if (Date.now() - listed < 2000) return;
    listed = Date.now();
    try {
      const [reply] = await line.ask("recorded");
      const title = reply.requests.length ? "Recorded…" : "nothing is recorded yet";
      const pairs = [["", title], ...reply.requests.map((each) => [each.id, each.words])];
      show(recorded, pairs.map(([value, words]) => h("option", { value }, words)));
    } catch {
      // the line says that the kernel is gone
    }
  };
  const load = async () => {
    const wanted = recorded.value;
    recorded.value = "";
    if (!wanted) return;
    try {
      const [reply, buffers] = await line.ask("recording", { request: wanted });
      onfill(reply, buffers);
    } catch (error) {
      onfill({ method: "POST", path: "", text: `# ${error.message}` }, []);
    }
  };

  zone.ondragover = (event) => {
    event.preventDefault();
    zone.classList.add("tsnb-over");
  };
  zone.ondragleave = () => zone.classList.remove("tsnb-over");
  zone.ondrop = (event) => {
    zone.classList.remove("tsnb-over");
    event.stopPropagation();
    if (!event.dataTransfer.files.length) return; // text goes where it is dropped
    event.preventDefault();
    take(event.dataTransfer.files[0]);
  };
  zone.onpaste = (event) => {
    const [pasted] = event.clipboardData?.files ?? [];
    if (!pasted) return;
    event.preventDefault();
    event.stopPropagation();
    take(pasted);
  };

  const value = async () => {
    if (drawing) return [{ content_type: "image/png" }, [await (await board.blob()).arrayBuffer()]];
    if (!file) return [{ content_type: textType(text.value), text: text.value }, []];
    const named = file.name ? { file: file.name } : {};
    return [{ content_type: file.type || "application/octet-stream", ...named }, [await file.arrayBuffer()]];
  };
  const fill = ({ text: typed, content_type: type, file: name }, buffers) => {
    if (typed === undefined) take(new File([buffers[0]], name ?? "", { type }));
    else {
      take(null);
      text.value = typed;
    }
  };
  const words = () => {
    if (drawing) return board.isEmpty() ? "draw something" : `sent as image/png, ${board.size()} × ${board.size()}`;
    return sentAs(file, text.value);
  };
  const update = ({ usable, hidden }) => {
    zone.hidden = hidden;
    text.hidden = file !== null || drawing;
    drawn.hidden = !drawing;
    chip.hidden = file === null;
    show(chip, file && chipView(file, preview, () => take(null)));
    show(drawButton, drawing ? "Type instead" : "Draw");
    for (const each of [chooseFile, drawButton, recorded]) each.hidden = hidden;
    recorded.disabled = !usable;
  };
  return {
    el: h("div", {}, zone, picker),
    buttons: [chooseFile, drawButton, recorded],
    update,
    value,
    fill,
    size: () => (drawing ? Number(!board.isEmpty()) : file ? file.size : text.value.length),
    words,
    close: () => take(null),
  };
}

function chipView(file, preview, remove) {
  return [
    preview && h("img", { src: preview, alt: "" }),
    h("span", { class: "tsnb-label" }, file.name || "pasted file"),
    h("span", { class: "tsnb-dim tsnb-num" }, bytesText(file.size)),
    button("×", remove, { "aria-label": "Remove the file", tone: "step" }),
  ];
}

/** JSON when it parses as such, text otherwise. */
export function textType(value) {
  try {
    JSON.parse(value);
    return "application/json";
  } catch {
    return "text/plain; charset=utf-8";
  }
}

function sentAs(file, value) {
  if (file) return `sent as ${file.type.split(";")[0] || "application/octet-stream"}`;
  if (value.trim() === "") return "";
  const type = textType(value).split(";")[0];
  const meant = type === "text/plain" && /^\s*[[{]/.test(value) ? "not JSON yet: " : "";
  return `${meant}sent as ${type} · Ctrl+Enter`;
}

// The try-it box: JSON or text typed in, or a file chosen, dropped or pasted; sent through the kernel.

import { answerView } from "./answer.js";
import { button, bytesText, h, show } from "./dom.js";

const LARGEST = 8e6; // the notebook's own connection takes messages of 10 MiB

/** The box; `send(content, buffers)` resolves with [reply, buffers]. Returns {el, update}. */
export function tryIt(send) {
  let file = null;
  let sending = false;
  let preview = null;

  const text = h("textarea", {
    rows: 3,
    spellcheck: "false",
    placeholder: 'JSON, as {"x": [1, 2, 3]}, or text; or drop a file here',
    "aria-label": "Request body",
    oninput: () => update(),
    onkeydown: (event) => {
      event.stopPropagation(); // Shift+Enter and the like belong to the box, not to the notebook
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) go();
    },
  });
  const picker = h("input", { type: "file", class: "tsnb-away", tabindex: "-1", "aria-hidden": "true" });
  picker.onchange = () => take(picker.files[0]);
  const chip = h("div", { class: "tsnb-chip" });
  const choose = button("Choose file…", () => picker.click());
  const submit = button("Send", () => go(), { tone: "main" });
  const hint = h("span", { class: "tsnb-dim" });
  const answer = h("div", { class: "tsnb-answer", "aria-live": "polite" });
  const zone = h("div", { class: "tsnb-zone" }, text, chip);

  const take = (chosen) => {
    if (preview) URL.revokeObjectURL(preview);
    file = chosen ?? null;
    preview = file?.type.startsWith("image/") ? URL.createObjectURL(file) : null;
    picker.value = "";
    update();
  };
  zone.ondragover = (event) => {
    event.preventDefault();
    zone.classList.add("tsnb-over");
  };
  zone.ondragleave = () => zone.classList.remove("tsnb-over");
  zone.ondrop = (event) => {
    event.preventDefault();
    event.stopPropagation();
    zone.classList.remove("tsnb-over");
    if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
  };
  text.onpaste = (event) => {
    const [pasted] = event.clipboardData?.files ?? [];
    if (!pasted) return;
    event.preventDefault();
    take(pasted);
  };

  const go = async () => {
    if (sending || submit.disabled) return;
    sending = true;
    update();
    try {
      const [reply, buffers] = file
        ? await send({ content_type: file.type || "application/octet-stream" }, [await file.arrayBuffer()])
        : await send({ content_type: textType(text.value), text: text.value });
      show(answer, answerView(reply.answer, buffers));
    } catch (error) {
      show(answer, h("p", { class: "tsnb-message" }, error.message ?? String(error)));
    } finally {
      sending = false;
      update();
    }
  };

  let usable = true;
  const update = (now = usable) => {
    usable = now;
    const tooLarge = file && file.size > LARGEST;
    text.hidden = file !== null;
    chip.hidden = file === null;
    show(chip, file && chipView(file, preview, () => take(null)));
    submit.disabled = sending || !usable || tooLarge;
    show(submit, sending ? "Sending…" : "Send");
    show(hint, tooLarge ? `Over ${bytesText(LARGEST)}: too large for the notebook's connection, use curl.` : sentAs(file, text.value));
  };
  update();

  const row = h("div", { class: "tsnb-row" }, submit, choose, picker, hint);
  return { el: h("div", { class: "tsnb-try" }, zone, row, answer), update, close: () => take(null) };
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
  if (file) return `sent as ${file.type || "application/octet-stream"}`;
  if (value.trim() === "") return "";
  const type = textType(value).split(";")[0];
  const meant = type === "text/plain" && /^\s*[[{]/.test(value) ? "not JSON yet: " : "";
  return `${meant}sent as ${type} · Ctrl+Enter`;
}

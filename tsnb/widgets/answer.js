// An answer as its kind asks for: bars for labels, a picture, a sound, a tree for JSON, text, or bytes to keep.

import { badge, bytesText, copyButton, folded, h } from "./dom.js";
import { jsonTree } from "./json_tree.js";

/** The whole answer; `buffers[0]` holds the bytes of pictures, sounds and binary answers. */
export function answerView(answer, buffers) {
  return [
    h(
      "div",
      { class: "tsnb-head" },
      badge(answer.status_text, answer.ok ? "good" : "bad"),
      answer.elapsed && h("span", { class: "tsnb-num" }, answer.elapsed),
      answer.length && h("span", { class: "tsnb-num tsnb-dim" }, answer.length),
      answer.request_id && h("span", { class: "tsnb-dim tsnb-request" }, "request ", h("code", {}, answer.request_id)),
    ),
    answer.message && h("p", { class: "tsnb-message" }, answer.message),
    answer.traceback && h("pre", { class: "tsnb-traceback", tabindex: "0" }, answer.traceback),
    answerBody(answer, buffers),
    answer.stages && stagesView(answer.stages),
    answer.headers?.length && folded("Response headers", headersTable(answer.headers)),
  ].filter(Boolean);
}

function answerBody(answer, buffers) {
  switch (answer.kind) {
    case "labels":
      return h("div", {}, labelBars(answer.labels), jsonRaw(answer.text));
    case "image":
      return picture(answer, buffers[0]);
    case "audio":
      return sound(answer, buffers[0]);
    case "json":
      return jsonView(answer);
    case "text":
      return h("pre", { tabindex: "0" }, answer.text);
    case "binary":
      return download(answer, buffers[0]);
    default:
      return answer.kind === "empty" && h("p", { class: "tsnb-dim" }, "The answer is empty.");
  }
}

/** A short answer as it is, a long one as a tree with its text beside it. */
function jsonView(answer) {
  const value = answer.json && answer.text.includes("\n") ? parsed(answer.json) : undefined;
  if (value === undefined) return h("pre", { tabindex: "0" }, answer.text);
  return h("div", {}, jsonTree(value), jsonRaw(answer.text));
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // NaN and its like, which Python writes and JSON does not know
  }
}

function jsonRaw(text) {
  return folded("as JSON", h("pre", { tabindex: "0" }, text), copyButton(() => text, "the answer"));
}

function labelBars(labels) {
  const bar = ([label, share]) =>
    h(
      "tr",
      {},
      h("td", { class: "tsnb-label", title: label }, label),
      h("td", { "aria-hidden": "true" }, h("span", { class: "tsnb-track" }, h("i", { style: `width:${(100 * share).toFixed(1)}%` }))),
      h("td", { class: "tsnb-num" }, `${(100 * share).toFixed(1)}%`),
    );
  return h("table", { class: "tsnb-bars", "aria-label": "Labels" }, h("tbody", {}, labels.map(bar)));
}

/** Where the time went: a bar of parts, and what each is. */
function stagesView({ parts, batch }) {
  const piece = (part) => h("i", { class: `tsnb-stage-${part.name}`, style: `flex-grow:${part.share}`, title: `${part.name} ${part.words}` });
  const key = (part) =>
    h("span", { title: part.meaning || null }, h("i", { class: `tsnb-stage-${part.name}`, "aria-hidden": "true" }), part.name, " ", h("span", { class: "tsnb-num" }, part.words));
  const label = parts.map((part) => `${part.name} ${part.words}`).join(", ");
  return h(
    "div",
    { class: "tsnb-timeline" },
    h("span", { class: "tsnb-stages", role: "img", "aria-label": label }, parts.filter((part) => part.share > 0).map(piece)),
    h("div", { class: "tsnb-keys" }, parts.map(key), batch > 1 && h("span", { class: "tsnb-dim" }, `in a batch of ${batch}`)),
  );
}

function headersTable(headers) {
  const line = ([name, value]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", { class: "tsnb-value" }, value));
  return h("table", { class: "tsnb-headers", "aria-label": "Response headers" }, h("tbody", {}, headers.map(line)));
}

function kept(bytes, type) {
  const url = URL.createObjectURL(new Blob([bytes], { type }));
  setTimeout(() => URL.revokeObjectURL(url), 600_000); // long enough to look at it and to save it
  return url;
}

function picture(answer, bytes) {
  const src = kept(bytes, answer.media_type);
  return h("img", { src, alt: "The model's answer", class: "tsnb-picture" });
}

function sound(answer, bytes) {
  return h("audio", { controls: true, src: kept(bytes, answer.media_type), "aria-label": "The model's answer" });
}

function download(answer, bytes) {
  const save = bytes && h("a", { href: kept(bytes, "application/octet-stream"), download: "answer.bin" }, "save");
  return h("p", {}, `${bytesText(answer.size)} of ${answer.content_type || "bytes"} `, save);
}

// A new cell below the one a widget stands in.

const PATIENT = 40; // times that a new cell is looked for
const EVERY = 50; // milliseconds

/**
 * Insert code as a cell; whether that worked.
 *
 * A front end may take over by listening for the event `tsnb:insert-cell` (its `detail.code`) and calling
 * `preventDefault()`. Else the notebook's own button for a new cell is pressed, in JupyterLab and Notebook 7.
 */
export async function insertCell(el, code) {
  const asked = new CustomEvent("tsnb:insert-cell", { bubbles: true, cancelable: true, composed: true, detail: { code } });
  if (!el.dispatchEvent(asked)) return true;
  const panel = el.closest(".jp-NotebookPanel");
  const press = panel?.querySelector('.jp-NotebookPanel-toolbar [data-command="notebook:insert-cell-below"]');
  const own = el.closest(".jp-Cell");
  if (!press || !own) return false;
  const before = new Set(panel.querySelectorAll(".jp-Cell"));
  own.dispatchEvent(new MouseEvent("mousedown", { bubbles: true })); // a new cell comes below the active one
  press.dispatchEvent(new MouseEvent("mousedown", { bubbles: true, cancelable: true, button: 0 }));
  for (let times = 0; times < PATIENT; times += 1) {
    await new Promise((done) => setTimeout(done, EVERY));
    const cell = panel.querySelector(".jp-Cell.jp-mod-active");
    const editor = cell && !before.has(cell) && cell.querySelector(".cm-content");
    if (editor) return typed(editor, code);
    if (times === PATIENT / 4) press.click();
  }
  return false;
}

/** Hand text to an editor as a paste would. */
function typed(editor, code) {
  const data = new DataTransfer();
  data.setData("text/plain", code);
  editor.focus();
  editor.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  return editor.textContent.trim() !== "";
}

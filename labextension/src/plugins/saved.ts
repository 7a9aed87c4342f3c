/**
 * A saved card whose kernel is gone shows what it said last.
 *
 * Outputs of tsnb hold a widget and, beside it, the same as static HTML. JupyterLab draws the widget; where its model
 * went with the kernel that is one line, "model not found". Then the HTML is drawn instead.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Panel, type Widget } from '@lumino/widgets';

const WIDGET = 'application/vnd.jupyter.widget-view+json';
const HTML = 'text/html';
/** What a widget view says in place of a widget. */
const LOST = /^(Error displaying widget|Error creating widget|Loading widget)/;
/** Milliseconds for which "Loading widget" is believed. */
const PATIENCE = 4_000;

export const saved: JupyterFrontEndPlugin<void> = {
  id: 'tsnb:saved',
  description: 'Shows the static form of saved cards whose kernel is gone.',
  autoStart: true,
  optional: [INotebookTracker],
  activate: (_: JupyterFrontEnd, notebooks: INotebookTracker | null) => {
    notebooks?.forEach(watch);
    notebooks?.widgetAdded.connect((__, panel) => watch(panel));
  }
};

/** The widgets' renderer is put into each notebook's own registry, at any time: so what it makes is looked after. */
function watch(panel: NotebookPanel): void {
  const registry: Pick<typeof panel.content.rendermime, 'createRenderer'> = panel.content.rendermime;
  const create = registry.createRenderer.bind(registry);
  registry.createRenderer = mimeType => {
    const made = create(mimeType);
    if (mimeType === WIDGET) {
      remember(made, () => create(HTML));
    }
    return made;
  };
}

/**
 * Let the HTML beside a widget view stand in for it while there is no widget to view.
 *
 * The view itself stays what an output shows: after a reload the widget manager looks for it there, to give it a kernel.
 */
function remember(live: IRenderMime.IRenderer, makeStatic: () => IRenderMime.IRenderer): void {
  const render = live.renderModel.bind(live);
  let model: IRenderMime.IMimeModel | null = null;
  let standIn: IRenderMime.IRenderer | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const judge = (late = false): void => {
    const text = live.node.textContent ?? '';
    const lost = LOST.test(text) && (late || !text.startsWith('Loading'));
    if (lost && model && !standIn && live.parent instanceof Panel) {
      standIn = makeStatic();
      standIn.addClass('jp-OutputArea-output');
      live.parent.addWidget(standIn as Widget);
      void standIn.renderModel(model);
    }
    live.setHidden(lost && standIn !== null);
    standIn?.setHidden(!lost);
  };
  const observer = new MutationObserver(() => judge());

  live.renderModel = async each => {
    model = ours(each) ? each : null;
    clearTimeout(timer);
    if (model) {
      observer.observe(live.node, { childList: true, characterData: true, subtree: true });
      timer = setTimeout(() => judge(true), PATIENCE);
    }
    await render(each);
    judge();
  };
  live.disposed.connect(() => {
    observer.disconnect();
    clearTimeout(timer);
  });
}

/** Whether an output is one of tsnb's, with a static form. */
function ours(model: IRenderMime.IMimeModel): boolean {
  const html = model.data[HTML];
  const text = Array.isArray(html) ? html.join('') : html;
  return typeof text === 'string' && text.includes('class="tsnb');
}

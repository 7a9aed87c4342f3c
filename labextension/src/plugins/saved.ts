/**
 * A saved card whose kernel is gone shows what it said last.
 *
 * Outputs of tsnb hold a widget and, beside it, the same as static HTML. JupyterLab draws the widget; where its model
 * went with the kernel that is one line, "model not found". Then the HTML is drawn instead.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { Message } from '@lumino/messaging';
import { Panel, Widget } from '@lumino/widgets';

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

/** The widgets' renderer is put into each notebook's own registry, at any time: so what it makes is wrapped. */
function watch(panel: NotebookPanel): void {
  const registry: Pick<typeof panel.content.rendermime, 'createRenderer'> = panel.content.rendermime;
  const create = registry.createRenderer.bind(registry);
  registry.createRenderer = mimeType => {
    const made = create(mimeType);
    return mimeType === WIDGET ? new Remembering(made, () => create(HTML)) : made;
  };
}

/** A widget view, or the HTML beside it while there is no widget to view. */
class Remembering extends Panel implements IRenderMime.IRenderer {
  constructor(
    private readonly _live: IRenderMime.IRenderer,
    private readonly _makeStatic: () => IRenderMime.IRenderer
  ) {
    super();
    this.addClass('tsnb-remembering');
    this.addWidget(_live);
    this._observer = new MutationObserver(() => this._judge());
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this._model = ours(model) ? model : null;
    if (this._model) {
      this._observer.observe(this._live.node, { childList: true, characterData: true, subtree: true });
      this._timer = setTimeout(() => this._judge(true), PATIENCE);
    }
    await this._live.renderModel(model);
    this._judge();
  }

  override dispose(): void {
    this._observer.disconnect();
    clearTimeout(this._timer);
    super.dispose();
  }

  protected override onBeforeDetach(message: Message): void {
    clearTimeout(this._timer);
    super.onBeforeDetach(message);
  }

  private _judge(late = false): void {
    const text = this._live.node.textContent ?? '';
    const lost = LOST.test(text) && (late || !text.startsWith('Loading'));
    if (lost && this._model && !this._static) {
      this._static = this._makeStatic();
      this.addWidget(this._static as Widget);
      void this._static.renderModel(this._model);
    }
    this._live.setHidden(lost && this._static !== null);
    this._static?.setHidden(!lost);
  }

  private readonly _observer: MutationObserver;
  private _model: IRenderMime.IMimeModel | null = null;
  private _static: IRenderMime.IRenderer | null = null;
  private _timer: ReturnType<typeof setTimeout> | undefined;
}

/** Whether an output is one of tsnb's, with a static form. */
function ours(model: IRenderMime.IMimeModel): boolean {
  const html = model.data[HTML];
  const text = Array.isArray(html) ? html.join('') : html;
  return typeof text === 'string' && text.includes('class="tsnb');
}

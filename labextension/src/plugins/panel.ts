/** Puts the panel into the left sidebar. */
import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { modelsIcon } from '../icons.js';
import type { Models } from '../model.js';
import { CommandIDs, IModels, NAMESPACE } from '../tokens.js';
import { ModelsPanel } from '../views/panel.js';

const RANK = 160;

export const panel: JupyterFrontEndPlugin<void> = {
  id: 'tsnb:panel',
  description: 'The panel with models, versions and workers.',
  autoStart: true,
  requires: [IModels],
  optional: [ITranslator, ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    models: Models,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ) => {
    const trans = (translator ?? nullTranslator).load(NAMESPACE);
    const { commands } = app;
    const widget = new ModelsPanel({ commands, models, trans });
    app.shell.add(widget, 'left', { rank: RANK, type: 'Models' });
    restorer?.add(widget, widget.id);
    commands.addCommand(CommandIDs.showPanel, {
      label: trans.__('Show Models'),
      icon: modelsIcon,
      execute: () => app.shell.activateById(widget.id)
    });
    palette?.addItem({ command: CommandIDs.showPanel, category: trans.__('Models') });
  }
};

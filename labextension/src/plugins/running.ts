/** Models in the Running panel, beside kernels and terminals. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IRunningSessionManagers, type IRunningSessions } from '@jupyterlab/running';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';

import { modelsIcon } from '../icons.js';
import type { Models } from '../model.js';
import { CommandIDs, IModels, NAMESPACE } from '../tokens.js';
import { readyText } from '../views/words.js';
import type { Version } from '../wire.js';

export const running: JupyterFrontEndPlugin<void> = {
  id: 'tsnb:running',
  description: 'Served models in the Running panel.',
  autoStart: true,
  requires: [IModels],
  optional: [IRunningSessionManagers, ITranslator], // a notebook's page of Notebook 7 has no such panel
  activate: (
    app: JupyterFrontEnd,
    models: Models,
    managers: IRunningSessionManagers | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load(NAMESPACE);
    const { commands } = app;

    /** One version; the panel keeps the object, so it asks the model each time. */
    const item = (version: Version): IRunningSessions.IRunningItem => ({
      icon: () => modelsIcon,
      label: () => `${version.name} ${version.version}`,
      labelTitle: () => version.url,
      detail: () => readyText(models.find(version.name, version.version) ?? version, trans),
      open: () => void commands.execute(CommandIDs.showPanel),
      shutdown: () =>
        void commands.execute(CommandIDs.unserve, { name: version.name, version: version.version, confirmed: true }),
      context: `${version.name} ${version.version}`
    });

    const changed = new Signal<IRunningSessions.IManager, unknown>({} as IRunningSessions.IManager);
    models.changed.connect(() => changed.emit(undefined));
    managers?.add({
      name: trans.__('Models'),
      running: () => (models.overview?.models ?? []).map(item),
      shutdownAll: () => void commands.execute(CommandIDs.unserveAll, { confirmed: true }),
      refreshRunning: () => void models.refresh(),
      runningChanged: changed,
      shutdownLabel: trans.__('Unserve'),
      shutdownAllLabel: trans.__('Unserve All'),
      shutdownAllConfirmationText: trans.__('Are you sure you want to stop serving all models? The archives stay.')
    });
  }
};

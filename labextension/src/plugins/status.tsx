/** Workers in the status bar, and a word when one of them crashes. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import { Signal } from '@lumino/signaling';
import * as React from 'react';

import { bytes, count } from '../format.js';
import { modelsIcon } from '../icons.js';
import type { Models } from '../model.js';
import { CommandIDs, IModels, NAMESPACE } from '../tokens.js';
import { totalsText } from '../views/words.js';
import type { Crash } from '../wire.js';

const PLUGIN = 'tsnb:panel';
const RANK = 90;

export const status: JupyterFrontEndPlugin<void> = {
  id: 'tsnb:status',
  description: 'Workers in the status bar, and notifications of crashes.',
  autoStart: true,
  requires: [IModels],
  optional: [ITranslator, IStatusBar, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    models: Models,
    translator: ITranslator | null,
    bar: IStatusBar | null,
    registry: ISettingRegistry | null
  ) => {
    const trans = (translator ?? nullTranslator).load(NAMESPACE);
    let settings: ISettingRegistry.ISettings | null = null;
    const wanted = (name: string) => settings?.composite[name] !== false;
    const changed = new Signal<object, void>({});
    models.changed.connect(() => changed.emit());
    // JupyterLab waits for plugins before it shows itself; nobody needs to wait for this.
    void registry?.load(PLUGIN).then(found => {
      settings = found;
      settings.changed.connect(() => changed.emit());
      changed.emit();
    });
    if (bar) {
      addItem(bar, models, app.commands, trans, changed, () => wanted('statusBar'));
    }
    models.crashed.connect((_, crash) => {
      if (wanted('crashNotifications')) {
        notify(crash, app.commands, trans);
      }
    });
  }
};

function addItem(
  bar: IStatusBar,
  models: Models,
  commands: CommandRegistry,
  trans: TranslationBundle,
  changed: Signal<object, void>,
  wanted: () => boolean
): void {
  const draw = () => <Item models={models} commands={commands} trans={trans} />;
  bar.registerStatusItem('tsnb:status', {
    item: ReactWidget.create(<UseSignal signal={models.changed}>{draw}</UseSignal>),
    align: 'left',
    rank: RANK,
    isActive: () => wanted() && models.totals.workers > 0,
    activeStateChanged: changed
  });
}

function Item(props: { models: Models; commands: CommandRegistry; trans: TranslationBundle }): JSX.Element {
  const { models, trans } = props;
  const { queued, ready, workers } = models.totals;
  const devices = models.overview?.devices ?? [];
  const gpu = devices.reduce((sum, each) => sum + each.memory_used, 0);
  const memory = gpu ? trans.__('GPU %1', bytes(gpu)) : '';
  const full = [totalsText(models.totals, trans), memory].filter(Boolean).join(', ');
  const shown = [`${ready} / ${workers}`, queued ? trans.__('%1 waiting', count(queued)) : '', memory];
  return (
    <button
      type="button"
      className="tsnb-status"
      title={full}
      aria-label={full}
      onClick={() => void props.commands.execute(CommandIDs.showPanel)}
    >
      <modelsIcon.react tag="span" width="14px" height="14px" aria-hidden="true" />
      {shown.filter(Boolean).join(' · ')}
    </button>
  );
}

function notify(crash: Crash, commands: CommandRegistry, trans: TranslationBundle): void {
  const { model, version, worker } = crash;
  const next = crash.given_up ? trans.__('It is not started again.') : trans.__('It is started again.');
  const told = trans.__('Worker %1 of %2 %3: %4', worker, model, version, crash.failure.message);
  Notification.error(`${told} ${next}`, {
    autoClose: 15_000,
    actions: [
      { label: trans.__('Show traceback'), callback: () => void commands.execute(CommandIDs.traceback, { number: crash.number }) },
      { label: trans.__('Open log'), callback: () => void commands.execute(CommandIDs.logs, { name: model, version }) }
    ]
  });
}

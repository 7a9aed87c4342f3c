/** Provides the models, and everything that can be done to one of them as a command. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Clipboard, Dialog, ICommandPalette, InputDialog, Notification, showDialog } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { refreshIcon } from '@jupyterlab/ui-components';
import { Poll } from '@lumino/polling';

import { attempt, modelFor } from '../asking.js';
import { Models } from '../model.js';
import { Api } from '../request.js';
import { CommandIDs, EVENT, IModels, NAMESPACE } from '../tokens.js';
import type { Change } from '../wire.js';

/** Milliseconds between two looks at memory, which no event reports, while somebody looks. */
const MEMORY_PACE = 10_000;

export const models: JupyterFrontEndPlugin<Models> = {
  id: 'tsnb:models',
  description: 'Follows the models that the notebook server serves.',
  autoStart: true,
  provides: IModels,
  optional: [ITranslator, ICommandPalette],
  activate: (app: JupyterFrontEnd, translator: ITranslator | null, palette: ICommandPalette | null) => {
    const api = new Api(app.serviceManager.serverSettings);
    const found = new Models(api, api.client, () => !document.hidden);
    follow(app, found);
    addCommands(app, found, api, translator ?? nullTranslator, palette);
    return found;
  }
};

/** Events drive it; the poll only fills in what they do not tell, and sleeps when nobody looks. */
function follow(app: JupyterFrontEnd, found: Models): void {
  app.serviceManager.events.stream.connect((_, event) => {
    if (event.schema_id === EVENT) {
      found.note(event as unknown as Change);
    }
  });
  const poll = new Poll({
    name: 'tsnb:memory',
    factory: () => found.refresh(),
    frequency: { interval: MEMORY_PACE, backoff: true, max: 12 * MEMORY_PACE },
    standby: () => document.hidden || !found.watched,
    auto: false
  });
  document.addEventListener('visibilitychange', () => found.wake());
  void app.restored.then(() => {
    void found.refresh();
    void poll.start();
  });
}

function addCommands(
  app: JupyterFrontEnd,
  found: Models,
  api: Api,
  translator: ITranslator,
  palette: ICommandPalette | null
): void {
  const trans = translator.load(NAMESPACE);
  const { commands } = app;

  const pick = (args: { name?: unknown; version?: unknown }, title: string) => modelFor(found, args, title, trans);
  const change = async (work: () => Promise<unknown>) => {
    if (!(await attempt(work))) {
      await found.refresh();
    }
  };

  commands.addCommand(CommandIDs.refresh, {
    label: trans.__('Refresh Models'),
    icon: refreshIcon,
    execute: () => found.refresh()
  });

  commands.addCommand(CommandIDs.scale, {
    label: trans.__('Set Number of Workers…'),
    execute: async args => {
      const model = await pick(args, trans.__('Set Number of Workers'));
      if (!model) {
        return;
      }
      const now = found.find(model.name, model.version)?.min_workers ?? 1;
      const title = trans.__('Workers of %1 %2', model.name, model.version);
      const wanted = typeof args.workers === 'number' ? args.workers : (await InputDialog.getNumber({ title, value: now })).value;
      if (wanted !== null) {
        await change(() => found.scale(model.name, model.version, Math.max(0, Math.round(wanted))));
      }
    }
  });

  commands.addCommand(CommandIDs.setDefault, {
    label: trans.__('Make Default Version'),
    isEnabled: args => typeof args.name !== 'string' || !found.find(args.name, `${args.version}`)?.default,
    execute: async args => {
      const model = await pick(args, trans.__('Make Default Version'));
      if (model) {
        await change(() => found.setDefault(model.name, model.version));
      }
    }
  });

  commands.addCommand(CommandIDs.unserve, {
    label: trans.__('Unserve…'),
    execute: async args => {
      const model = await pick(args, trans.__('Unserve'));
      if (model && (args.confirmed === true || (await confirmed(model)))) {
        await change(() => found.unserve(model.name, model.version));
      }
    }
  });

  const confirmed = async (model: { name: string; version: string }) => {
    const heir = found.heir(model.name, model.version);
    const body = trans.__('Its workers finish what they hold and stop. The archive stays.');
    const next = heir ? ` ${trans.__('Version %1 becomes the default one.', heir)}` : '';
    const answer = await showDialog({
      title: trans.__('Unserve %1 %2?', model.name, model.version),
      body: body + next,
      buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: trans.__('Unserve') })]
    });
    return answer.button.accept;
  };

  commands.addCommand(CommandIDs.unserveAll, {
    label: trans.__('Unserve All Models…'),
    execute: async args => {
      const ask = () =>
        showDialog({
          title: trans.__('Unserve all models?'),
          body: trans.__('Every worker finishes what it holds and stops. The archives stay.'),
          buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: trans.__('Unserve All') })]
        });
      if (args.confirmed === true || (await ask()).button.accept) {
        await change(() => found.unserveAll());
      }
    }
  });

  commands.addCommand(CommandIDs.copyUrl, {
    label: trans.__('Copy URL'),
    execute: async args => {
      const model = await pick(args, trans.__('Copy URL'));
      if (model) {
        const isDefault = found.find(model.name, model.version)?.default;
        const url = api.client.address(model.name, isDefault ? undefined : model.version);
        Clipboard.copyToSystem(new URL(url, document.baseURI).href);
        Notification.success(trans.__('URL of %1 copied.', model.name), { autoClose: 2000 });
      }
    }
  });

  const category = trans.__('Models');
  const { scale, setDefault, unserve, unserveAll, copyUrl, refresh } = CommandIDs;
  for (const command of [scale, setDefault, unserve, unserveAll, copyUrl, refresh]) {
    palette?.addItem({ command, category });
  }
}

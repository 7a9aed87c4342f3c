/** A notebook with a handler to start from: in the launcher and the palette. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { ILauncher } from '@jupyterlab/launcher';
import type { Contents } from '@jupyterlab/services';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { attempt } from '../asking.js';
import { modelsIcon } from '../icons.js';
import { handlerNotebook } from '../templates.js';
import { CommandIDs, NAMESPACE } from '../tokens.js';

const NAME = 'handler.ipynb';

export const launcher: JupyterFrontEndPlugin<void> = {
  id: 'tsnb:launcher',
  description: 'A new notebook with a handler to start from.',
  autoStart: true,
  optional: [ITranslator, ICommandPalette, ILauncher, IDefaultFileBrowser],
  activate: (
    app: JupyterFrontEnd,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    cards: ILauncher | null,
    browser: IDefaultFileBrowser | null
  ) => {
    const trans = (translator ?? nullTranslator).load(NAMESPACE);
    const { commands, serviceManager } = app;
    commands.addCommand(CommandIDs.handlerNotebook, {
      label: trans.__('New Handler Notebook'),
      caption: trans.__('A notebook with a handler to start from'),
      icon: modelsIcon,
      execute: args =>
        attempt(async () => {
          const folder = typeof args.cwd === 'string' ? args.cwd : (browser?.model.path ?? '');
          await serviceManager.kernelspecs.ready;
          const kernel = serviceManager.kernelspecs.specs?.default ?? 'python3';
          const path = await write(serviceManager.contents, folder, handlerNotebook(kernel));
          await commands.execute('docmanager:open', { path, factory: 'Notebook' });
        })
    });
    cards?.add({ command: CommandIDs.handlerNotebook, category: trans.__('Other'), rank: 10 });
    palette?.addItem({ command: CommandIDs.handlerNotebook, category: trans.__('Models') });
  }
};

/** `handler.ipynb`, or the next free name. */
async function write(contents: Contents.IManager, folder: string, content: object): Promise<string> {
  const made = await contents.newUntitled({ path: folder, type: 'notebook' });
  await contents.save(made.path, { type: 'notebook', format: 'json', content });
  const wanted = PathExt.join(folder, NAME);
  const listed = (await contents.get(folder)).content as Contents.IModel[];
  if (listed.some(each => each.name === NAME)) {
    return made.path;
  }
  return (await contents.rename(made.path, wanted)).path;
}

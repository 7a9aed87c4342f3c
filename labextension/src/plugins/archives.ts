/** Archives as documents: the viewer, the comparison, and what the file browser's menu offers for files of models. */
import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, ICommandPalette, type IWidgetTracker, Notification, showDialog, WidgetTracker } from '@jupyterlab/apputils';
import { IEditorServices } from '@jupyterlab/codeeditor';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { type DocumentRegistry, type IDocumentWidget, TextModelFactory } from '@jupyterlab/docregistry';
import { FileDialog, IDefaultFileBrowser, IFileBrowserFactory } from '@jupyterlab/filebrowser';
import type { Contents } from '@jupyterlab/services';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { runIcon } from '@jupyterlab/ui-components';

import { attempt } from '../asking.js';
import { archiveIcon } from '../icons.js';
import type { Models } from '../model.js';
import { Api } from '../request.js';
import { ARCHIVE_FACTORY, ARCHIVE_FILE, CommandIDs, IModels, NAMESPACE, WEIGHTS_FILE } from '../tokens.js';
import { ArchiveFactory } from '../views/archive.js';
import { diffWidget } from '../views/diff.js';
import { askForOrder } from '../views/order.js';

const MODEL = 'tsnb-unread';

export const archives: JupyterFrontEndPlugin<void> = {
  id: 'tsnb:archives',
  description: 'Model archives as documents.',
  autoStart: true,
  requires: [IModels],
  optional: [ITranslator, ICommandPalette, ILayoutRestorer, IDocumentManager, IFileBrowserFactory, IDefaultFileBrowser, IEditorServices],
  activate: (
    app: JupyterFrontEnd,
    models: Models,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    documents: IDocumentManager | null,
    browsers: IFileBrowserFactory | null,
    browser: IDefaultFileBrowser | null,
    editors: IEditorServices | null
  ) => {
    const trans = (translator ?? nullTranslator).load(NAMESPACE);
    const api = new Api(app.serviceManager.serverSettings);
    addFileTypes(app.docRegistry, trans);
    const tracker = addViewer(app, api, editors, trans);
    void restorer?.restore(tracker, {
      command: 'docmanager:open',
      args: widget => ({ path: widget.context.path, factory: ARCHIVE_FACTORY }),
      name: widget => widget.context.path
    });

    /** Paths from the arguments, else what is selected in the file browser, without the drive. */
    const paths = (args: { path?: unknown }): string[] => {
      const current = browsers?.tracker.currentWidget ?? browser;
      const selected = [...(current?.selectedItems() ?? [])].map(item => item.path);
      const given = typeof args.path === 'string' ? [args.path] : selected;
      return given.map(path => app.serviceManager.contents.localPath(path));
    };
    const serve = async (path: string) => {
      const served = await api.serve(path, 1);
      await models.refresh();
      Notification.success(trans.__('%1 %2 is served.', served.name, served.version), { autoClose: 4000 });
    };

    const { commands } = app;
    commands.addCommand(CommandIDs.inspect, {
      label: trans.__('Inspect Archive'),
      icon: archiveIcon.bindprops({ stylesheet: 'menuItem' }),
      execute: async args => {
        for (const path of paths(args)) {
          await commands.execute('docmanager:open', { path, factory: ARCHIVE_FACTORY });
        }
      }
    });
    commands.addCommand(CommandIDs.serve, {
      label: trans.__('Serve'),
      icon: runIcon.bindprops({ stylesheet: 'menuItem' }),
      execute: async args => {
        for (const path of paths(args)) {
          await attempt(() => serve(path));
        }
      }
    });
    commands.addCommand(CommandIDs.compare, {
      label: () => (paths({}).length === 2 ? trans.__('Compare Selected') : trans.__('Compare with…')),
      isVisible: () => documents !== null,
      execute: async args => {
        const [before, second] = paths(args);
        const other = typeof args.other === 'string' ? args.other : second;
        const after = other ?? (documents && before && (await pickOther(documents, before, trans)));
        if (before && after) {
          const diff = api.diff.bind(api);
          const widget = diffWidget({ diff, before, after, trans });
          for (const earlier of app.shell.widgets('main')) {
            if (earlier.id === widget.id) {
              earlier.dispose(); // the files may be others by now
              break;
            }
          }
          app.shell.add(widget, 'main');
          app.shell.activateById(widget.id);
        }
      }
    });
    commands.addCommand(CommandIDs.archive, {
      label: trans.__('Archive This…'),
      icon: archiveIcon.bindprops({ stylesheet: 'menuItem' }),
      execute: async args => {
        const [path] = paths(args);
        const wish = path && (await askForOrder(path, await api.handlers().catch(() => []), trans));
        if (wish) {
          await attempt(async () => {
            const { serve: wanted, ...order } = wish;
            const made = await api.make(order);
            Notification.success(trans.__('%1 is in the model store.', made.name), { autoClose: 4000 });
            if (wanted && made.path) {
              await serve(made.path);
            }
          });
        }
      }
    });
    for (const command of [CommandIDs.inspect, CommandIDs.serve, CommandIDs.compare, CommandIDs.archive]) {
      palette?.addItem({ command, category: trans.__('Models') });
    }
  }
};

function addFileTypes(registry: DocumentRegistry, trans: TranslationBundle): void {
  registry.addFileType({
    name: ARCHIVE_FILE,
    displayName: trans.__('Model archive'),
    extensions: ['.mar'],
    mimeTypes: ['application/vnd.torch.model-archive'],
    fileFormat: 'base64',
    contentType: 'file',
    icon: archiveIcon
  });
  registry.addFileType({
    name: WEIGHTS_FILE,
    displayName: trans.__('Model weights'),
    extensions: ['.pt', '.pth', '.safetensors'],
    mimeTypes: ['application/octet-stream'],
    fileFormat: 'base64',
    contentType: 'file'
  });
}

/** A document whose content stays on the server: an archive may be larger than memory. It can never be saved. */
class UnreadModelFactory extends TextModelFactory {
  override get name(): string {
    return MODEL;
  }

  override get fileFormat(): Contents.FileFormat {
    return null; // JupyterLab asks for the file's facts only
  }

  override createNew(options?: Parameters<TextModelFactory['createNew']>[0]): ReturnType<TextModelFactory['createNew']> {
    const model = super.createNew(options);
    model.readOnly = true;
    return model;
  }
}

function addViewer(
  app: JupyterFrontEnd,
  api: Api,
  editors: IEditorServices | null,
  trans: TranslationBundle
): IWidgetTracker<IDocumentWidget> & WidgetTracker<IDocumentWidget> {
  const tracker = new WidgetTracker<IDocumentWidget>({ namespace: 'tsnb-archives' });
  app.docRegistry.addModelFactory(new UnreadModelFactory());
  const inspect = api.inspect.bind(api);
  const factory = new ArchiveFactory(
    {
      name: ARCHIVE_FACTORY,
      label: trans.__('Model archive'),
      modelName: MODEL,
      fileTypes: [ARCHIVE_FILE],
      defaultFor: [ARCHIVE_FILE],
      readOnly: true
    },
    { commands: app.commands, editors, inspect, trans }
  );
  factory.widgetCreated.connect((_, widget) => {
    widget.context.pathChanged.connect(() => void tracker.save(widget));
    void tracker.add(widget);
  });
  app.docRegistry.addWidgetFactory(factory);
  return tracker;
}

async function pickOther(manager: IDocumentManager, before: string, trans: TranslationBundle): Promise<string | undefined> {
  const answer = await FileDialog.getOpenFiles({
    manager,
    title: trans.__('Compare %1 with', before),
    filter: (item: Contents.IModel) => (item.type === 'directory' || item.path.endsWith('.mar') ? {} : null)
  });
  const [chosen] = answer.button.accept ? (answer.value ?? []) : [];
  if (!chosen) {
    return undefined;
  }
  if (chosen.type === 'directory') {
    await showDialog({ title: trans.__('Choose a .mar file.'), buttons: [Dialog.okButton()] });
    return undefined;
  }
  return manager.services.contents.localPath(chosen.path);
}

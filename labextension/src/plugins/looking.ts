/** Opens what shows one model: a trial, its log, the log console, a crash. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, type MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { ILoggerRegistry, type LogLevel } from '@jupyterlab/logconsole';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { bugIcon, listIcon, runIcon } from '@jupyterlab/ui-components';

import { modelFor } from '../asking.js';
import type { Models } from '../model.js';
import { Api } from '../request.js';
import { CommandIDs, IModels, NAMESPACE } from '../tokens.js';
import { crashWidget } from '../views/crash.js';
import { Log, logWidget } from '../views/logs.js';
import { trialWidget } from '../views/trial.js';
import type { LogLine } from '../wire.js';

const LOG_CONSOLE = 'logconsole:open';

export const looking: JupyterFrontEndPlugin<void> = {
  id: 'tsnb:looking',
  description: 'Requests by hand, logs and tracebacks of served models.',
  autoStart: true,
  requires: [IModels],
  optional: [ITranslator, ICommandPalette, ILoggerRegistry],
  activate: (
    app: JupyterFrontEnd,
    models: Models,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    loggers: ILoggerRegistry | null
  ) => {
    const trans = (translator ?? nullTranslator).load(NAMESPACE);
    const { commands, shell } = app;
    const api = new Api(app.serviceManager.serverSettings);
    const failure = api.failure.bind(api);
    const tracker = new WidgetTracker<MainAreaWidget>({ namespace: 'tsnb-views' });

    const open = (id: string, make: () => MainAreaWidget) => {
      const widget = tracker.find(each => each.id === id) ?? make();
      if (!widget.isAttached) {
        void tracker.add(widget);
        shell.add(widget, 'main');
      }
      shell.activateById(widget.id);
    };

    commands.addCommand(CommandIDs.tryIt, {
      label: trans.__('Try It'),
      icon: runIcon.bindprops({ stylesheet: 'menuItem' }),
      execute: async args => {
        const model = await modelFor(models, args, trans.__('Try It'), trans);
        if (model) {
          const { name, version } = model;
          open(`tsnb-trial-${name}-${version}`, () => trialWidget({ client: api.client, failure, name, version, trans }));
        }
      }
    });

    commands.addCommand(CommandIDs.logs, {
      label: trans.__('Open Log'),
      icon: listIcon.bindprops({ stylesheet: 'menuItem' }),
      execute: async args => {
        const model = await modelFor(models, args, trans.__('Open Log'), trans);
        if (model) {
          const { name, version } = model;
          open(`tsnb-log-${name}-${version}`, () => {
            const log = new Log(api, name, version);
            models.changed.connect(() => (log.gone &&= models.find(name, version) === undefined));
            return logWidget(log, trans);
          });
        }
      }
    });

    commands.addCommand(CommandIDs.traceback, {
      label: trans.__('Show Last Crash'),
      icon: bugIcon.bindprops({ stylesheet: 'menuItem' }),
      isEnabled: () => (models.overview?.crashes.length ?? 0) > 0,
      execute: args => {
        const crashes = models.overview?.crashes ?? [];
        const crash = typeof args.number === 'number' ? models.crash(args.number) : crashes.at(-1);
        if (crash) {
          open(`tsnb-crash-${crash.number}`, () => crashWidget(crash, trans));
        }
      }
    });

    for (const command of [CommandIDs.tryIt, CommandIDs.logs, CommandIDs.traceback]) {
      palette?.addItem({ command, category: trans.__('Models') });
    }

    if (loggers) {
      fillLogConsole(app, loggers, models, trans.__('Open in Log Console'), async (args, title) => {
        const model = await modelFor(models, args, title, trans);
        return model && new Log(api, model.name, model.version);
      });
    }
  }
};

type Find = (args: { name?: unknown; version?: unknown }, title: string) => Promise<Log | undefined>;

/** JupyterLab's own log console has a source for each version; crashes are written there as they happen. */
function fillLogConsole(app: JupyterFrontEnd, loggers: ILoggerRegistry, models: Models, label: string, find: Find): void {
  const { commands } = app;
  const known = new Map<string, Log>();
  commands.addCommand(CommandIDs.logConsole, {
    label,
    isVisible: () => commands.hasCommand(LOG_CONSOLE),
    execute: async args => {
      const found = await find(args, label);
      if (!found) {
        return;
      }
      const source = sourceOf(found.name, found.version);
      const log = known.get(source) ?? found;
      known.set(source, log);
      const logger = loggers.getLogger(source);
      logger.level = 'info'; // whoever opens it wants to see what the handler prints
      for (const line of await log.fetch()) {
        logger.log({ type: 'text', level: level(line), data: `${line.worker} ${line.text}` });
      }
      if (commands.isToggled(LOG_CONSOLE)) {
        await commands.execute(LOG_CONSOLE); // it closes, since it would not change its source
      }
      await commands.execute(LOG_CONSOLE, { source, insertMode: 'split-bottom' });
    }
  });
  models.crashed.connect((_, crash) => {
    const data = crash.failure.traceback || `${crash.failure.type}: ${crash.failure.message}`;
    const logger = loggers.getLogger(sourceOf(crash.model, crash.version));
    logger.log({ type: 'text', level: 'critical', data: `${crash.worker} ${data}` });
  });
}

function sourceOf(name: string, version: string): string {
  return `tsnb: ${name} ${version}`;
}

function level(line: LogLine): LogLevel {
  const name = line.level.toLowerCase();
  return name === 'critical' || name === 'error' || name === 'warning' || name === 'debug' ? name : 'info';
}

/** The panel in the sidebar: models, their versions, their workers. */
import type { TranslationBundle } from '@jupyterlab/translation';
import {
  caretDownIcon,
  caretRightIcon,
  listIcon,
  ReactWidget,
  refreshIcon,
  runIcon,
  UseSignal
} from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { Message } from '@lumino/messaging';
import { Menu } from '@lumino/widgets';
import * as React from 'react';

import { bytes, count, seconds } from '../format.js';
import { modelsIcon, moreIcon } from '../icons.js';
import { type Models, type NamedModel, state } from '../model.js';
import { CommandIDs } from '../tokens.js';
import type { Overview, Version, Worker } from '../wire.js';
import { Badge, Bar, IconButton, Problem } from './parts.js';
import { stateWord, workersText } from './words.js';

/** More models than this start folded. */
const UNFOLDED = 8;

interface Shared {
  commands: CommandRegistry;
  models: Models;
  trans: TranslationBundle;
}

export class ModelsPanel extends ReactWidget {
  constructor(private readonly _shared: Shared) {
    super();
    this.id = 'tsnb-panel';
    this.title.icon = modelsIcon;
    this.title.caption = _shared.trans.__('Models');
    this.addClass('tsnb-panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', _shared.trans.__('Models'));
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._look();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) {
      this._look();
    }
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._away();
  }

  protected override onBeforeDetach(message: Message): void {
    super.onBeforeDetach(message);
    this._away();
  }

  /** Asleep when hidden. */
  private _look(): void {
    this._stop ??= this._shared.models.watch();
  }

  private _away(): void {
    this._stop?.();
    this._stop = null;
  }

  protected render(): JSX.Element {
    return (
      <UseSignal signal={this._shared.models.changed}>
        {() => <Whole {...this._shared} overview={this._shared.models.overview} />}
      </UseSignal>
    );
  }

  private _stop: (() => void) | null = null;
}

function Whole(props: Shared & { overview: Overview | null }): JSX.Element {
  const { commands, models, overview, trans } = props;
  const [filter, setFilter] = React.useState('');
  const named = models.named;
  const many = named.length > UNFOLDED;
  const shown = many ? named.filter(each => each.name.toLowerCase().includes(filter.trim().toLowerCase())) : named;
  return (
    <>
      <header className="tsnb-panel-head">
        <h2>{trans.__('Models')}</h2>
        <IconButton
          icon={refreshIcon}
          label={trans.__('Refresh')}
          onClick={() => void commands.execute(CommandIDs.refresh)}
        />
      </header>
      <div className="tsnb-panel-body">
        {models.problem && <Problem text={models.problem} />}
        {overview && overview.devices.length > 0 && <Devices overview={overview} trans={trans} />}
        {overview && named.length === 0 && <Nothing trans={trans} commands={commands} />}
        {many && (
          <input
            type="search"
            className="jp-mod-styled tsnb-filter"
            placeholder={trans.__('Filter %1 models', count(named.length))}
            aria-label={trans.__('Filter models')}
            value={filter}
            onChange={event => setFilter(event.target.value)}
          />
        )}
        {shown.length < named.length && (
          <p className="tsnb-away" role="status">
            {trans._n('%2 model found', '%2 models found', shown.length, count(shown.length))}
          </p>
        )}
        {shown.map(model => (
          <Model
            key={model.name}
            {...props}
            model={model}
            memory={overview?.memory_total ?? 0}
            open={!many}
          />
        ))}
      </div>
    </>
  );
}

function Nothing(props: { trans: TranslationBundle; commands: CommandRegistry }): JSX.Element {
  const { commands, trans } = props;
  return (
    <div className="tsnb-nothing">
      <p>{trans.__('No model is served.')}</p>
      <p>{trans.__('Serve one from a cell with %serve, or right-click a .mar file in the file browser.')}</p>
      <button
        type="button"
        className="tsnb-button tsnb-button-main"
        onClick={() => void commands.execute(CommandIDs.handlerNotebook)}
      >
        {trans.__('New handler notebook')}
      </button>
    </div>
  );
}

function Devices(props: { overview: Overview; trans: TranslationBundle }): JSX.Element {
  return (
    <section className="tsnb-devices" aria-label={props.trans.__('GPUs')}>
      {props.overview.devices.map(each => (
        <Bar
          key={each.index}
          label={props.trans.__('GPU %1', each.index)}
          used={each.memory_used}
          total={each.memory_total}
          title={props.trans.__('%1, %2 % busy', each.name, each.utilization)}
        />
      ))}
    </section>
  );
}

function Model(props: Shared & { model: NamedModel; memory: number; open: boolean }): JSX.Element {
  const { model } = props;
  const [open, setOpen] = React.useState(props.open);
  const first = model.versions.find(each => each.default) ?? model.versions[0];
  const Caret = open ? caretDownIcon : caretRightIcon;
  return (
    <section className="tsnb-model" aria-label={model.name}>
      <h3>
        <button type="button" className="tsnb-fold" aria-expanded={open} onClick={() => setOpen(!open)}>
          <Caret.react tag="span" width="14px" height="14px" aria-hidden="true" />
          <span className="tsnb-name" title={model.name}>
            {model.name}
          </span>
          {first && !open && <Badge state={state(first)} text={foldedText(first, props.trans)} />}
        </button>
      </h3>
      {open && model.versions.map(each => <OneVersion key={each.version} {...props} version={each} />)}
    </section>
  );
}

const OneVersion = React.memo(VersionView, (a, b) => a.version === b.version && a.memory === b.memory);

function VersionView(props: Shared & { version: Version; memory: number }): JSX.Element {
  const { commands, memory, trans, version } = props;
  const args = { name: version.name, version: version.version };
  const label = `${version.name} ${version.version}`;
  const run = (command: string) => void commands.execute(command, args);
  const menu = (event: React.MouseEvent<HTMLElement>) => openMenu(event, commands, args);
  const used = version.workers.reduce((sum, each) => sum + each.memory, 0);
  return (
    <div className="tsnb-version" role="group" aria-label={label} onContextMenu={menu}>
      <div className="tsnb-row">
        <span className="tsnb-version-name" title={label}>
          {version.version}
        </span>
        {version.default && <span className="tsnb-tag">{trans.__('default')}</span>}
        <span className="tsnb-push" />
        <IconButton icon={runIcon} label={trans.__('Try %1', label)} onClick={() => run(CommandIDs.tryIt)} />
        <IconButton icon={listIcon} label={trans.__('Logs of %1', label)} onClick={() => run(CommandIDs.logs)} />
        <IconButton icon={moreIcon} label={trans.__('More for %1', label)} popup onClick={menu} />
      </div>
      <div className="tsnb-row">
        <Scaler {...props} />
        <Badge state={state(version)} text={versionWord(version, trans)} />
        <span className="tsnb-dim tsnb-figures">{figures(version, trans)}</span>
      </div>
      {version.workers.length > 0 && <Bar label={trans.__('Memory')} used={used} total={memory} />}
      {version.workers.length > 0 && (
        <ul className="tsnb-workers" aria-label={trans.__('Workers of %1', label)}>
          {version.workers.map(each => (
            <WorkerView key={each.id} worker={each} trans={trans} />
          ))}
        </ul>
      )}
    </div>
  );
}

function foldedText(version: Version, trans: TranslationBundle): string {
  return version.workers.length ? workersText(version, trans) : trans.__('no workers');
}

function versionWord(version: Version, trans: TranslationBundle): string {
  return version.workers.length ? stateWord(state(version), trans) : trans.__('no workers');
}

function figures(version: Version, trans: TranslationBundle): string {
  const parts = [trans._n('%2 request', '%2 requests', version.requests, count(version.requests))];
  if (version.errors) {
    parts.push(trans._n('%2 error', '%2 errors', version.errors, count(version.errors)));
  }
  if (version.queued) {
    parts.push(trans.__('%1 waiting', count(version.queued)));
  }
  if (version.latency) {
    parts.push(seconds(version.latency));
  }
  return parts.join(' · ');
}

function Scaler(props: Shared & { version: Version }): JSX.Element {
  const { commands, trans, version } = props;
  const wanted = version.min_workers;
  const scale = (workers: number) =>
    void commands.execute(CommandIDs.scale, { name: version.name, version: version.version, workers });
  const label = `${version.name} ${version.version}`;
  return (
    <span className="tsnb-scaler" role="group" aria-label={trans.__('Workers of %1', label)}>
      <button type="button" aria-label={trans.__('One worker fewer')} disabled={wanted === 0} onClick={() => scale(wanted - 1)}>
        −
      </button>
      <output aria-live="polite">{workersText(version, trans)}</output>
      <button type="button" aria-label={trans.__('One worker more')} onClick={() => scale(wanted + 1)}>
        +
      </button>
    </span>
  );
}

function WorkerView(props: { worker: Worker; trans: TranslationBundle }): JSX.Element {
  const { trans, worker } = props;
  const facts = [
    worker.device,
    worker.memory ? bytes(worker.memory) : '',
    worker.pid ? trans.__('pid %1', worker.pid) : '',
    worker.gpu_memory ? trans.__('%1 on the GPU', bytes(worker.gpu_memory)) : '',
    worker.restarts ? trans._n('%1 restart', '%1 restarts', worker.restarts) : ''
  ];
  return (
    <li className="tsnb-worker" title={trans._n('Worker %2: %3 request', 'Worker %2: %3 requests', worker.requests, worker.id, count(worker.requests))}>
      <Badge state={worker.state} text={stateWord(worker.state, trans)} />
      <span className="tsnb-dim">{facts.filter(Boolean).join(' · ')}</span>
      {worker.problem && <span className="tsnb-worker-problem">{worker.problem}</span>}
    </li>
  );
}

function openMenu(event: React.MouseEvent<HTMLElement>, commands: CommandRegistry, args: { name: string; version: string }): void {
  event.preventDefault();
  event.stopPropagation();
  const menu = new Menu({ commands });
  const entries = [CommandIDs.tryIt, CommandIDs.logs, CommandIDs.logConsole, CommandIDs.copyUrl];
  for (const command of [...entries, '', CommandIDs.scale, CommandIDs.setDefault, '', CommandIDs.unserve]) {
    menu.addItem(command ? { command, args } : { type: 'separator' });
  }
  menu.aboutToClose.connect(() => setTimeout(() => menu.dispose()));
  const box = event.currentTarget.getBoundingClientRect();
  const pointed = event.type === 'contextmenu' && event.clientX > 0;
  menu.open(pointed ? event.clientX : box.left, pointed ? event.clientY : box.bottom);
}

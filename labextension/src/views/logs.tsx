/** What the workers of a version write, as they write it. Asks while it is looked at only. */
import { MainAreaWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { listIcon, ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { Poll } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';
import * as React from 'react';

import { type Api, Refused } from '../request.js';
import type { LogLine } from '../wire.js';
import { Problem } from './parts.js';

const PACE = 1_500;
const SLOWEST = 15_000;
const KEPT = 5_000;
/** Lines that are drawn; the others are found by the filter. */
const SHOWN = 1_000;

/** The lines of one version. */
export class Log {
  lines: LogLine[] = [];
  problem = '';
  /** The model is not served any more; asking again is in vain. */
  gone = false;

  constructor(
    private readonly _api: Pick<Api, 'logs'>,
    readonly name: string,
    readonly version: string
  ) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Fetch what was written since the last time. */
  async fetch(): Promise<LogLine[]> {
    let fresh: LogLine[] = [];
    try {
      fresh = await this._api.logs(this.name, this.version, this.lines.at(-1)?.time ?? 0);
      this.lines = [...this.lines, ...fresh].slice(-KEPT);
      this.problem = '';
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error);
      this.gone = error instanceof Refused && error.status === 404;
      this._changed.emit();
      throw error;
    }
    if (fresh.length) {
      this._changed.emit();
    }
    return fresh;
  }

  private readonly _changed = new Signal<this, void>(this);
}

class LogBody extends ReactWidget {
  constructor(
    private readonly _log: Log,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('tsnb-view');
    this.addClass('tsnb-log');
    this._poll = new Poll({
      name: `tsnb:logs ${_log.name} ${_log.version}`,
      factory: () => _log.fetch(),
      frequency: { interval: PACE, backoff: true, max: SLOWEST },
      standby: () => document.hidden || !this.isVisible || _log.gone
    });
  }

  override dispose(): void {
    this._poll.dispose();
    super.dispose();
  }

  protected render(): JSX.Element {
    return <UseSignal signal={this._log.changed}>{() => <Lines log={this._log} trans={this._trans} />}</UseSignal>;
  }

  private readonly _poll: Poll;
}

function Lines(props: { log: Log; trans: TranslationBundle }): JSX.Element {
  const { log, trans } = props;
  const [filter, setFilter] = React.useState('');
  const [follow, setFollow] = React.useState(true);
  const box = React.useRef<HTMLDivElement>(null);
  const wanted = filter.toLowerCase();
  const found = wanted ? log.lines.filter(line => `${line.worker} ${line.text}`.toLowerCase().includes(wanted)) : log.lines;
  React.useEffect(() => {
    if (follow && box.current) {
      box.current.scrollTop = box.current.scrollHeight;
    }
  });
  return (
    <>
      <div className="tsnb-tools">
        <input
          type="search"
          className="jp-mod-styled"
          placeholder={trans.__('Filter lines')}
          aria-label={trans.__('Filter lines')}
          value={filter}
          onChange={event => setFilter(event.target.value)}
        />
        <label>
          <input type="checkbox" checked={follow} onChange={event => setFollow(event.target.checked)} />
          {trans.__('Follow')}
        </label>
      </div>
      {log.problem && <Problem text={log.problem} />}
      <div className="tsnb-lines" ref={box} tabIndex={0} role="log" aria-label={trans.__('Log of %1 %2', log.name, log.version)}>
        {found.length === 0 && <p className="tsnb-dim">{trans.__('Nothing was written yet.')}</p>}
        {found.slice(-SHOWN).map((line, index) => (
          <div key={index} className={`tsnb-line tsnb-level-${line.level.toLowerCase()}`}>
            <time>{clock(line.time)}</time> <b title={line.level}>{line.worker}</b> {line.text}
          </div>
        ))}
      </div>
    </>
  );
}

function clock(time: number): string {
  return new Date(time * 1000).toTimeString().slice(0, 8);
}

export function logWidget(log: Log, trans: TranslationBundle): MainAreaWidget {
  const widget = new MainAreaWidget({ content: new LogBody(log, trans) });
  widget.id = `tsnb-log-${log.name}-${log.version}`;
  widget.title.label = trans.__('Log of %1 %2', log.name, log.version);
  widget.title.icon = listIcon;
  widget.toolbar.hide(); // nothing is in it
  widget.title.closable = true;
  return widget;
}

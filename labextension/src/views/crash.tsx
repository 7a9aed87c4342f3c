/** How a worker ended: the handler's traceback, what it was given, what it printed. */
import { MainAreaWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { bugIcon, ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { Crash } from '../wire.js';
import { Facts } from './parts.js';

class CrashBody extends ReactWidget {
  constructor(
    private readonly _crash: Crash,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('tsnb-view');
    this.addClass('tsnb-scrolling');
  }

  protected render(): JSX.Element {
    const { failure, model, time, version, worker } = this._crash;
    const trans = this._trans;
    const rows: [string, string][] = [
      [trans.__('Model'), `${model} ${version}`],
      [trans.__('Worker'), worker],
      [trans.__('Time'), new Date(time * 1000).toLocaleString()],
      [trans.__('Stage'), failure.stage]
    ];
    if (failure.request_ids.length) {
      rows.push([trans.__('Requests'), failure.request_ids.join(', ')]);
    }
    if (failure.inputs) {
      rows.push([trans.__('Inputs'), failure.inputs]);
    }
    return (
      <>
        <h2>{`${failure.type}: ${failure.message}`}</h2>
        <Facts rows={rows} />
        {failure.traceback && <Text title={trans.__('Traceback')} text={failure.traceback} />}
        {failure.output && <Text title={trans.__('What it printed last')} text={failure.output} />}
        {!failure.traceback && !failure.output && (
          <p className="tsnb-dim">{trans.__('There is no traceback: the process ended from outside, and had printed nothing.')}</p>
        )}
      </>
    );
  }
}

function Text(props: { title: string; text: string }): JSX.Element {
  return (
    <section>
      <h3>{props.title}</h3>
      <pre tabIndex={0}>{props.text}</pre>
    </section>
  );
}

export function crashWidget(crash: Crash, trans: TranslationBundle): MainAreaWidget {
  const widget = new MainAreaWidget({ content: new CrashBody(crash, trans) });
  widget.id = `tsnb-crash-${crash.number}`;
  widget.title.label = trans.__('Crash of %1', crash.model);
  widget.title.icon = bugIcon;
  widget.toolbar.hide(); // nothing is in it
  widget.title.closable = true;
  return widget;
}

/** A request typed by hand, and its answer as it arrives. */
import { MainAreaWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, runIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { Client } from 'tsnb-client';

import { bytes, seconds } from '../format.js';
import { Problem } from './parts.js';

/** Characters of an answer that are drawn. */
const SHOWN = 200_000;

interface Answer {
  line: string;
  text: string;
  image: string;
}

class TrialBody extends ReactWidget {
  constructor(private readonly _props: TrialProps) {
    super();
    this.addClass('tsnb-view');
    this.addClass('tsnb-scrolling');
  }

  protected render(): JSX.Element {
    return <Trial {...this._props} />;
  }
}

export interface TrialProps {
  client: Client;
  name: string;
  version: string;
  trans: TranslationBundle;
}

function Trial(props: TrialProps): JSX.Element {
  const { client, name, trans, version } = props;
  const [text, setText] = React.useState('');
  const [file, setFile] = React.useState<File | null>(null);
  const [answer, setAnswer] = React.useState<Answer | null>(null);
  const [problem, setProblem] = React.useState('');
  const running = React.useRef<AbortController | null>(null);
  const [busy, setBusy] = React.useState(false);
  React.useEffect(() => () => running.current?.abort(), []);

  const send = async () => {
    running.current = new AbortController();
    setBusy(true);
    setProblem('');
    setAnswer(null);
    try {
      const contentType = file ? undefined : typed(text);
      const options = { version, contentType, signal: running.current.signal };
      await receive(await client.send(name, file ?? text, options), setAnswer);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };

  return (
    <form
      className="tsnb-trial"
      onSubmit={event => {
        event.preventDefault();
        void send();
      }}
    >
      <h2>
        {name} <span className="tsnb-dim">{version}</span>
      </h2>
      <code className="tsnb-dim">POST {client.address(name, version)}</code>
      <textarea
        aria-label={trans.__('Request body')}
        placeholder={trans.__('JSON or text')}
        rows={6}
        spellCheck={false}
        value={text}
        disabled={file !== null}
        onChange={event => setText(event.target.value)}
        onKeyDown={event => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
            event.preventDefault();
            void send();
          }
        }}
      />
      <div className="tsnb-row">
        <button type="submit" className="tsnb-button tsnb-button-main" disabled={busy}>
          {trans.__('Send')}
        </button>
        {busy && (
          <button type="button" className="tsnb-button" onClick={() => running.current?.abort()}>
            {trans.__('Stop')}
          </button>
        )}
        <label className="tsnb-file">
          {trans.__('File instead:')}{' '}
          <input type="file" onChange={event => setFile(event.target.files?.[0] ?? null)} />
        </label>
      </div>
      {problem && <Problem text={problem} />}
      <div className="tsnb-answer" aria-live="polite">
        {answer && <p className="tsnb-dim">{answer.line}</p>}
        {answer?.image && <img src={answer.image} alt={trans.__('The answer')} />}
        {answer?.text && <pre tabIndex={0}>{answer.text}</pre>}
      </div>
    </form>
  );
}

/** JSON where it parses, else text. */
function typed(text: string): string {
  try {
    JSON.parse(text);
    return 'application/json';
  } catch {
    return 'text/plain; charset=utf-8';
  }
}

/** Show the parts of an answer as they come, and the whole by its kind. */
async function receive(answer: Response, show: (answer: Answer) => void): Promise<void> {
  const begun = performance.now();
  const type = answer.headers.get('content-type') ?? '';
  const parts: Uint8Array[] = [];
  const decoder = new TextDecoder();
  let text = '';
  let size = 0;
  const line = () => `${answer.status} · ${type || 'no content type'} · ${bytes(size)} · ${seconds((performance.now() - begun) / 1000)}`;
  const reader = answer.body?.getReader();
  for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
    parts.push(next.value);
    size += next.value.length;
    if (!type.startsWith('image/')) {
      text += decoder.decode(next.value, { stream: true });
      show({ line: line(), text: text.slice(0, SHOWN), image: '' });
    }
  }
  const image = type.startsWith('image/') ? await dataUrl(new Blob(parts, { type })) : '';
  show({ line: line(), text: image ? '' : pretty(text).slice(0, SHOWN), image });
}

function dataUrl(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

export function trialWidget(props: TrialProps): MainAreaWidget {
  const widget = new MainAreaWidget({ content: new TrialBody(props) });
  widget.id = `tsnb-trial-${props.name}-${props.version}`;
  widget.title.label = props.trans.__('Try %1', props.name);
  widget.title.icon = runIcon;
  widget.title.closable = true;
  return widget;
}

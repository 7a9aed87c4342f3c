/** The dialog of "Archive this…". */
import { Dialog, ReactWidget, showDialog } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Order } from '../wire.js';

export interface Wish extends Order {
  serve: boolean;
}

/** What the chosen file suggests: code becomes the handler, weights want one. */
export function suggested(path: string): Wish {
  const name = PathExt.basename(path).replace(/\.[^.]+$/, '');
  const code = path.endsWith('.py');
  return {
    model_name: name.replace(/(_handler|handler_)/, '').replace(/[^A-Za-z0-9_.-]/g, '_'),
    version: '1.0',
    handler: code ? path : 'base_handler',
    serialized_file: code ? '' : path,
    model_file: '',
    serve: true
  };
}

class OrderBody extends ReactWidget implements Dialog.IBodyWidget<Wish> {
  constructor(
    private _wish: Wish,
    private readonly _handlers: string[],
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('tsnb-order');
  }

  getValue(): Wish {
    return this._wish;
  }

  protected render(): JSX.Element {
    const trans = this._trans;
    const field = (name: keyof Wish, label: string, hint: string, list?: string) => (
      <label>
        <span>{label}</span>
        <input
          className="jp-mod-styled"
          defaultValue={String(this._wish[name] ?? '')}
          placeholder={hint}
          list={list}
          onChange={event => (this._wish = { ...this._wish, [name]: event.target.value.trim() })}
        />
      </label>
    );
    return (
      <>
        {field('model_name', trans.__('Model name'), '')}
        {field('version', trans.__('Version'), '1.0')}
        {field('handler', trans.__('Handler'), trans.__('a .py file, or a default handler'), 'tsnb-handlers')}
        {field('serialized_file', trans.__('Weights'), trans.__('a .pt, .pth or .safetensors file'))}
        {field('model_file', trans.__('Model class'), trans.__('a .py file, for a state dict'))}
        <datalist id="tsnb-handlers">
          {this._handlers.map(each => (
            <option key={each} value={each} />
          ))}
        </datalist>
        <Check label={trans.__('Replace an archive of the same name')} onChange={force => (this._wish = { ...this._wish, force })} />
        <Check
          label={trans.__('Serve it with one worker')}
          checked={this._wish.serve}
          onChange={serve => (this._wish = { ...this._wish, serve })}
        />
      </>
    );
  }
}

function Check(props: { label: string; checked?: boolean; onChange: (checked: boolean) => void }): JSX.Element {
  return (
    <label className="tsnb-check">
      <input type="checkbox" defaultChecked={props.checked} onChange={event => props.onChange(event.target.checked)} />
      <span>{props.label}</span>
    </label>
  );
}

/** Ask for the rest; nothing when the person changed her mind. */
export async function askForOrder(path: string, handlers: string[], trans: TranslationBundle): Promise<Wish | null> {
  const answer = await showDialog({
    title: trans.__('Archive %1', PathExt.basename(path)),
    body: new OrderBody(suggested(path), handlers, trans),
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Archive') })],
    focusNodeSelector: '.tsnb-order input'
  });
  return answer.button.accept ? answer.value : null;
}

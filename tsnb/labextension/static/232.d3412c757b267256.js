"use strict";(self.rspackChunktsnb=self.rspackChunktsnb||[]).push([[232],{475(n,t,e){var r=e(601),o=e.n(r),i=e(314),a=(e.n(i))()(o());a.push([n.id,`/* Names and words for colours are those of the cards in notebooks (tsnb/html.css), so that both look alike; nothing here may
   reach into those, nor they in here: hence the nesting, and no class "tsnb" on the panel. */
.tsnb-panel, .tsnb-view {
  --tsnb-ink: var(--jp-content-font-color1);
  --tsnb-dim: color-mix(in srgb, var(--tsnb-ink) 72%, transparent);
  --tsnb-line: color-mix(in srgb, var(--tsnb-ink) 13%, transparent);
  --tsnb-wash: color-mix(in srgb, var(--tsnb-ink) 4%, transparent);
  --tsnb-accent: var(--jp-brand-color1);
  --tsnb-good: var(--jp-success-color1);
  --tsnb-busy: var(--jp-warn-color1);
  --tsnb-bad: var(--jp-error-color1);
  --tsnb-mono: var(--jp-code-font-family);
  color: var(--tsnb-ink);
  font: var(--jp-ui-font-size1)/1.5 var(--jp-ui-font-family);
  max-width: none;
}
.tsnb-panel, .tsnb-view { background: var(--jp-layout-color1); overflow: hidden; }
.tsnb-panel { display: flex; flex-direction: column; min-width: 240px; }
.tsnb-panel h2, .tsnb-panel h3, .tsnb-view h2, .tsnb-view h3 { margin: 0; font-size: inherit; font-weight: 600; }
.tsnb-panel p, .tsnb-view p { margin: 0; }
:is(.tsnb-panel, .tsnb-view) :is(button, input, textarea, select, summary, [tabindex]):focus-visible { outline: 2px solid var(--tsnb-accent); outline-offset: -1px; }
@keyframes tsnb-lab-turn { to { transform: rotate(1turn); } }
.tsnb-view { display: flex; flex-direction: column; height: 100%; min-height: 0; }
.tsnb-scrolling { display: block; overflow: auto; padding: 16px 20px; }
.tsnb-view pre, .tsnb-view code, .tsnb-view textarea { font: 12px/1.5 var(--tsnb-mono); }
.tsnb-view pre { margin: 4px 0 0; padding: 10px 12px; background: var(--tsnb-wash); border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere; color: inherit; }
.tsnb-view h2 { font-size: var(--jp-ui-font-size2); overflow-wrap: anywhere; }
.tsnb-view .tsnb-diff { white-space: pre; overflow: auto; max-height: 60vh; }
.tsnb-view :is(del, ins) { text-decoration: none; padding: 0 3px; border-radius: 3px; }
.tsnb-view del { background: color-mix(in srgb, var(--jp-error-color1) 18%, transparent); }
.tsnb-view ins { background: color-mix(in srgb, var(--jp-success-color1) 18%, transparent); }

:is(.tsnb-panel, .tsnb-view) {
  .tsnb-panel-head { display: flex; align-items: center; justify-content: space-between; padding: 8px 8px 8px 12px; border-bottom: 1px solid var(--jp-border-color2); }
  .tsnb-panel-body { flex: 1 1 auto; overflow-y: auto; min-height: 0; }
  input[type="search"] { height: 26px; font-size: var(--jp-ui-font-size1); }
  .tsnb-filter { display: block; width: calc(100% - 16px); margin: 8px; }
  .tsnb-away { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .tsnb-nothing { display: grid; gap: 8px; padding: 16px 12px; color: var(--tsnb-dim); justify-items: start; }
  .tsnb-devices { display: grid; gap: 2px; padding: 8px 12px; border-bottom: 1px solid var(--tsnb-line); }

  .tsnb-model { border-bottom: 1px solid var(--tsnb-line); content-visibility: auto; contain-intrinsic-size: auto 34px; }
  .tsnb-fold { display: flex; align-items: center; gap: 6px; width: 100%; padding: 6px 8px; border: 0; background: none; color: inherit; font: inherit; font-weight: 600; cursor: pointer; text-align: left; }
  .tsnb-fold > span:first-child { display: inline-flex; flex: none; }
  .tsnb-fold:hover { background: var(--jp-layout-color2); }
  .tsnb-fold .tsnb-badge { margin-left: auto; font-weight: 400; font-size: var(--jp-ui-font-size0); color: var(--tsnb-dim); }
  .tsnb-name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  .tsnb-version { display: grid; gap: 4px; padding: 2px 10px 10px 28px; }
  .tsnb-version + .tsnb-version { padding-top: 6px; }
  .tsnb-version-name { font-weight: 500; overflow: hidden; text-overflow: ellipsis; }
  .tsnb-row { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 8px; min-width: 0; }
  .tsnb-row:first-child { flex-wrap: nowrap; align-items: center; gap: 2px; }
  .tsnb-row:first-child > .tsnb-tag { margin-left: 6px; }
  .tsnb-push { flex: 1 1 auto; }
  .tsnb-dim { color: var(--tsnb-dim); }
  .tsnb-num { font-variant-numeric: tabular-nums; text-align: right; white-space: nowrap; }
  .tsnb-figures, .tsnb-workers, .tsnb-bar { font-size: var(--jp-ui-font-size0); }
  .tsnb-tag { padding: 0 6px; border: 1px solid var(--tsnb-line); border-radius: 8px; font-size: var(--jp-ui-font-size0); color: var(--tsnb-dim); white-space: nowrap; }

  .tsnb-badge { display: inline-flex; align-items: baseline; gap: 5px; white-space: nowrap; font-size: var(--jp-ui-font-size0); }
  .tsnb-badge::before { content: ""; flex: none; align-self: center; width: 8px; height: 8px; border-radius: 50%; background: var(--tsnb-tone); }
  .tsnb-good { --tsnb-tone: var(--tsnb-good); }
  .tsnb-busy { --tsnb-tone: var(--tsnb-busy); }
  .tsnb-bad { --tsnb-tone: var(--tsnb-bad); }
  .tsnb-quiet::before { background: none; border: 1.5px solid var(--tsnb-dim); }

  .tsnb-bar { display: grid; grid-template-columns: 52px minmax(40px, 1fr) auto; align-items: center; gap: 8px; color: var(--tsnb-dim); }
  .tsnb-track { display: block; height: 6px; border-radius: 3px; background: var(--tsnb-line); overflow: hidden; }
  .tsnb-track > i { display: block; height: 100%; min-width: 2px; border-radius: 3px; background: var(--tsnb-accent); transition: width 0.3s; }
  .tsnb-track > i[hidden] { display: none; }
  .tsnb-track.tsnb-full > i { background: var(--tsnb-bad); }

  .tsnb-scaler { display: inline-flex; align-items: baseline; gap: 6px; font-size: var(--jp-ui-font-size0); }
  .tsnb-scaler button { width: 20px; height: 20px; padding: 0; line-height: 1; border: 1px solid var(--jp-border-color1); border-radius: 4px; background: none; color: inherit; font: inherit; cursor: pointer; }
  .tsnb-scaler button:hover:not(:disabled), .tsnb-icon-button:hover:not(:disabled) { background: var(--jp-layout-color2); }
  .tsnb-scaler button:disabled, .tsnb-icon-button:disabled, .tsnb-button:disabled { opacity: 0.45; cursor: default; }
  .tsnb-scaler output { font-variant-numeric: tabular-nums; }
  .tsnb-icon-button { display: inline-flex; align-items: center; justify-content: center; flex: none; width: 24px; height: 24px; padding: 0; border: 0; border-radius: 4px; background: none; cursor: pointer; }
  .tsnb-icon-button > span { display: inline-flex; }

  .tsnb-workers { list-style: none; margin: 0; padding: 0; display: grid; gap: 1px; }
  .tsnb-worker { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0 8px; align-items: baseline; }
  .tsnb-worker .tsnb-badge { min-width: 52px; font-size: inherit; }
  .tsnb-worker-problem { grid-column: 1 / -1; color: color-mix(in srgb, var(--tsnb-bad) 70%, var(--tsnb-ink)); overflow-wrap: anywhere; }
  .tsnb-message { padding: 6px 12px; border-left: 3px solid var(--tsnb-bad); overflow-wrap: anywhere; white-space: pre-wrap; }
  .tsnb-button { font: inherit; font-size: var(--jp-ui-font-size1); line-height: 18px; padding: 3px 12px; border: 1px solid var(--jp-border-color1); border-radius: 4px; background: none; color: inherit; cursor: pointer; }
  .tsnb-button:hover:not(:disabled) { background: var(--jp-layout-color2); }
  .tsnb-button-main { color: #fff; background: color-mix(in srgb, var(--jp-brand-color1) 82%, #000); border-color: transparent; }
  .tsnb-button-main:hover:not(:disabled) { background: color-mix(in srgb, var(--jp-brand-color1) 70%, #000); }
  .tsnb-working::before { content: ""; display: inline-block; width: 10px; height: 10px; margin-right: 8px; vertical-align: -1px; border: 2px solid var(--tsnb-line); border-top-color: var(--tsnb-accent); border-radius: 50%; animation: tsnb-lab-turn 0.9s linear infinite; }
  @media (prefers-reduced-motion: reduce) { .tsnb-working::before { animation: none; } .tsnb-track > i { transition: none; } }

  .tsnb-trial > * + * { margin-top: 12px; }
  .tsnb-facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 2px 16px; margin: 0; }
  .tsnb-facts dt { color: var(--tsnb-dim); }
  .tsnb-facts dd { margin: 0; overflow-wrap: anywhere; }
  .tsnb-tools { display: flex; flex-wrap: wrap; align-items: center; gap: 12px; padding: 8px 12px; border-bottom: 1px solid var(--jp-border-color2); }
  .tsnb-tools label { display: inline-flex; align-items: center; gap: 6px; }
  .tsnb-lines { flex: 1 1 auto; min-height: 0; overflow: auto; padding: 8px 12px; font: 12px/1.5 var(--tsnb-mono); }
  .tsnb-line { white-space: pre-wrap; overflow-wrap: anywhere; }
  .tsnb-line :is(time, b) { color: var(--tsnb-dim); font-weight: 400; }
  .tsnb-level-warning { color: color-mix(in srgb, var(--tsnb-busy) 60%, var(--tsnb-ink)); }
  :is(.tsnb-level-error, .tsnb-level-critical) { color: color-mix(in srgb, var(--tsnb-bad) 75%, var(--tsnb-ink)); }
  .tsnb-trial textarea { display: block; width: 100%; box-sizing: border-box; padding: 8px 12px; border: 1px solid var(--jp-border-color1); border-radius: 4px; background: var(--jp-layout-color1); color: inherit; resize: vertical; }
  .tsnb-trial .tsnb-row { gap: 8px; }
  .tsnb-chosen { display: flex; flex-wrap: wrap; align-items: center; gap: 12px; min-height: 66px; padding: 8px 12px; border: 1px dashed var(--jp-border-color1); border-radius: 4px; }
  .tsnb-chosen img { max-width: 160px; max-height: 96px; border-radius: 4px; }
  .tsnb-answer > * + * { margin-top: 8px; }
  .tsnb-answer img { max-width: 100%; max-height: 60vh; }

  .tsnb-tools > h2 { margin-right: 4px; }
  .tsnb-columns { display: flex; flex: 1 1 auto; min-height: 0; }
  .tsnb-files { flex: 0 0 260px; overflow: auto; padding: 8px 0; border-right: 1px solid var(--jp-border-color2); }
  .tsnb-files ul { list-style: none; margin: 0; padding: 0; }
  .tsnb-files ul ul { padding-left: 14px; }
  .tsnb-files summary { padding: 2px 12px; color: var(--tsnb-dim); cursor: pointer; }
  .tsnb-file-button { display: flex; align-items: center; gap: 8px; width: 100%; padding: 3px 12px; border: 0; background: none; color: inherit; font: inherit; text-align: left; cursor: pointer; }
  .tsnb-file-button .tsnb-name { flex: 1 1 auto; }
  .tsnb-file-button .tsnb-num { font-size: var(--jp-ui-font-size0); }
  .tsnb-file-button:hover { background: var(--jp-layout-color2); }
  .tsnb-file-button[aria-current="true"] { background: color-mix(in srgb, var(--jp-brand-color1) 16%, transparent); }
  .tsnb-content { flex: 1 1 auto; min-width: 0; overflow: auto; padding: 12px 20px 24px; }
  .tsnb-content > * + * { margin-top: 14px; }
  .tsnb-content section > h3 { margin-bottom: 4px; }
  .tsnb-code { border: 1px solid var(--jp-border-color2); border-radius: 4px; overflow: auto; }
  .tsnb-code .cm-editor { max-height: 60vh; }
  .tsnb-note { padding: 4px 10px; border-left: 3px solid var(--tsnb-busy); overflow-wrap: anywhere; }
  .tsnb-table { border-collapse: collapse; margin-top: 8px; font-size: var(--jp-ui-font-size1); }
  .tsnb-table :is(th, td) { padding: 3px 20px 3px 0; border-bottom: 1px solid var(--tsnb-line); text-align: left; overflow-wrap: anywhere; }
  .tsnb-table th { color: var(--tsnb-dim); font-weight: 500; }
  .tsnb-table .tsnb-num { text-align: right; padding-right: 0; }
  .tsnb-diff > span { display: block; width: max-content; min-width: 100%; min-height: 1.5em; }
  .tsnb-added { background: color-mix(in srgb, var(--tsnb-good) 18%, transparent); }
  .tsnb-removed { background: color-mix(in srgb, var(--tsnb-bad) 18%, transparent); }
  .tsnb-compared { display: flex; flex-wrap: wrap; align-items: baseline; gap: 8px 16px; }
  .tsnb-hunk { color: var(--tsnb-dim); }
}

.tsnb-view.tsnb-scrolling > * + * { margin-top: 12px; }

.tsnb-status { display: inline-flex; align-items: center; gap: 4px; height: 100%; padding: 0 6px; border: 0; background: none; color: var(--jp-ui-font-color1); font: inherit; font-size: var(--jp-ui-font-size1); cursor: pointer; }
.tsnb-status > span { display: inline-flex; }
.tsnb-status:hover { background: var(--jp-layout-color3); }
.tsnb-status:focus-visible { outline: 2px solid var(--jp-brand-color1); outline-offset: -2px; }

.tsnb-order { display: grid; gap: 8px; min-width: 380px; }
.tsnb-order label { display: grid; grid-template-columns: 110px 1fr; align-items: center; gap: 8px; }
.tsnb-order .tsnb-check { grid-template-columns: auto 1fr; justify-content: start; }
.tsnb-order input { width: 100%; font-size: var(--jp-ui-font-size1); }
.tsnb-order .tsnb-check input { width: auto; }
`,""]),e.d(t,{},{A:a})},314(n){n.exports=function(n){var t=[];return t.toString=function(){return this.map(function(t){var e="",r=void 0!==t[5];return t[4]&&(e+="@supports (".concat(t[4],") {")),t[2]&&(e+="@media ".concat(t[2]," {")),r&&(e+="@layer".concat(t[5].length>0?" ".concat(t[5]):""," {")),e+=n(t),r&&(e+="}"),t[2]&&(e+="}"),t[4]&&(e+="}"),e}).join("")},t.i=function(n,e,r,o,i){"string"==typeof n&&(n=[[null,n,void 0]]);var a={};if(r)for(var s=0;s<this.length;s++){var p=this[s][0];null!=p&&(a[p]=!0)}for(var l=0;l<n.length;l++){var b=[].concat(n[l]);r&&a[b[0]]||(void 0!==i&&(void 0===b[5]||(b[1]="@layer".concat(b[5].length>0?" ".concat(b[5]):""," {").concat(b[1],"}")),b[5]=i),e&&(b[2]&&(b[1]="@media ".concat(b[2]," {").concat(b[1],"}")),b[2]=e),o&&(b[4]?(b[1]="@supports (".concat(b[4],") {").concat(b[1],"}"),b[4]=o):b[4]="".concat(o)),t.push(b))}},t}},601(n){n.exports=function(n){return n[1]}},72(n){var t=[];function e(n){for(var e=-1,r=0;r<t.length;r++)if(t[r].identifier===n){e=r;break}return e}function r(n,r){for(var o={},i=[],a=0;a<n.length;a++){var s=n[a],p=r.base?s[0]+r.base:s[0],l=o[p]||0,b="".concat(p," ").concat(l);o[p]=l+1;var d=e(b),c={css:s[1],media:s[2],sourceMap:s[3],supports:s[4],layer:s[5]};if(-1!==d)t[d].references++,t[d].updater(c);else{var u=function(n,t){var e=t.domAPI(t);return e.update(n),function(t){t?(t.css!==n.css||t.media!==n.media||t.sourceMap!==n.sourceMap||t.supports!==n.supports||t.layer!==n.layer)&&e.update(n=t):e.remove()}}(c,r);r.byIndex=a,t.splice(a,0,{identifier:b,updater:u,references:1})}i.push(b)}return i}n.exports=function(n,o){var i=r(n=n||[],o=o||{});return function(n){n=n||[];for(var a=0;a<i.length;a++){var s=e(i[a]);t[s].references--}for(var p=r(n,o),l=0;l<i.length;l++){var b=e(i[l]);0===t[b].references&&(t[b].updater(),t.splice(b,1))}i=p}}},659(n){var t={};n.exports=function(n,e){var r=function(n){if(void 0===t[n]){var e=document.querySelector(n);if(window.HTMLIFrameElement&&e instanceof window.HTMLIFrameElement)try{e=e.contentDocument.head}catch(n){e=null}t[n]=e}return t[n]}(n);if(!r)throw Error("Couldn't find a style target. This probably means that the value for the 'insert' parameter is invalid.");r.appendChild(e)}},540(n){n.exports=function(n){var t=document.createElement("style");return n.setAttributes(t,n.attributes),n.insert(t,n.options),t}},56(n,t,e){n.exports=function(n){var t=e.nc;t&&n.setAttribute("nonce",t)}},825(n){n.exports=function(n){if("u"<typeof document)return{update:function(){},remove:function(){}};var t=n.insertStyleElement(n);return{update:function(e){var r,o,i;r="",e.supports&&(r+="@supports (".concat(e.supports,") {")),e.media&&(r+="@media ".concat(e.media," {")),(o=void 0!==e.layer)&&(r+="@layer".concat(e.layer.length>0?" ".concat(e.layer):""," {")),r+=e.css,o&&(r+="}"),e.media&&(r+="}"),e.supports&&(r+="}"),(i=e.sourceMap)&&"u">typeof btoa&&(r+="\n/*# sourceMappingURL=data:application/json;base64,".concat(btoa(unescape(encodeURIComponent(JSON.stringify(i))))," */")),n.styleTagTransform(r,t,n.options)},remove:function(){var n;null===(n=t).parentNode||n.parentNode.removeChild(n)}}}},113(n){n.exports=function(n,t){if(t.styleSheet)t.styleSheet.cssText=n;else{for(;t.firstChild;)t.removeChild(t.firstChild);t.appendChild(document.createTextNode(n))}}},579(n,t,e){var r=e(72),o=e.n(r),i=e(825),a=e.n(i),s=e(659),p=e.n(s),l=e(56),b=e.n(l),d=e(540),c=e.n(d),u=e(113),x=e.n(u),f=e(475),g={};g.styleTagTransform=x(),g.setAttributes=b(),g.insert=p().bind(null,"head"),g.domAPI=a(),g.insertStyleElement=c(),o()(f.A,g),f.A&&f.A.locals&&f.A.locals}}]);
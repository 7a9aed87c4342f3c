"use strict";(self.rspackChunktsnb=self.rspackChunktsnb||[]).push([[232],{475(n,t,e){var r=e(601),o=e.n(r),a=e(314),i=(e.n(a))()(o());i.push([n.id,`/* The words for colours are those of tsnb/html.css, so that the panel, the cards and the reports look alike. */
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

.tsnb-panel-head { display: flex; align-items: center; justify-content: space-between; padding: 8px 8px 8px 12px; border-bottom: 1px solid var(--jp-border-color2); }
.tsnb-panel-body { flex: 1 1 auto; overflow-y: auto; min-height: 0; }
.tsnb-nothing { display: grid; gap: 8px; padding: 16px 12px; color: var(--tsnb-dim); justify-items: start; }
.tsnb-devices { display: grid; gap: 2px; padding: 8px 12px; border-bottom: 1px solid var(--tsnb-line); }

.tsnb-model { border-bottom: 1px solid var(--tsnb-line); content-visibility: auto; contain-intrinsic-size: auto 34px; }
.tsnb-fold { display: flex; align-items: center; gap: 6px; width: 100%; padding: 6px 8px; border: 0; background: none; color: inherit; font: inherit; font-weight: 600; cursor: pointer; text-align: left; }
.tsnb-fold:hover { background: var(--jp-layout-color2); }
.tsnb-fold .tsnb-badge { margin-left: auto; font-weight: 400; font-size: var(--jp-ui-font-size0); color: var(--tsnb-dim); }
.tsnb-name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.tsnb-version { display: grid; gap: 4px; padding: 2px 10px 10px 28px; }
.tsnb-version + .tsnb-version { padding-top: 6px; }
.tsnb-version-name { font-weight: 500; overflow: hidden; text-overflow: ellipsis; }
.tsnb-row { display: flex; flex-wrap: wrap; align-items: center; gap: 2px 8px; min-width: 0; }
.tsnb-row:first-child { flex-wrap: nowrap; gap: 2px; }
.tsnb-row:first-child > :is(.tsnb-tag, .tsnb-badge) { margin-left: 6px; }
.tsnb-push { flex: 1 1 auto; }
.tsnb-dim { color: var(--tsnb-dim); }
.tsnb-num { font-variant-numeric: tabular-nums; text-align: right; white-space: nowrap; }
.tsnb-figures, .tsnb-workers, .tsnb-bar { font-size: var(--jp-ui-font-size0); }
.tsnb-tag { padding: 0 6px; border: 1px solid var(--tsnb-line); border-radius: 8px; font-size: var(--jp-ui-font-size0); color: var(--tsnb-dim); white-space: nowrap; }

.tsnb-badge { display: inline-flex; align-items: center; gap: 5px; white-space: nowrap; font-size: var(--jp-ui-font-size0); }
.tsnb-badge::before { content: ""; flex: none; width: 8px; height: 8px; border-radius: 50%; background: var(--tsnb-tone); }
.tsnb-good { --tsnb-tone: var(--tsnb-good); }
.tsnb-busy { --tsnb-tone: var(--tsnb-busy); }
.tsnb-bad { --tsnb-tone: var(--tsnb-bad); }
.tsnb-quiet::before { background: none; border: 1.5px solid var(--tsnb-dim); }

.tsnb-bar { display: grid; grid-template-columns: 60px minmax(40px, 1fr) auto; align-items: center; gap: 8px; color: var(--tsnb-dim); }
.tsnb-track { display: block; height: 6px; border-radius: 3px; background: var(--tsnb-line); overflow: hidden; }
.tsnb-track > i { display: block; height: 100%; min-width: 2px; border-radius: 3px; background: var(--tsnb-accent); transition: width 0.3s; }
.tsnb-track.tsnb-full > i { background: var(--tsnb-bad); }

.tsnb-scaler { display: inline-flex; align-items: center; gap: 6px; font-size: var(--jp-ui-font-size0); }
.tsnb-scaler button { width: 20px; height: 20px; padding: 0; line-height: 1; border: 1px solid var(--jp-border-color1); border-radius: 4px; background: none; color: inherit; font: inherit; cursor: pointer; }
.tsnb-scaler button:hover:not(:disabled), .tsnb-icon-button:hover:not(:disabled) { background: var(--jp-layout-color2); }
.tsnb-scaler button:disabled, .tsnb-icon-button:disabled, .tsnb-button:disabled { opacity: 0.45; cursor: default; }
.tsnb-scaler output { font-variant-numeric: tabular-nums; }
.tsnb-icon-button { display: inline-flex; align-items: center; justify-content: center; flex: none; width: 24px; height: 24px; padding: 0; border: 0; border-radius: 4px; background: none; cursor: pointer; }
.tsnb-icon-button > span { display: inline-flex; }
:is(.tsnb-panel, .tsnb-view) :is(button, input, textarea, select, summary, [tabindex]):focus-visible { outline: 2px solid var(--tsnb-accent); outline-offset: -1px; }

.tsnb-workers { list-style: none; margin: 0; padding: 0; display: grid; gap: 1px; }
.tsnb-worker { display: flex; flex-wrap: wrap; gap: 0 8px; align-items: baseline; }
.tsnb-worker .tsnb-badge { min-width: 58px; }
.tsnb-worker-problem { flex-basis: 100%; color: var(--jp-error-color0, var(--tsnb-bad)); overflow-wrap: anywhere; }
.tsnb-message { padding: 6px 12px; border-left: 3px solid var(--tsnb-bad); overflow-wrap: anywhere; white-space: pre-wrap; }
.tsnb-button { font: inherit; font-size: var(--jp-ui-font-size1); line-height: 18px; padding: 3px 12px; border: 1px solid var(--jp-border-color1); border-radius: 4px; background: none; color: inherit; cursor: pointer; }
.tsnb-button:hover:not(:disabled) { background: var(--jp-layout-color2); }
.tsnb-button-main { color: #fff; background: color-mix(in srgb, var(--jp-brand-color1) 82%, #000); border-color: transparent; }
.tsnb-button-main:hover:not(:disabled) { background: color-mix(in srgb, var(--jp-brand-color1) 70%, #000); }
.tsnb-working::before { content: ""; display: inline-block; width: 10px; height: 10px; margin-right: 8px; vertical-align: -1px; border: 2px solid var(--tsnb-line); border-top-color: var(--tsnb-accent); border-radius: 50%; animation: tsnb-lab-turn 0.9s linear infinite; }
@keyframes tsnb-lab-turn { to { transform: rotate(1turn); } }
@media (prefers-reduced-motion: reduce) { .tsnb-working::before { animation: none; } .tsnb-track > i { transition: none; } }
`,""]),e.d(t,{},{A:i})},314(n){n.exports=function(n){var t=[];return t.toString=function(){return this.map(function(t){var e="",r=void 0!==t[5];return t[4]&&(e+="@supports (".concat(t[4],") {")),t[2]&&(e+="@media ".concat(t[2]," {")),r&&(e+="@layer".concat(t[5].length>0?" ".concat(t[5]):""," {")),e+=n(t),r&&(e+="}"),t[2]&&(e+="}"),t[4]&&(e+="}"),e}).join("")},t.i=function(n,e,r,o,a){"string"==typeof n&&(n=[[null,n,void 0]]);var i={};if(r)for(var s=0;s<this.length;s++){var p=this[s][0];null!=p&&(i[p]=!0)}for(var l=0;l<n.length;l++){var d=[].concat(n[l]);r&&i[d[0]]||(void 0!==a&&(void 0===d[5]||(d[1]="@layer".concat(d[5].length>0?" ".concat(d[5]):""," {").concat(d[1],"}")),d[5]=a),e&&(d[2]&&(d[1]="@media ".concat(d[2]," {").concat(d[1],"}")),d[2]=e),o&&(d[4]?(d[1]="@supports (".concat(d[4],") {").concat(d[1],"}"),d[4]=o):d[4]="".concat(o)),t.push(d))}},t}},601(n){n.exports=function(n){return n[1]}},72(n){var t=[];function e(n){for(var e=-1,r=0;r<t.length;r++)if(t[r].identifier===n){e=r;break}return e}function r(n,r){for(var o={},a=[],i=0;i<n.length;i++){var s=n[i],p=r.base?s[0]+r.base:s[0],l=o[p]||0,d="".concat(p," ").concat(l);o[p]=l+1;var b=e(d),c={css:s[1],media:s[2],sourceMap:s[3],supports:s[4],layer:s[5]};if(-1!==b)t[b].references++,t[b].updater(c);else{var u=function(n,t){var e=t.domAPI(t);return e.update(n),function(t){t?(t.css!==n.css||t.media!==n.media||t.sourceMap!==n.sourceMap||t.supports!==n.supports||t.layer!==n.layer)&&e.update(n=t):e.remove()}}(c,r);r.byIndex=i,t.splice(i,0,{identifier:d,updater:u,references:1})}a.push(d)}return a}n.exports=function(n,o){var a=r(n=n||[],o=o||{});return function(n){n=n||[];for(var i=0;i<a.length;i++){var s=e(a[i]);t[s].references--}for(var p=r(n,o),l=0;l<a.length;l++){var d=e(a[l]);0===t[d].references&&(t[d].updater(),t.splice(d,1))}a=p}}},659(n){var t={};n.exports=function(n,e){var r=function(n){if(void 0===t[n]){var e=document.querySelector(n);if(window.HTMLIFrameElement&&e instanceof window.HTMLIFrameElement)try{e=e.contentDocument.head}catch(n){e=null}t[n]=e}return t[n]}(n);if(!r)throw Error("Couldn't find a style target. This probably means that the value for the 'insert' parameter is invalid.");r.appendChild(e)}},540(n){n.exports=function(n){var t=document.createElement("style");return n.setAttributes(t,n.attributes),n.insert(t,n.options),t}},56(n,t,e){n.exports=function(n){var t=e.nc;t&&n.setAttribute("nonce",t)}},206(n){n.exports=function(n){if("u"<typeof document)return{update:function(){},remove:function(){}};var t=n.insertStyleElement(n);return{update:function(e){var r,o,a;r="",e.supports&&(r+="@supports (".concat(e.supports,") {")),e.media&&(r+="@media ".concat(e.media," {")),(o=void 0!==e.layer)&&(r+="@layer".concat(e.layer.length>0?" ".concat(e.layer):""," {")),r+=e.css,o&&(r+="}"),e.media&&(r+="}"),e.supports&&(r+="}"),(a=e.sourceMap)&&"u">typeof btoa&&(r+="\n/*# sourceMappingURL=data:application/json;base64,".concat(btoa(unescape(encodeURIComponent(JSON.stringify(a))))," */")),n.styleTagTransform(r,t,n.options)},remove:function(){var n;null===(n=t).parentNode||n.parentNode.removeChild(n)}}}},113(n){n.exports=function(n,t){if(t.styleSheet)t.styleSheet.cssText=n;else{for(;t.firstChild;)t.removeChild(t.firstChild);t.appendChild(document.createTextNode(n))}}},579(n,t,e){var r=e(72),o=e.n(r),a=e(206),i=e.n(a),s=e(659),p=e.n(s),l=e(56),d=e.n(l),b=e(540),c=e.n(b),u=e(113),f=e.n(u),v=e(475),g={};g.styleTagTransform=f(),g.setAttributes=d(),g.insert=p().bind(null,"head"),g.domAPI=i(),g.insertStyleElement=c(),o()(v.A,g),v.A&&v.A.locals&&v.A.locals}}]);
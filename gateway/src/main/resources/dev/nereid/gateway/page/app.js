// The console: which of its views is shown, and who looks at it.

import { $ } from './dom.js';
import { identify, json, key, onCaller, useKey } from './gateway.js';
import * as live from './live.js';
import * as models from './models.js';
import * as playground from './playground.js';
import * as traffic from './traffic.js';

const VIEWS = { playground: { show() {} }, live, models, traffic };

function shownView() {
  const wanted = location.hash.slice(1);
  return wanted in VIEWS ? wanted : 'playground';
}

/** Shows the view of the address; who went there by a link finds the focus on its heading. */
function showView(moveFocus) {
  const shown = shownView();
  for (const [name, view] of Object.entries(VIEWS)) {
    $(name).hidden = name !== shown;
    view.show(name === shown);
  }
  document.querySelectorAll('header nav a').forEach((link) => {
    if (link.hash === `#${shown}`) {
      link.setAttribute('aria-current', 'page');
      document.title = `${link.textContent} - Nereid`;
    } else {
      link.removeAttribute('aria-current');
    }
  });
  document.querySelector('.skip').hash = shown;
  if (moveFocus) {
    scrollTo(0, 0);
    $(`${shown}-title`).focus({ preventScroll: true });
  }
}

function showKeyPanel(open) {
  $('key-panel').hidden = !open;
  $('key-button').setAttribute('aria-expanded', String(open));
}

/** Nobody is asked where everybody may do everything; then there is nothing to show. */
function showCaller({ name, roles }, why) {
  const asked = name !== '' || roles.length < 3;
  $('key-button').hidden = !asked;
  $('key-button').textContent = name || 'Key';
  $('key-button').title = name ? `${name}: ${roles.join(', ') || 'no roles'}` : 'Show a key or token';
  $('key-forget').hidden = !key();
  $('key-why').textContent = why
    || (name ? `You are ${name}, with the roles ${roles.join(', ') || 'none'}.` : 'This gateway asks who calls.');
  if (why) {
    showKeyPanel(true);
  }
}

async function callerChanged() {
  await playground.loadModels();
  live.callerChanged();
  models.callerChanged();
  traffic.callerChanged();
}

function listen() {
  addEventListener('hashchange', () => showView(true));
  document.querySelector('.skip').addEventListener('click', (event) => {
    event.preventDefault();
    $(`${shownView()}-title`).focus();
  });
  onCaller(showCaller);
  $('key-button').addEventListener('click', () => {
    showKeyPanel($('key-panel').hidden);
    $('key').focus();
  });
  $('key-panel').addEventListener('submit', async (event) => {
    event.preventDefault();
    showKeyPanel(false);
    await useKey($('key').value.trim());
    $('key').value = '';
    await callerChanged();
  });
  $('key-forget').addEventListener('click', async () => {
    showKeyPanel(false);
    await useKey('');
    await callerChanged();
  });
}

async function showVersion() {
  const { info } = await json('/openapi.json');
  $('version').textContent = `Nereid ${info.version}`;
}

listen();
await identify();
live.open();
models.open(playground.loadModels);
traffic.open();
showView(false);
await Promise.all([playground.open(), showVersion()]);
document.documentElement.dataset.ready = 'true';

// Which models there are, loaded or not; administrators load and unload them here.

import { $, ask, button, chip, element, plural, table } from './dom.js';
import { json, may, post, reason, Watch } from './gateway.js';

const EVERY = 3000;
const KINDS = { READY: 'good', LOADING: 'warn', UNLOADING: 'warn', UNAVAILABLE: 'bad' };

let index = { models: [], on_request: false, remote: false };
let changed = () => {};
const busy = new Map(); // what is being done, by model

/** The models by name: [{ name, versions: [entry, ...] }]. */
function byName() {
  const names = new Map();
  for (const entry of index.models) {
    if (!names.has(entry.name)) {
      names.set(entry.name, { name: entry.name, versions: [] });
    }
    names.get(entry.name).versions.push(entry);
  }
  return [...names.values()].sort((a, b) => a.name.localeCompare(b.name));
}

const isReady = (model) => model.versions.some((entry) => entry.state === 'READY');
const mayChange = () => may('administration') && index.on_request;

const watch = new Watch(async () => {
  index = await json('/models/index');
  showTable();
}, (problem) => tell(reason(problem), true), () => EVERY);

function tell(text, isBad = false) {
  $('models-note').textContent = text;
  $('models-note').classList.toggle('error', isBad);
}

function why() {
  if (!may('administration')) {
    return 'Loading and unloading is for administrators.';
  }
  return index.on_request
    ? ''
    : 'The models are those of the start: --model-control-mode=explicit lets them be loaded and unloaded here.';
}

function showTable() {
  const models = byName();
  const wanted = $('find').value.trim().toLowerCase();
  const shown = models.filter((model) => model.name.toLowerCase().includes(wanted));
  const ready = models.filter(isReady).length;
  if (busy.size === 0 && !$('models-note').classList.contains('error')) {
    tell(`${ready} of ${plural(models.length, 'model')} ready. ${why()}`);
  }
  $('load-form').hidden = !(index.remote && mayChange());
  const focused = document.activeElement?.dataset?.act;
  const heads = ['Model', 'Versions', 'Details', ...(mayChange() ? [element('span', { className: 'unseen' }, 'Change')] : [])];
  $('models-table').replaceChildren(shown.length === 0
    ? element('p', { className: 'quiet' }, models.length === 0 ? 'No model is known.' : 'None has that in its name.')
    : table(heads, shown.map(row), { label: 'Models', stacks: true }));
  if (focused) {
    document.querySelector(`[data-act="${CSS.escape(focused)}"]`)?.focus();
  }
}

function row(model) {
  const states = model.versions.map((entry) => element('span', { className: 'version' },
    entry.version ? `${entry.version} ` : '', chip(entry.state === 'UNKNOWN' ? 'not loaded' : entry.state.toLowerCase(),
      KINDS[entry.state] ?? '')));
  const details = model.versions.map((entry) => entry.reason || entry.summary).filter((text) => text);
  const cells = [
    element('strong', {}, model.name),
    element('span', { className: 'versions' }, ...states),
    element('span', { className: 'quiet small wrap' }, [...new Set(details)].join('; ')),
  ];
  return mayChange() ? [...cells, actions(model)] : cells;
}

function actions(model) {
  const doing = busy.get(model.name);
  if (doing) {
    return element('span', { className: 'quiet' }, doing);
  }
  const load = isReady(model) ? 'Reload' : 'Load';
  const name = (verb) => ({ 'aria-label': `${verb} ${model.name}`, 'data-act': `${verb} ${model.name}` });
  return element('span', { className: 'actions' },
    button(load, () => change(model.name, 'load'), name(load)),
    ...(isReady(model) ? [button('Unload', () => unload(model), name('Unload'))] : []));
}

async function unload(model) {
  const answer = await ask({
    title: `Unload ${model.name}?`,
    text: 'Requests that it has are answered still; later ones are refused.',
    yes: 'Unload',
    option: 'Its steps too, where nothing else needs them',
  });
  if (answer) {
    await change(model.name, 'unload', answer.option ? '?dependents=true' : '');
  }
}

async function change(name, verb, query = '') {
  busy.set(name, verb === 'load' ? 'loading...' : 'unloading...');
  showTable();
  let text;
  let isBad = false;
  try {
    const answer = await post(`/models/${encodeURIComponent(name)}/${verb}${query}`);
    text = `${name}: ${answer.status}.`;
  } catch (problem) {
    text = `${name}: ${reason(problem)}`;
    isBad = true;
  }
  busy.delete(name);
  await watch.now();
  tell(text, isBad);
  changed();
}

/** Begins or ends to look; the view tells which. */
export function show(visible) {
  if (visible) {
    tell('');
  }
  watch.show(visible);
}

/** Makes the controls of the view work; `onChange` is called when a model was loaded or unloaded. */
export function open(onChange) {
  changed = onChange;
  $('find').addEventListener('input', showTable);
  $('load-form').addEventListener('submit', (event) => {
    event.preventDefault();
    change($('load-name').value.trim(), 'load');
  });
}

/** Looks again when somebody else calls. */
export function callerChanged() {
  if (watch.isOn) {
    show(true);
  }
}

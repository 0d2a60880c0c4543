// The page: choose a picture and a model, ask, show the answer. No library, no build step.

import { colour, drawEmbedding, drawPicture } from './draw.js';

const PHASES = [
  ['queue', 'waiting in queues', '#a78bfa'],
  ['decode', 'decoding the picture', '#f472b6'],
  ['preprocess', 'scaling it to the model', '#38bdf8'],
  ['compute', 'running the model', '#22c55e'],
  ['postprocess', 'making an answer of its output', '#facc15'],
  ['encode', 'writing the answer', '#fb923c'],
  ['rest', 'everything else in the server', '#94a3b8'],
];

const $ = (id) => document.getElementById(id);
const state = { models: [], file: null, picture: null, detections: [], asked: 0 };

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  Object.entries(attributes).forEach(([key, value]) => {
    if (key in made) {
      made[key] = value;
    } else {
      made.setAttribute(key, value);
    }
  });
  made.append(...children);
  return made;
}

const percent = (share) => `${(share * 100).toFixed(1)} %`;
const millis = (time) => `${time.toFixed(2)} ms`;
const model = () => state.models.find((each) => each.name === $('model').value);

// Where callers are asked for, a key is kept for this tab alone.
async function call(target, options = {}) {
  const key = sessionStorage.getItem('key');
  const headers = key ? { authorization: `Bearer ${key}` } : {};
  const response = await fetch(target, { ...options, headers });
  if (response.status === 401) {
    sessionStorage.removeItem('key');
    $('key-form').hidden = false;
  }
  return response;
}

async function useKey(event) {
  event.preventDefault();
  sessionStorage.setItem('key', $('key').value.trim());
  $('key').value = '';
  $('key-form').hidden = true;
  await loadModels();
}

async function loadModels() {
  try {
    const response = await call('/models');
    if (!response.ok) {
      const { detail } = await response.json();
      $('state').textContent = response.status === 401 ? 'a key is needed' : detail;
      return;
    }
    state.models = (await response.json()).models;
  } catch {
    state.models = [];
  }
  const rank = { detect: 0, classify: 1, embed: 2 };
  state.models.sort((a, b) => rank[a.task] - rank[b.task] || a.name.localeCompare(b.name));
  $('model').replaceChildren(
    ...state.models.map((each) =>
      element('option', { value: each.name }, `${each.name} (${each.task})`)));
  $('model').disabled = state.models.length === 0;
  const count = state.models.length;
  $('state').textContent =
    count === 0 ? 'no model is ready yet' : `${count} model${count === 1 ? '' : 's'} ready`;
  modelChanged();
  if (count === 0) {
    setTimeout(loadModels, 2000);
  }
}

async function loadSamples() {
  const response = await fetch('/samples');
  const names = (await response.json()).samples;
  $('samples-title').hidden = names.length === 0;
  $('samples').replaceChildren(
    ...names.map((name) => {
      const picture = element('img', { src: `/samples/${name}`, alt: name, loading: 'lazy' });
      const button = element('button', { type: 'button', title: name }, picture);
      button.setAttribute('aria-pressed', 'false');
      button.addEventListener('click', () => useSample(name, button));
      return element('li', {}, button);
    }));
}

async function useSample(name, button) {
  const response = await fetch(`/samples/${name}`);
  const bytes = await response.blob();
  await usePicture(new File([bytes], name, { type: bytes.type }));
  button.setAttribute('aria-pressed', 'true');
}

async function usePicture(file) {
  state.file = file;
  state.detections = [];
  $('samples').querySelectorAll('button').forEach((each) => {
    each.setAttribute('aria-pressed', 'false');
  });
  try {
    const bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' });
    state.picture = { bitmap, width: bitmap.width, height: bitmap.height };
  } catch {
    state.picture = null; // a kind this browser cannot show; the server may know it
  }
  draw();
  await ask();
}

function draw(lit) {
  drawPicture($('canvas'), state.picture, state.detections, lit);
  const found = state.detections.map((box) => box.label).join(', ');
  $('canvas').setAttribute(
    'aria-label',
    state.file ? `${state.file.name}${found ? `, with boxes around: ${found}` : ''}` : 'No picture yet');
}

function path() {
  const query = model()?.task === 'detect' ? `?confidence=${$('confidence').value}` : '';
  return `/predict/${encodeURIComponent($('model').value)}${query}`;
}

function showCurl() {
  const name = state.file?.name ?? 'photo.jpg';
  $('curl').textContent =
    `curl ${sessionStorage.getItem('key') ? "-H 'authorization: Bearer KEY' " : ''}-F 'image=@${name.replaceAll("'", "'\\''")}' '${location.origin}${path()}'`;
}

function modelChanged() {
  $('thresholds').hidden = model()?.task !== 'detect';
  $('run').disabled = !state.file || !model();
  showCurl();
}

async function ask() {
  modelChanged();
  if (!state.file || !model()) {
    return;
  }
  const asked = ++state.asked;
  $('drop').classList.add('busy');
  const form = new FormData();
  form.append('image', state.file);
  const began = performance.now();
  try {
    const response = await call(path(), { method: 'POST', body: form });
    const answer = await response.json();
    if (asked === state.asked) {
      show(response, answer, performance.now() - began);
    }
  } catch (problem) {
    if (asked === state.asked) {
      showProblem(`No answer: ${problem.message}`);
    }
  } finally {
    $('drop').classList.remove('busy');
  }
}

function show(response, answer, elapsed) {
  if (!response.ok) {
    showProblem(`${response.status}: ${answer.detail ?? 'no reason given'}`);
    return;
  }
  state.detections = answer.detections ?? [];
  if (!state.picture && answer.image) {
    state.picture = { width: answer.image.width, height: answer.image.height };
  }
  draw();
  const size = `${answer.image.width} x ${answer.image.height} pixels`;
  $('summary').className = '';
  if (answer.detections) {
    showDetections(answer.detections, size);
  } else if (answer.predictions) {
    showPredictions(answer.predictions, size);
  } else {
    showEmbedding(answer, size);
  }
  showTiming(response.headers.get('server-timing') ?? '', elapsed);
}

function showProblem(text) {
  state.detections = [];
  draw();
  $('summary').className = 'error';
  $('summary').textContent = text;
  $('details').replaceChildren();
  $('timing').hidden = true;
}

function table(heads, rows) {
  const cell = (kind, text, index) =>
    element(kind, { className: index === 0 ? '' : 'number' }, text);
  const head = element('tr', {}, ...heads.map((text, index) => cell('th', text, index)));
  return element('div', { className: 'scroll' },
    element('table', {}, element('thead', {}, head), element('tbody', {}, ...rows)));
}

function named(each) {
  const swatch = element('span', { className: 'swatch' });
  swatch.style.background = colour(each.class_id);
  return element('td', {}, swatch, each.label);
}

function showDetections(detections, size) {
  const count = detections.length;
  $('summary').textContent = count === 0
    ? `Nothing found in ${size}. The model knows: ${model().labels.join(', ')}.`
    : `${count} object${count === 1 ? '' : 's'} in ${size}`;
  const rows = detections.map((box, index) => {
    const place = box.box.map((edge) => Math.round(edge)).join(', ');
    const row = element('tr', {},
      named(box),
      element('td', { className: 'number' }, percent(box.confidence)),
      element('td', { className: 'number' }, place));
    row.addEventListener('pointerenter', () => { row.className = 'lit'; draw(index); });
    row.addEventListener('pointerleave', () => { row.className = ''; draw(); });
    return row;
  });
  $('details').replaceChildren(
    ...(count === 0 ? [] : [table(['Class', 'Confidence', 'Box, pixels'], rows)]));
}

function showPredictions(predictions, size) {
  const [best] = predictions;
  $('summary').textContent = `${best.label}, ${percent(best.confidence)} sure, in ${size}`;
  const rows = predictions.map((each) => {
    const meter = element('meter', { min: 0, max: 1, value: each.confidence, title: each.label });
    return element('tr', {},
      named(each),
      element('td', { className: 'wide' }, meter),
      element('td', { className: 'number' }, percent(each.confidence)));
  });
  $('details').replaceChildren(table(['Class', '', 'Confidence'], rows));
}

function showEmbedding(answer, size) {
  $('summary').textContent =
    `${answer.embedding.length} numbers for ${size}; length as a vector ${answer.embedding_norm}`;
  const cells = element('canvas', { className: 'cells' });
  cells.setAttribute('role', 'img');
  cells.setAttribute('aria-label', 'The embedding: blue below zero, orange above');
  drawEmbedding(cells, answer.embedding);
  const start = answer.embedding.slice(0, 8).map((value) => value.toFixed(4)).join(', ');
  $('details').replaceChildren(cells, element('p', { className: 'numbers' }, `[${start}, ...]`));
}

function showTiming(header, elapsed) {
  const times = {};
  for (const item of header.split(',')) {
    const [name, ...parameters] = item.trim().split(';');
    const duration = parameters.find((each) => each.startsWith('dur='));
    if (name !== 'step' && duration) {
      times[name] = Number(duration.slice('dur='.length));
    }
  }
  const total = times.total ?? elapsed;
  const known = PHASES.reduce((sum, [name]) => sum + (times[name] ?? 0), 0);
  times.rest = Math.max(0, total - known);
  $('timing').hidden = false;
  $('bar').replaceChildren(
    ...PHASES.map(([name, title, ink]) => {
      const piece = element('span', { title: `${title}: ${millis(times[name] ?? 0)}` });
      piece.style.flexGrow = String(times[name] ?? 0);
      piece.style.background = ink;
      return piece;
    }));
  const lines = PHASES.flatMap(([name, title, ink]) => {
    const swatch = element('span', { className: 'swatch' });
    swatch.style.background = ink;
    return [element('dt', {}, swatch, title), element('dd', {}, millis(times[name] ?? 0))];
  });
  $('phases').replaceChildren(
    ...lines,
    element('dt', {}, 'in the server'), element('dd', {}, millis(total)),
    element('dt', {}, 'seen by this browser'), element('dd', {}, millis(elapsed)));
}

function firstPicture(transfer) {
  return [...(transfer?.files ?? [])].find((file) => file.type.startsWith('image/'));
}

function listen() {
  $('choose').addEventListener('click', () => $('file').click());
  $('file').addEventListener('change', () => $('file').files[0] && usePicture($('file').files[0]));
  $('model').addEventListener('change', () => { state.detections = []; draw(); ask(); });
  $('confidence').addEventListener('input', () => {
    $('confidence-value').textContent = Number($('confidence').value).toFixed(2);
    showCurl();
  });
  $('confidence').addEventListener('change', ask);
  $('key-form').addEventListener('submit', useKey);
  $('form').addEventListener('submit', (event) => { event.preventDefault(); ask(); });
  $('copy').addEventListener('click', async () => {
    await navigator.clipboard.writeText($('curl').textContent);
    $('copy').textContent = 'Copied';
    setTimeout(() => { $('copy').textContent = 'Copy'; }, 1500);
  });
  const drop = $('drop');
  drop.addEventListener('dragover', (event) => { event.preventDefault(); drop.classList.add('over'); });
  drop.addEventListener('dragleave', () => drop.classList.remove('over'));
  drop.addEventListener('drop', (event) => {
    event.preventDefault();
    drop.classList.remove('over');
    const file = firstPicture(event.dataTransfer);
    if (file) {
      usePicture(file);
    }
  });
  document.addEventListener('paste', (event) => {
    const file = firstPicture(event.clipboardData);
    if (file) {
      usePicture(file);
    }
  });
}

listen();
await Promise.all([loadModels(), loadSamples()]);
const wanted = new URLSearchParams(location.search);
if (state.models.some((each) => each.name === wanted.get('model'))) {
  $('model').value = wanted.get('model');
  modelChanged();
}
const wantedSample = $('samples').querySelector(`button[title="${CSS.escape(wanted.get('sample') ?? '')}"]`);
wantedSample?.click();

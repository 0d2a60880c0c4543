// What the gateway answered about one picture, and where the time went.

import { $, chip, element, millis, percent, plural, table } from './dom.js';
import { colour, drawEmbedding } from './draw.js';

const PHASES = [
  ['queue', 'waiting in queues', '#a78bfa'],
  ['decode', 'decoding the picture', '#f472b6'],
  ['preprocess', 'scaling it to the model', '#38bdf8'],
  ['compute', 'running the model', '#22c55e'],
  ['postprocess', 'making an answer of its output', '#facc15'],
  ['encode', 'writing the answer', '#fb923c'],
  ['rest', 'everything else in the server', '#94a3b8'],
];

/** Shows an answer; `light` is told the index of the box that is pointed at, or nothing. */
export function showAnswer(answer, labels, light) {
  const size = answer.image ? `${answer.image.width} x ${answer.image.height} pixels` : 'the picture';
  $('summary').className = '';
  if (answer.detections) {
    showDetections(answer.detections, size, labels, light);
  } else if (answer.predictions) {
    showPredictions(answer.predictions, size);
  } else {
    showEmbedding(answer, size);
  }
}

/** Shows why there is no answer. */
export function showProblem(text) {
  $('summary').className = 'error';
  $('summary').textContent = text;
  $('details').replaceChildren();
  $('timing').hidden = true;
}

function named(each, light, index) {
  const swatch = element('span', { className: 'swatch' });
  swatch.style.background = colour(each.class_id);
  if (!light) {
    return element('td', {}, swatch, each.label);
  }
  const name = element('button', {
    type: 'button', className: 'plain', tabIndex: index === 0 ? 0 : -1,
  }, swatch, each.label);
  name.addEventListener('focus', () => light(index));
  name.addEventListener('blur', () => light());
  return element('td', {}, name);
}

function showDetections(detections, size, labels, light) {
  const count = detections.length;
  $('summary').textContent = count === 0
    ? `Nothing found in ${size}. The model knows: ${labels.join(', ')}.`
    : `${plural(count, 'object')} in ${size}`;
  const rows = detections.map((box, index) => {
    const place = box.box.map((edge) => Math.round(edge)).join(', ');
    const row = element('tr', {},
      named(box, light, index),
      element('td', { className: 'number' }, percent(box.confidence)),
      element('td', { className: 'number' }, place));
    row.addEventListener('pointerenter', () => light(index));
    row.addEventListener('pointerleave', () => light());
    return row;
  });
  const heads = ['Class', { number: 'Confidence' }, { number: 'Box, pixels' }];
  const shown = table(heads, rows, { label: 'Objects' });
  shown.addEventListener('keydown', walk);
  $('details').replaceChildren(...(count === 0 ? [] : [shown]));
}

/** Arrow keys move between the boxes; the table is one stop on the way of the Tab key. */
function walk(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const names = [...event.currentTarget.querySelectorAll('button')];
  const next = names[names.indexOf(document.activeElement) + step];
  if (step && next) {
    event.preventDefault();
    document.activeElement.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }
}

function showPredictions(predictions, size) {
  const [best] = predictions;
  $('summary').textContent = `${best.label}, ${percent(best.confidence)} sure, in ${size}`;
  const rows = predictions.map((each) => {
    const meter = element('meter', {
      min: 0, max: 1, value: each.confidence, 'aria-label': each.label,
    });
    return element('tr', {},
      named(each),
      element('td', { className: 'wide' }, meter),
      element('td', { className: 'number' }, percent(each.confidence)));
  });
  $('details').replaceChildren(table(['Class', '', { number: 'Confidence' }], rows, { label: 'Classes' }));
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

/** Shows where the time went, by the answer's Server-Timing; elapsed is in milliseconds. */
export function showTiming(headers, elapsed) {
  const times = {};
  for (const item of (headers.get('server-timing') ?? '').split(',')) {
    const [name, ...parameters] = item.trim().split(';');
    const duration = parameters.find((each) => each.startsWith('dur='));
    if (name !== 'step' && duration) {
      times[name] = Number(duration.slice('dur='.length));
    }
  }
  const total = times.total ?? elapsed;
  times.rest = Math.max(0, total - PHASES.reduce((sum, [name]) => sum + (times[name] ?? 0), 0));
  $('timing').hidden = false;
  $('bar').replaceChildren(...PHASES.map(([name, , ink]) => {
    const piece = element('span', {});
    piece.style.flexGrow = String(times[name] ?? 0);
    piece.style.background = ink;
    return piece;
  }));
  const lines = PHASES.flatMap(([name, title, ink]) => {
    const swatch = element('span', { className: 'swatch' });
    swatch.style.background = ink;
    return [element('dt', {}, swatch, title), element('dd', {}, millis(times[name] ?? 0))];
  });
  const cache = headers.get('x-cache');
  const arm = headers.get('x-traffic-arm');
  $('phases').replaceChildren(
    ...lines,
    element('dt', {}, 'in the server'), element('dd', {}, millis(total)),
    element('dt', {}, 'seen by this browser'), element('dd', {}, millis(elapsed)),
    ...(cache ? [element('dt', {}, 'result cache'), element('dd', {}, chip(cache))] : []),
    ...(arm ? [element('dt', {}, 'arm of the traffic'), element('dd', {}, chip(arm))] : []));
}

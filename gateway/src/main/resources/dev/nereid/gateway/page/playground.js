// Photos through a model of choice: boxes, classes, embeddings, what is alike, and the same asked
// from a terminal.

import { $, bytes, button, element, percent, plural } from './dom.js';
import { json, key, reason, send } from './gateway.js';
import { drawPicture } from './draw.js';
import { nearest } from './nearest.js';
import { decoded, Photos } from './photos.js';
import { preparePicture, readLimits, UnfitPicture } from '/prepare.js';
import { showAnswer, showProblem, showTiming } from './results.js';

const MOST_NEAREST = 8;

const photos = new Photos(showPhotos);
const state = { models: [], photo: null, picture: null, detections: [], asked: 0 };
let limits = null;
let sampleNames = [];
const fetched = new Map(); // samples by name, as promises

const model = () => state.models.find((each) => each.name === $('model').value);

/** Asks which models take pictures; tells of them in the header. */
export async function loadModels() {
  const chosen = $('model').value;
  try {
    state.models = (await json('/models')).models;
  } catch (problem) {
    state.models = [];
    tellState(problem.status === 401 ? 'a key is needed' : reason(problem), 'bad');
    modelChanged();
    return;
  }
  const rank = { detect: 0, classify: 1, embed: 2 };
  state.models.sort((a, b) => rank[a.task] - rank[b.task] || a.name.localeCompare(b.name));
  $('model').replaceChildren(...state.models.map((each) =>
    element('option', { value: each.name }, `${each.name} (${each.task})`)));
  if (state.models.some((each) => each.name === chosen)) {
    $('model').value = chosen;
  }
  $('model').disabled = state.models.length === 0;
  const count = state.models.length;
  tellState(count === 0 ? 'no model is ready yet' : `${plural(count, 'model')} ready`, count === 0 ? 'warn' : 'good');
  photos.embedder = state.models.find((each) => each.task === 'embed')?.name ?? '';
  photos.embedMissing();
  modelChanged();
  if (count === 0) {
    setTimeout(loadModels, 2000);
  }
}

function tellState(text, kind) {
  $('state').textContent = text;
  $('state').className = `pill ${kind}`;
}

async function loadSamples() {
  sampleNames = (await json('/samples')).samples;
  $('samples-title').hidden = sampleNames.length === 0;
  $('embed-samples').hidden = sampleNames.length === 0;
  $('samples').replaceChildren(...sampleNames.map((name) => {
    const picture = element('img', { src: `/samples/${encodeURIComponent(name)}`, alt: name, loading: 'lazy' });
    const chosen = element('button', { type: 'button', title: name, 'aria-pressed': 'false' }, picture);
    chosen.addEventListener('click', async () => select(await sample(name)));
    return element('li', {}, chosen);
  }));
}

/** The photo of a sample, which is fetched once. */
function sample(name) {
  if (!fetched.has(name)) {
    fetched.set(name, fetchSample(name).catch((problem) => {
      fetched.delete(name);
      throw problem;
    }));
  }
  return fetched.get(name);
}

async function fetchSample(name) {
  const blob = await (await fetch(`/samples/${encodeURIComponent(name)}`)).blob();
  return photos.add(new File([blob], name, { type: blob.type }), true);
}

async function addFiles(files) {
  const added = [];
  for (const file of files) {
    added.push(await photos.add(file));
  }
  if (added.length > 0) {
    await select(added[0]);
  }
}

async function select(photo) {
  state.picture?.bitmap?.close();
  state.photo = photo;
  state.detections = [];
  const bitmap = await decoded(photo.file);
  state.picture = bitmap ? { bitmap, width: bitmap.width, height: bitmap.height } : null;
  draw();
  showPhotos();
  await ask();
}

function draw(lit) {
  drawPicture($('canvas'), state.picture, state.detections, lit);
  const found = state.detections.map((box) => box.label).join(', ');
  $('canvas').setAttribute('aria-label', state.photo
    ? `${state.photo.file.name}${found ? `, with boxes around: ${found}` : ''}`
    : 'No picture yet');
}

/** Points at one box, in the picture and in its row. */
function light(index) {
  draw(index);
  $('details').querySelectorAll('tbody tr').forEach((row, at) => {
    row.className = at === index ? 'lit' : '';
  });
}

function showPhotos() {
  const own = photos.all.filter((photo) => !photo.isSample);
  $('photos-title').hidden = own.length === 0;
  const focused = document.activeElement?.dataset?.photo;
  $('photos').replaceChildren(...own.map((photo) => element('li', {}, choice(photo))));
  $('samples').querySelectorAll('button').forEach((each) => {
    const chosen = state.photo?.isSample && state.photo.file.name === each.title;
    each.setAttribute('aria-pressed', String(Boolean(chosen)));
  });
  showNearest();
  if (focused) {
    document.querySelector(`[data-photo="${focused}"]`)?.focus();
  }
}

function picture(photo) {
  return photo.thumbnail
    ? element('img', { src: photo.thumbnail, alt: photo.file.name })
    : element('span', { className: 'no-thumbnail' }, photo.file.name);
}

function choice(photo) {
  const made = button('', () => select(photo), {
    title: photo.file.name, 'aria-pressed': String(photo === state.photo), 'data-photo': `own-${photo.id}`,
  });
  made.append(picture(photo));
  return made;
}

function showNearest() {
  const found = nearest(state.photo, photos.all).slice(0, MOST_NEAREST);
  $('nearest').replaceChildren(...found.map(({ photo, cosine }) => {
    const made = button('', () => select(photo), {
      className: 'neighbour', title: `${photo.file.name}, cosine ${cosine.toFixed(4)}`, 'data-photo': `near-${photo.id}`,
    });
    const meter = element('meter', { min: 0, max: 1, value: Math.max(0, cosine), 'aria-hidden': 'true' });
    made.append(picture(photo), element('span', { className: 'name' }, photo.file.name), meter,
      element('span', { className: 'cosine' }, cosine.toFixed(3)));
    return element('li', {}, made);
  }));
  $('nearest-note').textContent = nearestNote(found.length);
}

function nearestNote(found) {
  const missing = photos.all.filter((photo) => !photo.embedding && !photo.problem).length;
  if (!photos.embedder) {
    return 'No model that embeds pictures is ready.';
  }
  if (state.photo?.problem) {
    return `No embedding of this photo: ${state.photo.problem}`;
  }
  if (missing > 0) {
    return `${plural(missing, 'photo')} to embed...`;
  }
  return found === 0
    ? 'The photos that you drop are compared by their embeddings. They stay in this tab.'
    : `Nearest to ${state.photo.file.name} of ${plural(photos.all.length - 1, 'other photo')}, by cosine of the embeddings of ${photos.embedder}.`;
}

async function embedSamples() {
  $('embed-samples').disabled = true;
  try {
    for (const name of sampleNames) {
      await sample(name);
    }
    if (!state.photo) {
      await select(photos.all[0]);
    }
  } finally {
    $('embed-samples').disabled = false;
  }
}

function path() {
  const query = model()?.task === 'detect' ? `?confidence=${$('confidence').value}` : '';
  return `/predict/${encodeURIComponent($('model').value)}${query}`;
}

function showCurl() {
  const name = state.photo?.file.name ?? 'photo.jpg';
  const header = key() ? "-H 'authorization: Bearer KEY' " : '';
  $('curl').textContent =
    `curl ${header}-F 'image=@${name.replaceAll("'", "'\\''")}' '${location.origin}${path()}'`;
}

function modelChanged() {
  $('thresholds').hidden = model()?.task !== 'detect';
  $('run').disabled = !state.photo || !model();
  showCurl();
}

/** The photo as it is sent: as it is, or made smaller. */
async function prepared(file) {
  $('prepared').hidden = !$('prepare').checked;
  if (!$('prepare').checked) {
    return { blob: file, name: file.name };
  }
  limits ??= await readLimits();
  const made = await preparePicture(file, { limits });
  const size = made.width ? `, ${made.width} x ${made.height} pixels` : '';
  $('prepared').textContent = made.changed
    ? `${bytes(made.originalBytes)} became ${bytes(made.blob.size)}${size} (${percent(made.blob.size / made.originalBytes)}).`
    : `Sent as it is: ${bytes(made.blob.size)}${size}.`;
  return made;
}

async function ask() {
  modelChanged();
  if (!state.photo || !model()) {
    return;
  }
  const asked = ++state.asked;
  const isCurrent = () => asked === state.asked;
  $('drop').classList.add('busy');
  try {
    const sent = await prepared(state.photo.file);
    const form = new FormData();
    form.append('image', sent.blob, sent.name);
    const began = performance.now();
    const response = await send(path(), { method: 'POST', body: form });
    const answer = await response.json();
    if (isCurrent()) {
      show(response, answer, performance.now() - began);
    }
  } catch (problem) {
    if (isCurrent()) {
      fail(problem instanceof UnfitPicture ? `Not sent: ${problem.message}` : `No answer: ${problem.message}`);
    }
  } finally {
    if (isCurrent()) {
      $('drop').classList.remove('busy');
    }
  }
}

function show(response, answer, elapsed) {
  if (!response.ok) {
    fail(`${response.status}: ${answer.detail ?? 'no reason given'}`);
    return;
  }
  state.detections = answer.detections ?? [];
  if (!state.picture && answer.image) {
    state.picture = { width: answer.image.width, height: answer.image.height };
  }
  draw();
  showAnswer(answer, model()?.labels ?? [], light);
  showTiming(response.headers, elapsed);
}

function fail(text) {
  state.detections = [];
  draw();
  showProblem(text);
}

const pictures = (transfer) => [...(transfer?.files ?? [])].filter((file) =>
  file.type.startsWith('image/') || file.type === '');

function listenToDrops() {
  const drop = $('drop');
  drop.addEventListener('dragover', (event) => { event.preventDefault(); drop.classList.add('over'); });
  drop.addEventListener('dragleave', () => drop.classList.remove('over'));
  drop.addEventListener('drop', (event) => {
    event.preventDefault();
    drop.classList.remove('over');
    addFiles(pictures(event.dataTransfer));
  });
  document.addEventListener('paste', (event) => addFiles(pictures(event.clipboardData)));
}

async function copyCurl() {
  const text = $('curl').textContent;
  let copied = true;
  try {
    await navigator.clipboard.writeText(text); // there on https and localhost only
  } catch {
    getSelection().selectAllChildren($('curl'));
    copied = document.execCommand('copy');
  }
  $('copy').textContent = copied ? 'Copied' : 'Selected';
  setTimeout(() => { $('copy').textContent = 'Copy'; }, 1500);
}

function listen() {
  $('choose').addEventListener('click', () => $('file').click());
  $('file').addEventListener('change', async () => {
    const files = [...$('file').files];
    $('file').value = ''; // so that the same one can be chosen again
    await addFiles(files);
  });
  $('model').addEventListener('change', () => { state.detections = []; draw(); ask(); });
  $('confidence').addEventListener('input', () => {
    $('confidence-value').textContent = Number($('confidence').value).toFixed(2);
    showCurl();
  });
  $('confidence').addEventListener('change', ask);
  $('prepare').addEventListener('change', () => {
    $('prepared').hidden = !$('prepare').checked;
    ask();
  });
  $('embed-samples').addEventListener('click', embedSamples);
  $('form').addEventListener('submit', (event) => { event.preventDefault(); ask(); });
  $('copy').addEventListener('click', copyCurl);
  listenToDrops();
}

/** Begins; `?model=NAME&sample=NAME` choose at once. */
export async function open() {
  listen();
  await Promise.all([loadModels(), loadSamples().catch(() => {})]);
  const wanted = new URLSearchParams(location.search);
  if (state.models.some((each) => each.name === wanted.get('model'))) {
    $('model').value = wanted.get('model');
    modelChanged();
  }
  if (sampleNames.includes(wanted.get('sample'))) {
    await select(await sample(wanted.get('sample')));
  }
}

// What the gateway does now: rates, times, batches, queues, remote servers, breakers, caches.

import { $, amount, bytes, chip, element, millis, percent, plural, table } from './dom.js';
import { caller, json, reason, send, Watch } from './gateway.js';
import { between, look, since } from './metrics.js';

const KEPT = 600; // looks of which batch sizes are told
const FLAGS = {
  p99_over_1000_ms: 'p99 over 1,000 ms',
  stream_limit: 'no streams left',
  refused: 'connections refused',
  plateau: 'more asked, not more done',
};

let charts = null;
let looks = [];
let paused = false;
const opened = {}; // parts that somebody opened or closed

async function makeCharts() {
  const { Lines, Bars } = await import('./charts.js');
  charts = {
    rate: new Lines('Requests', 'per second', { answered: 'answered', refused: 'refused (4xx)', failed: 'failed (5xx)' }),
    latency: new Lines('Latency', 'of a request', { p50: 'p50', p95: 'p95', p99: 'p99' }, millis),
    batch: new Lines('Batch size', 'mean of the executions', { batch: 'pictures in a batch' }),
    sizes: new Bars('Batch sizes', 'executions since this page looks'),
    queue: new Lines('Queues', 'requests', { active: 'being served', queued: 'waiting for a model' }),
    cache: new Lines('Cache hits', 'share of the look-ups', { resultHits: 'results', responseHits: 'responses' }, percent),
    streams: new Lines('Streams', 'calls to remote servers', {}),
    depth: new Lines('Remote queues', 'requests waiting there', {}),
  };
  charts.streams.frame.hidden = true;
  charts.depth.frame.hidden = true;
  $('charts').replaceChildren(...Object.values(charts).map((chart) => chart.frame));
}

const watch = new Watch(async () => {
  if (!paused && !document.hidden) {
    await update();
    $('live-note').textContent = '';
  }
}, (problem) => { $('live-note').textContent = reason(problem); }, () => Number($('every').value));

async function update() {
  const [response, connections, health] = await Promise.all([
    send('/metrics'),
    json('/connections'),
    send('/health').then((answer) => answer.json()), // 503 while nothing is served
  ]);
  if (!response.ok) {
    return;
  }
  if (!charts) {
    await makeCharts();
  }
  const now = look(await response.text(), Date.now());
  const before = looks.at(-1);
  looks.push(now);
  looks = looks.slice(-KEPT);
  if (before) {
    showNumbers(between(before, now), now);
  }
  showTiles(before ? between(before, now) : null, now, health);
  showUpstreams(connections, now.at);
}

function showNumbers(point, now) {
  charts.rate.add(point);
  charts.latency.add(point, point.p50 === null ? 'No requests since the last look.' : '');
  charts.batch.add(point, point.batch === null ? 'No executions since the last look.' : '');
  charts.queue.add(point);
  charts.cache.add(point, now.hasResults || now.hasResponses
    ? ''
    : 'No cache is on: --result-cache=local keeps results, --cache-config=local,size=BYTES responses.');
  const counted = since(looks[0].sizes, now.sizes);
  const bars = new Map();
  let below = 0;
  let lower = 0;
  for (const [bound, count] of counted) {
    if (count > below) {
      bars.set(range(lower, bound), count - below);
    }
    below = count;
    lower = bound;
  }
  charts.sizes.show(bars, bars.size === 0 ? 'No executions yet.' : '');
}

function range(lower, bound) {
  if (bound === Infinity) {
    return `over ${lower}`;
  }
  return bound - lower <= 1 ? String(bound) : `${lower + 1}-${bound}`;
}

function showTiles(point, now, health) {
  const told = health.performance;
  const tiles = [
    ['State', health.status],
    ['Requests', point ? `${amount(point.answered + point.refused + point.failed)} /s` : '-'],
    ['p99', point?.p99 === null || !point ? '-' : millis(point.p99)],
    ['In flight', amount(now.active)],
    ['Processor', point ? `${point.cores.toFixed(2)} cores` : '-'],
    ['Memory', bytes(now.memory)],
    ...(told ? [['Largest body', bytes(told.limits.body_bytes)]] : []),
  ];
  $('tiles').replaceChildren(...tiles.map(([name, value]) =>
    element('div', { className: 'tile' }, element('dt', {}, name), element('dd', {}, value))));
}

function showUpstreams(connections, at) {
  if (connections.mode !== 'remote') {
    $('upstreams').replaceChildren(element('p', { className: 'quiet' },
      'The models run in this process; there are no connections to other servers.'));
    return;
  }
  const point = { at };
  const names = {};
  const depths = { at };
  const depthNames = {};
  for (const target of connections.targets) {
    point[target.target] = target.active_streams + target.waiting_streams;
    names[target.target] = target.target;
    depths[target.target] = target.queue_depth;
    depthNames[target.target] = target.target;
  }
  charts.streams.frame.hidden = false;
  charts.depth.frame.hidden = false;
  charts.streams.add(point, '', names);
  charts.depth.add(depths, '', depthNames);
  const { admission } = connections;
  const focused = document.activeElement?.closest?.('details')?.dataset.part;
  $('upstreams').replaceChildren(
    targets(connections.targets),
    channels(connections.channels),
    breakers(connections.targets),
    element('p', { className: 'quiet small' },
      `${plural(admission.calls, 'call')} under way (${bytes(admission.bytes)}), ${amount(admission.waiting)} waiting, `
      + `${amount(admission.refusals)} refused; ${plural(connections.retries, 'attempt')} again, `
      + `${plural(connections.hedges, 'hedge')}`));
  if (focused) {
    $('upstreams').querySelector(`[data-part="${focused}"] summary`).focus();
  }
}

const numbers = (...names) => names.map((number) => ({ number }));

function targets(all) {
  const kinds = { LIVE: 'good', SLOW: 'warn', STOPPING: 'warn' };
  return table(
    ['Server', 'State', ...numbers('Connections', 'Active', 'Waiting', 'Queue', 'Per s', 'p50', 'p99'), 'Red flags'],
    all.map((target) => [
      target.target,
      element('span', { title: target.reason }, chip(target.state, kinds[target.state] ?? 'bad')),
      ...numbers(
        amount(target.connections), amount(target.active_streams), amount(target.waiting_streams),
        amount(target.queue_depth), amount(target.requests_per_second), millis(target.p50_ms), millis(target.p99_ms)),
      element('span', {}, ...(target.red_flags.length === 0
        ? ['none']
        : target.red_flags.map((flag) => chip(FLAGS[flag] ?? flag, 'bad')))),
    ]), { label: 'Remote servers', stacks: true });
}

function channels(all) {
  return element('details', { open: opened.channels ?? false, 'data-part': 'channels' },
    element('summary', {}, plural(all.length, 'channel')),
    table(['Server', 'Lane', { number: 'Channel' }, 'State', { number: 'Connections' }],
      all.map((channel) => [
        channel.target, channel.lane, { number: String(channel.index) }, chip(channel.state),
        { number: String(channel.connections) },
      ]), { label: 'Channels', stacks: true }));
}

function breakers(all) {
  const kinds = { CLOSED: 'good', HALF_OPEN: 'warn' };
  const rows = all.flatMap((target) => Object.entries(target.breakers).map(([name, state]) => [
    target.target, name, chip(state.toLowerCase().replace('_', ' '), kinds[state] ?? 'bad'),
  ]));
  if (rows.length === 0) {
    return element('p', { className: 'quiet small' }, 'No model was asked for yet, so there are no breakers.');
  }
  const tripped = rows.filter(([, , state]) => state.textContent !== 'closed').length;
  const summary = `${plural(rows.length, 'breaker')}, ${tripped === 0 ? 'all closed' : `${tripped} not closed`}`;
  return element('details', { open: opened.breakers ?? tripped > 0, 'data-part': 'breakers' },
    element('summary', {}, summary),
    table(['Server', 'Model', 'Breaker'], rows, { label: 'Breakers', stacks: true }));
}

/** Begins or ends to look; the view tells which. */
export function show(visible) {
  watch.show(visible);
}

/** Makes the controls of the view work. */
export function open() {
  $('pause').addEventListener('click', () => {
    paused = !paused;
    $('pause').setAttribute('aria-pressed', String(paused));
    $('pause').textContent = paused ? 'Go on' : 'Pause';
    watch.now();
  });
  $('upstreams').addEventListener('click', (event) => {
    const part = event.target.closest('summary')?.parentElement;
    if (part) {
      opened[part.dataset.part] = !part.open; // the click is about to change it
    }
  });
  $('every').addEventListener('change', () => watch.now());
  document.addEventListener('visibilitychange', () => { if (!document.hidden) { watch.now(); } });
}

/** Looks again when somebody else calls. */
export function callerChanged() {
  if (watch.isOn && caller().roles.includes('metrics')) {
    watch.now();
  }
}

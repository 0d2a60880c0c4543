// Charts over time, and of batch sizes, in the colours of the page.

import '/page/chart.js';
import { amount, element } from './dom.js';

const { Chart } = globalThis;
const WINDOW = 10 * 60_000; // milliseconds shown
const LONGEST_LINE = 45_000; // milliseconds between points that are joined
const DASHES = [[], [6, 3], [2, 3], [9, 3, 2, 3]];

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const clock = (at) => new Date(at).toLocaleTimeString('en-GB');

/** Whether a point has no neighbour that it is joined to by a line. */
function isAlone(points, at) {
  const joined = (other) => other && Math.abs(other.x - points[at].x) <= LONGEST_LINE;
  return !joined(points[at - 1]) && !joined(points[at + 1]);
}

const all = new Set();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  all.forEach((chart) => chart.recolour());
});

/** A chart in a frame with a title; what it shows is told in words as well. */
class Framed {
  constructor(title, unit) {
    this.title = title;
    this.unit = unit;
    this.canvas = element('canvas', { role: 'img' });
    this.canvas.setAttribute('aria-label', title);
    this.note = element('p', { className: 'quiet small' });
    this.frame = element('figure', { className: 'card chart' },
      element('figcaption', {}, element('h3', {}, title), element('span', { className: 'quiet small' }, unit)),
      element('div', { className: 'canvas-frame' }, this.canvas), this.note);
    all.add(this);
  }

  tell(words, note) {
    this.canvas.setAttribute('aria-label', `${this.title}, ${this.unit}: ${words}`);
    this.note.textContent = note;
    this.note.hidden = !note;
  }

  options(more) {
    const text = { color: token('--quiet'), font: { size: 11 } };
    const grid = { color: token('--line'), drawTicks: false };
    return {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      interaction: { mode: 'index', intersect: false },
      ...more,
      plugins: {
        legend: {
          position: 'bottom', align: 'start', display: more.legend ?? true,
          labels: { ...text, boxWidth: 22, boxHeight: 0 },
        },
        tooltip: { callbacks: more.tooltips ?? {} },
      },
      scales: {
        x: { ...more.x, ticks: { ...text, maxRotation: 0, ...more.x?.ticks }, grid, border: { display: false } },
        y: {
          beginAtZero: true, suggestedMax: 1, ...more.y,
          ticks: { ...text, maxTicksLimit: 5, padding: 6, ...more.y?.ticks }, grid, border: { display: false },
        },
      },
    };
  }
}

/** Lines over the last ten minutes; `names` are those of their keys in the points. */
export class Lines extends Framed {
  #points = [];
  #names;
  #chart;
  #format;

  constructor(title, unit, names, format = amount) {
    super(title, unit);
    this.#names = { ...names };
    this.#format = format;
  }

  /** Adds a point: { at, key: number or null, ... }. Keys that were not known become lines. */
  add(point, note = '', names = {}) {
    Object.assign(this.#names, names);
    this.#points.push(point);
    while (this.#points[0].at < point.at - WINDOW) {
      this.#points.shift();
    }
    const words = Object.entries(this.#names).map(([key, name]) =>
      `${name} ${point[key] === null || point[key] === undefined ? 'none' : this.#format(point[key])}`);
    this.tell(words.join(', '), note);
    this.draw();
  }

  /** How many points there are. */
  get length() {
    return this.#points.length;
  }

  draw() {
    if (!this.canvas.isConnected || this.canvas.closest('[hidden]')) {
      return;
    }
    this.#chart ??= this.#make();
    this.canvas.dataset.points = String(this.#points.length);
    const last = this.#points.at(-1)?.at ?? 0;
    const first = this.#points[0]?.at ?? 0;
    this.#chart.options.scales.x.min = Math.max(first, last - WINDOW);
    this.#chart.options.scales.x.max = Math.max(last, first + 30_000);
    this.#chart.data.datasets = Object.entries(this.#names).map(([key, name], index) => ({
      label: name,
      data: this.#points
        .filter((each) => Number.isFinite(each[key]))
        .map((each) => ({ x: each.at, y: each[key] })),
      borderColor: token(`--series-${(index % 4) + 1}`),
      backgroundColor: token(`--series-${(index % 4) + 1}`),
      borderDash: DASHES[index % DASHES.length],
      borderWidth: 2,
      pointRadius: (context) => (isAlone(context.dataset.data, context.dataIndex) ? 2 : 0),
      spanGaps: LONGEST_LINE,
      tension: 0,
    }));
    this.#chart.update('none');
  }

  recolour() {
    this.#chart?.destroy();
    this.#chart = undefined;
    this.draw();
  }

  #make() {
    return new Chart(this.canvas, {
      type: 'line',
      data: { datasets: [] },
      options: this.options({
        parsing: false,
        normalized: true,
        x: { type: 'linear', ticks: { callback: clock, maxTicksLimit: 5 } },
        y: { ticks: { callback: (value) => (value === 0 ? '0' : this.#format(value)) } },
        tooltips: {
          title: ([item]) => clock(item.parsed.x),
          label: (item) => ` ${item.dataset.label}: ${this.#format(item.parsed.y)}`,
        },
      }),
    });
  }
}

/** Bars, one for each name. */
export class Bars extends Framed {
  #values = new Map();
  #chart;

  /** Shows these values instead of those before; a Map by name. */
  show(values, note = '') {
    this.#values = values;
    const words = [...values].map(([name, value]) => `${name}: ${value}`).join(', ');
    this.tell(words || 'none', note);
    this.draw();
  }

  draw() {
    if (!this.canvas.isConnected || this.canvas.closest('[hidden]')) {
      return;
    }
    this.#chart ??= new Chart(this.canvas, {
      type: 'bar',
      data: { labels: [], datasets: [{ data: [] }] },
      options: this.options({ legend: false, y: { ticks: { precision: 0 } } }),
    });
    this.canvas.dataset.points = String(this.#values.size);
    this.#chart.data.labels = [...this.#values.keys()];
    this.#chart.data.datasets[0] = {
      label: this.unit,
      data: [...this.#values.values()],
      backgroundColor: token('--series-1'),
      borderRadius: 3,
      maxBarThickness: 42,
    };
    this.#chart.update('none');
  }

  recolour() {
    this.#chart?.destroy();
    this.#chart = undefined;
    this.draw();
  }
}

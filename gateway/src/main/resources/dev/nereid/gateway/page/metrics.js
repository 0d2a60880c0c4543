// The gateway's numbers: Prometheus' text form, and what can be told from two looks at it.

const SAMPLE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const ESCAPED = { n: '\n', '\\': '\\', '"': '"' };

/** Numbers by name: a Map to lists of { labels, value }. */
export function parse(text) {
  const numbers = new Map();
  for (const line of text.split('\n')) {
    const found = line.startsWith('#') ? null : SAMPLE.exec(line);
    if (!found) {
      continue;
    }
    const labels = {};
    for (const [, name, value] of (found[2] ?? '').matchAll(LABEL)) {
      labels[name] = value.replace(/\\(.)/g, (_, letter) => ESCAPED[letter] ?? letter);
    }
    const value = found[3].endsWith('Inf') ? Infinity * (found[3].startsWith('-') ? -1 : 1) : Number(found[3]);
    if (!numbers.has(found[1])) {
      numbers.set(found[1], []);
    }
    numbers.get(found[1]).push({ labels, value });
  }
  return numbers;
}

/** The sum of a number over its labels, as far as `wanted` takes them. */
export function sum(numbers, name, wanted = () => true) {
  return (numbers.get(name) ?? [])
    .filter((sample) => wanted(sample.labels))
    .reduce((total, sample) => total + sample.value, 0);
}

/** A histogram over its other labels: a Map from upper bounds to cumulative counts, ascending. */
export function buckets(numbers, name) {
  const counts = new Map();
  for (const { labels, value } of numbers.get(`${name}_bucket`) ?? []) {
    const bound = labels.le === '+Inf' ? Infinity : Number(labels.le);
    counts.set(bound, (counts.get(bound) ?? 0) + value);
  }
  return new Map([...counts].sort(([a], [b]) => a - b));
}

/** What was counted between two looks at a histogram; all of it when counting began anew. */
export function since(before, now) {
  const last = (counts) => [...counts.values()].at(-1) ?? 0;
  return last(now) < last(before)
    ? now
    : new Map([...now].map(([bound, count]) => [bound, count - (before.get(bound) ?? 0)]));
}

/** The value that this share of what was counted does not exceed; null for nothing counted. */
export function quantile(counts, share) {
  const bounds = [...counts];
  const total = bounds.at(-1)?.[1] ?? 0;
  if (!(total > 0)) {
    return null;
  }
  const rank = share * total;
  const index = bounds.findIndex(([, count]) => count >= rank);
  const [upper, count] = bounds[index];
  const [lower, below] = index > 0 ? bounds[index - 1] : [0, 0];
  if (upper === Infinity) {
    return lower; // all that is known is that it was more
  }
  return lower + (upper - lower) * ((rank - below) / Math.max(count - below, 1e-9));
}

const grown = (before, now) => (now >= before ? now - before : now); // less: it began anew
const ratio = (part, whole) => (whole > 0 ? part / whole : null);
const kind = (status) => (status < '400' ? 'answered' : status < '500' ? 'refused' : 'failed');

function totals(numbers) {
  const requests = (wanted) => sum(numbers, 'api_requests_total', ({ status }) => kind(status) === wanted);
  const results = (wanted) => sum(numbers, 'nereid_result_cache_requests_total', ({ source }) => wanted(source));
  return {
    answered: requests('answered'),
    refused: requests('refused'),
    failed: requests('failed'),
    batches: sum(numbers, 'triton_batch_size_count'),
    pictures: sum(numbers, 'triton_batch_size_sum'),
    resultHits: results((source) => source !== 'miss'),
    results: results(() => true),
    responseHits: sum(numbers, 'nv_cache_num_hits_per_model'),
    responses: sum(numbers, 'nv_cache_num_hits_per_model') + sum(numbers, 'nv_cache_num_misses_per_model'),
    cpu: sum(numbers, 'process_cpu_seconds_total'),
  };
}

/** One look: what is needed of the numbers, at a time in milliseconds. */
export function look(text, at) {
  const numbers = parse(text);
  return {
    at,
    totals: totals(numbers),
    latency: buckets(numbers, 'api_request_duration_seconds'),
    sizes: buckets(numbers, 'triton_batch_size'),
    active: sum(numbers, 'api_active_requests'),
    queued: sum(numbers, 'nv_inference_pending_request_count'),
    memory: sum(numbers, 'process_resident_memory_bytes'),
    hasResults: numbers.has('nereid_result_cache_requests_total'),
    hasResponses: (numbers.get('nereid_cache_bytes') ?? []).length > 0,
  };
}

/** What happened between two looks: rates per second, quantiles in milliseconds, shares. */
export function between(before, now) {
  const seconds = Math.max(0.001, (now.at - before.at) / 1000);
  const more = {};
  for (const name of Object.keys(now.totals)) {
    more[name] = grown(before.totals[name], now.totals[name]);
  }
  const latency = since(before.latency, now.latency);
  const time = (share) => {
    const value = quantile(latency, share);
    return value === null ? null : value * 1000;
  };
  return {
    at: now.at,
    answered: more.answered / seconds,
    refused: more.refused / seconds,
    failed: more.failed / seconds,
    p50: time(0.5),
    p95: time(0.95),
    p99: time(0.99),
    batch: ratio(more.pictures, more.batches),
    active: now.active,
    queued: now.queued,
    memory: now.memory,
    cores: more.cpu / seconds,
    resultHits: ratio(more.resultHits, more.results),
    responseHits: ratio(more.responseHits, more.responses),
  };
}

// Elements, numbers as people read them, and questions before something is changed.

/** The element of that id. */
export const $ = (id) => document.getElementById(id);

/** An element with properties or attributes, and children. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in made && !key.startsWith('aria')) {
      made[key] = value;
    } else {
      made.setAttribute(key, value);
    }
  }
  made.append(...children);
  return made;
}

/** A button that is no form's. */
export function button(text, act, attributes = {}) {
  const made = element('button', { type: 'button', ...attributes }, text);
  made.addEventListener('click', act);
  return made;
}

const textOf = (content) => content?.number ?? content ?? '';

/**
 * Heads over rows of cells; a cell is a text, a node, or {number: text}. With `stacks`, a narrow
 * page shows each row as a list. The roles say what it is where its layout is no table's.
 */
export function table(heads, rows, { label = '', stacks = false } = {}) {
  const cell = (kind, content, at) => {
    const isNumber = content !== null && typeof content === 'object' && 'number' in content;
    const attributes = isNumber ? { className: 'number' } : {};
    const made = element(kind, attributes, isNumber ? content.number : content);
    if (kind === 'td' && stacks) {
      made.setAttribute('role', 'cell');
      made.dataset.head = heads[at] instanceof Node ? '' : textOf(heads[at]);
    }
    return made;
  };
  const head = element('tr', {}, ...heads.map((content) => {
    const made = cell('th', content);
    made.scope = 'col';
    return made;
  }));
  const body = rows.map((row) =>
    row instanceof Node ? row : element('tr', stacks ? { role: 'row' } : {},
      ...row.map((content, at) => cell('td', content, at))));
  const made = element('table', stacks ? { role: 'table' } : {}, element('thead', {}, head), element('tbody', {}, ...body));
  if (label) {
    made.setAttribute('aria-label', label);
  }
  return element('div', { className: stacks ? 'scroll stacks' : 'scroll' }, made);
}

/** A word in a frame whose colour says the same. */
export function chip(text, kind = '') {
  return element('span', { className: `chip ${kind}` }, text);
}

export const percent = (share) => `${(share * 100).toFixed(share === 0 || share === 1 ? 0 : 1)} %`;

export function millis(time) {
  if (time === 0) {
    return '0 ms';
  }
  if (time >= 1000) {
    return `${(time / 1000).toFixed(time >= 10_000 ? 1 : 2)} s`;
  }
  return `${time.toFixed(time >= 100 ? 0 : time >= 10 ? 1 : 2)} ms`;
}

export function bytes(count) {
  const units = ['B', 'KB', 'MB', 'GB'];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value.toFixed(unit === 0 || value >= 100 ? 0 : 1)} ${units[unit]}`;
}

/** A number with as many digits as tell something. */
export function amount(value) {
  if (value >= 1000) {
    return Math.round(value).toLocaleString('en');
  }
  return value.toFixed(Number.isInteger(value) || value >= 100 ? 0 : value >= 10 ? 1 : 2);
}

/** Several, or one: plural(2, 'model') is "2 models". */
export const plural = (count, word) => `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`;

/**
 * Asks before something is changed; resolves to null, or to {option: whether it was ticked}.
 */
export function ask({ title, text, yes, option = '' }) {
  const dialog = $('confirm');
  $('confirm-title').textContent = title;
  $('confirm-text').textContent = text;
  $('confirm-yes').textContent = yes;
  $('confirm-option').hidden = !option;
  $('confirm-option').lastElementChild.textContent = option;
  $('confirm-check').checked = false;
  dialog.returnValue = 'no';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      resolve(dialog.returnValue === 'yes' ? { option: $('confirm-check').checked } : null);
    }, { once: true });
  });
}

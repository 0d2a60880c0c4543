// The form in which a plan for a model's traffic is changed.

import { button, element } from './dom.js';

const STICKY = [
  ['none', 'nothing'], ['picture', 'the picture'], ['client', "the client's address"], ['header', 'a header'],
];

function field(label, input) {
  return element('label', { className: 'field' }, element('span', {}, label), input);
}

const input = (name, value, more = {}) =>
  element('input', { name, value: value ?? '', autocomplete: 'off', spellcheck: false, ...more });

const number = (name, value, more = {}) =>
  input(name, value, { type: 'number', min: '0', step: 'any', required: true, ...more });

/** Where an arm leads: model, version and remote server. */
function place(arm, model) {
  return [
    field('Name', input('name', arm.name, { required: true })),
    field('Model', input('model', arm.model ?? model)),
    field('Version', input('version', arm.version, { type: 'number', min: '1', step: '1', placeholder: 'usual' })),
    field('Server', input('upstream', arm.upstream, { placeholder: 'any' })),
  ];
}

function armRow(arm, model) {
  const row = element('fieldset', { className: 'arm' }, element('legend', { className: 'unseen' }, 'Arm'),
    ...place(arm, model), field('Weight', number('weight', arm.weight ?? 1)));
  row.append(button('Remove', () => {
    if (row.parentElement.querySelectorAll('.arm').length > 1) {
      row.remove();
    }
  }, { 'aria-label': 'Remove this arm' }));
  return row;
}

function shadowRow(shadow, model) {
  const row = element('fieldset', { className: 'arm shadow-arm' }, element('legend', {}, 'Shadow: gets copies alone'),
    ...place(shadow, model),
    field('Share copied', number('sample', shadow.sample ?? 1, { max: '1' })),
    field('Same box from IoU', number('iou', shadow.iou ?? 0.5, { max: '1' })),
    field('Same vector from cosine', number('cosine', shadow.cosine ?? 0.99, { max: '1' })));
  row.append(button('Remove', () => row.remove(), { 'aria-label': 'Remove the shadow' }));
  return row;
}

function read(row, numbers) {
  const read = {};
  for (const each of row.querySelectorAll('input')) {
    const text = each.value.trim();
    if (text) {
      read[each.name] = numbers.includes(each.name) ? Number(text) : text;
    }
  }
  return read;
}

/**
 * A form that changes a plan. `put` is called with the plan as the gateway takes it, `leave` when
 * nothing is to be changed.
 */
export function planForm(model, plan, put, leave) {
  const arms = element('div', { className: 'stack tight' }, ...plan.arms.map((arm) => armRow(arm, model)));
  const shadows = element('div', {}, ...(plan.shadow ? [shadowRow(plan.shadow, model)] : []));
  const [kind, header] = (plan.sticky ?? 'none').split(/:(.*)/s);
  const sticky = element('select', { name: 'sticky' },
    ...STICKY.map(([value, text]) => element('option', { value, selected: value === kind }, text)));
  const headerField = field('Header', input('header', header ?? '', { placeholder: 'X-User-Id' }));
  const showHeader = () => { headerField.hidden = sticky.value !== 'header'; };
  sticky.addEventListener('change', showHeader);
  showHeader();
  const form = element('form', { className: 'fields plan', 'aria-label': `Plan for ${model}` },
    arms, shadows,
    element('div', { className: 'inline-form' }, field('Requests stay with their arm by', sticky), headerField),
    element('div', { className: 'row' },
      button('Add an arm', () => arms.append(armRow({ name: `arm-${arms.children.length + 1}` }, model))),
      button('Add a shadow', () => {
        if (shadows.children.length === 0) {
          shadows.append(shadowRow({ name: 'shadow' }, model));
        }
      }),
      element('span', { className: 'spring' }),
      button('Leave it as it is', leave),
      element('button', { className: 'primary' }, 'Put in force')));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const made = {
      sticky: sticky.value === 'header' ? `header:${headerField.querySelector('input').value.trim()}` : sticky.value,
      arms: [...arms.children].map((row) => read(row, ['version', 'weight'])),
    };
    if (shadows.children.length > 0) {
      made.shadow = read(shadows.firstElementChild, ['version', 'sample', 'iou', 'cosine']);
    }
    put(made);
  });
  return form;
}

// Where the requests for each model go, how shadows differ, promotion and rollback.

import { $, amount, ask, button, element, millis, percent, plural, table } from './dom.js';
import { json, may, post, reason, Watch } from './gateway.js';
import { planForm } from './plan.js';

const EVERY = 2000;
const STICKY = { picture: 'picture', client: "client's address" };

let plans = [];
let names = [];
let edited = ''; // the model whose plan is being changed; empty for none

const target = (model, verb = '') => `/traffic/${encodeURIComponent(model)}${verb}`;

function tell(text, isBad = false) {
  $('traffic-note').textContent = text;
  $('traffic-note').classList.toggle('error', isBad);
}

const watch = new Watch(async () => {
  plans = (await json('/traffic')).models;
  showPlans();
}, (problem) => tell(reason(problem), true), () => EVERY);

/** The models that a plan could be made for; who may not see them sees plans alone. */
async function loadNames() {
  try {
    names = (await json('/models')).models.map((model) => model.name);
  } catch {
    names = [];
  }
  showBegin();
}

function showBegin() {
  const free = names.filter((name) => plans.every((plan) => plan.model !== name));
  $('plan-form').hidden = !may('administration') || free.length === 0;
  const chosen = $('plan-model').value;
  $('plan-model').replaceChildren(...free.map((name) => element('option', { value: name, selected: name === chosen }, name)));
}

/** Cards stay where they are, and those in which something is being changed stay as they are. */
function showPlans() {
  const focused = document.activeElement?.dataset?.act;
  const shown = [...plans];
  if (edited && !plans.some((plan) => plan.model === edited)) {
    shown.unshift({ model: edited, isNew: true, arms: [{ name: 'all', model: edited, weight: 1 }] });
  }
  const cards = shown.map((plan) => {
    const known = [...$('plans').children].find((each) => each.dataset.model === plan.model);
    return plan.model === edited && known?.dataset.form ? known : card(plan);
  });
  if (cards.length === 0) {
    cards.push(element('p', { className: 'card quiet' },
      'No plan is in force: every request goes to the model that it names.'));
  }
  if (cards.length !== $('plans').children.length || cards.some((each, at) => each !== $('plans').children[at])) {
    $('plans').replaceChildren(...cards);
  }
  if (focused) {
    document.querySelector(`[data-act="${CSS.escape(focused)}"]`)?.focus();
  }
  showBegin();
}

function card(plan) {
  const made = element('section', { className: 'card', 'data-model': plan.model, 'aria-label': `Traffic of ${plan.model}` });
  if (plan.model === edited) {
    made.dataset.form = 'true';
    made.append(element('h3', {}, plan.model),
      planForm(plan.model, plan, (wanted) => put(plan.model, wanted), leave));
    return made;
  }
  const act = (text, work) => button(text, work, { 'data-act': `${text} ${plan.model}`, 'aria-label': `${text}: ${plan.model}` });
  const changes = !may('administration') ? [] : [
    act('Change', () => edit(plan.model)),
    ...(plan.can_roll_back ? [act('Roll back', () => rollBack(plan.model))] : []),
    act('Remove', () => remove(plan.model)),
  ];
  const sticky = plan.sticky === 'none' ? 'requests go by turns' : `requests stay with their arm by the ${STICKY[plan.sticky] ?? plan.sticky.replace(':', ' ')}`;
  made.append(
    element('div', { className: 'row' }, element('h3', {}, plan.model),
      element('p', { className: 'quiet small' }, sticky), element('span', { className: 'actions' }, ...changes)),
    arms(plan),
    ...(plan.shadow ? [shadow(plan)] : []));
  return made;
}

function leadsTo(arm) {
  return [arm.model, arm.version ? `version ${arm.version}` : '', arm.upstream ? `on ${arm.upstream}` : '']
    .filter((text) => text).join(', ');
}

function promotion(plan, arm) {
  return may('administration')
    ? [button('Promote', () => promote(plan.model, arm.name), {
      'data-act': `Promote ${plan.model} ${arm.name}`, 'aria-label': `Promote ${arm.name} of ${plan.model}`,
    })]
    : [];
}

function arms(plan) {
  const several = plan.arms.length > 1;
  const heads = ['Arm', 'Leads to', { number: 'Weight' }, 'Share', { number: 'Requests' }, { number: 'Failed' }, { number: 'Mean' }];
  const rows = plan.arms.map((arm) => [
    element('strong', {}, arm.name),
    leadsTo(arm),
    { number: amount(arm.weight) },
    element('span', { className: 'share' },
      element('meter', { min: 0, max: 1, value: arm.share, 'aria-hidden': 'true' }), percent(arm.share)),
    { number: amount(arm.requests) },
    { number: amount(arm.failures) },
    { number: arm.requests > 0 ? millis(arm.mean_ms) : '-' },
    ...(several && may('administration') ? [element('span', { className: 'actions' }, ...promotion(plan, arm))] : []),
  ]);
  if (several && may('administration')) {
    heads.push(element('span', { className: 'unseen' }, 'Change'));
  }
  return table(heads, rows, { label: `Arms of ${plan.model}`, stacks: true });
}

function shadow(plan) {
  const told = plan.shadow;
  const share = (value, of) => (of > 0 ? percent(value) : '-');
  const objects = told.matched + told.missing + told.extra > 0;
  const facts = [
    ['Compared', amount(told.compared)],
    ['Different', `${amount(told.different)} (${share(told.difference_ratio, told.compared)})`],
    ['Failed', amount(told.failed)],
    ['Skipped', amount(told.skipped)],
    ...(objects ? [
      ['Objects matched', amount(told.matched)],
      ['Missing', amount(told.missing)],
      ['Extra', amount(told.extra)],
      ['Mean IoU', told.mean_iou.toFixed(4)],
      ['Same class', share(told.label_agreement, told.matched)],
      ['Confidence apart', told.mean_score_difference.toFixed(4)],
    ] : []),
    ...(told.mean_cosine > 0 ? [
      ['Mean cosine', told.mean_cosine.toFixed(4)],
      ['Lowest cosine', told.lowest_cosine.toFixed(4)],
    ] : []),
  ];
  const last = told.last_differences.map((each) => [
    each.request_id || '-', ...[each.matched, each.missing, each.extra, each.agreed].map((value) => ({ number: amount(value) })),
    { number: each.cosine.toFixed(4) },
  ]);
  return element('div', { className: 'shadow' },
    element('div', { className: 'row' },
      element('h4', {}, `Shadow ${told.name}`),
      element('p', { className: 'quiet small' }, `${leadsTo(told)}; gets copies of ${percent(told.sample)} of the requests`),
      element('span', { className: 'actions' }, ...promotion(plan, told))),
    element('dl', { className: 'tiles small-tiles' }, ...facts.map(([name, value]) =>
      element('div', { className: 'tile' }, element('dt', {}, name), element('dd', {}, value)))),
    ...(last.length === 0 ? [] : [element('details', {}, element('summary', {}, `The last ${plural(last.length, 'request')} that differed`),
      table(['Request', ...['Matched', 'Missing', 'Extra', 'Same class', 'Cosine'].map((number) => ({ number }))], last,
        { label: 'Requests that differed', stacks: true }))]));
}

function edit(model) {
  edited = model;
  showPlans();
  $('plans').querySelector(`[data-model="${CSS.escape(model)}"] input`)?.focus();
}

function leave() {
  const was = edited;
  edited = '';
  showPlans();
  document.querySelector(`[data-act="${CSS.escape(`Change ${was}`)}"]`)?.focus();
}

/** Does what changes a plan, and tells what came of it; a refused change leaves the form open. */
async function change(work, done) {
  try {
    await work();
    edited = '';
    await watch.now();
    tell(done);
  } catch (problem) {
    tell(reason(problem), true);
  }
}

const put = (model, plan) => change(
  () => json(target(model), {
    method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(plan),
  }), `${model}: the plan is in force.`);

async function promote(model, arm) {
  const sure = await ask({
    title: `Promote ${arm}?`, text: `Every request for ${model} goes to ${arm} from then on.`, yes: 'Promote',
  });
  if (sure) {
    await change(() => post(`${target(model, '/promote')}?arm=${encodeURIComponent(arm)}`), `${model}: ${arm} gets everything.`);
  }
}

async function rollBack(model) {
  const sure = await ask({
    title: `Roll ${model} back?`, text: 'The plan before this one is put in force again.', yes: 'Roll back',
  });
  if (sure) {
    await change(() => post(target(model, '/rollback')), `${model}: the plan before is in force.`);
  }
}

async function remove(model) {
  const sure = await ask({
    title: `Remove the plan for ${model}?`, text: 'Requests go to the model that they name.', yes: 'Remove',
  });
  if (sure) {
    await change(() => json(target(model), { method: 'DELETE' }), `${model}: no plan.`);
  }
}

/** Begins or ends to look; the view tells which. */
export function show(visible) {
  if (visible) {
    tell('');
    loadNames();
  }
  watch.show(visible);
}

/** Makes the controls of the view work. */
export function open() {
  $('plan-form').addEventListener('submit', (event) => {
    event.preventDefault();
    edit($('plan-model').value);
  });
}

/** Looks again when somebody else calls. */
export function callerChanged() {
  if (watch.isOn) {
    show(true);
  }
}

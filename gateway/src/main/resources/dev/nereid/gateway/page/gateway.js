// Calls to the gateway that this page comes from, and who makes them.

const KEY = 'key';
const NOT_ACCEPTED = 'That key is not accepted here.';
const listeners = new Set();
let known = { name: '', roles: [] };

/** An answer that is none: its status, and what the gateway says. */
export class Refusal extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** The key in use; empty when there is none. It lives as long as this tab. */
export const key = () => sessionStorage.getItem(KEY) ?? '';

/** Who calls, as the gateway sees it. */
export const caller = () => known;

/** Whether the caller has that role. */
export const may = (role) => known.roles.includes(role);

/** Called with who calls whenever that may have changed, and with why a key is wanted. */
export function onCaller(listener) {
  listeners.add(listener);
}

/** From now on this key is shown; an empty one is forgotten. */
export async function useKey(value) {
  if (value) {
    sessionStorage.setItem(KEY, value);
  } else {
    sessionStorage.removeItem(KEY);
  }
  await identify();
}

/** Asks the gateway who calls. */
export async function identify() {
  const response = await fetch('/caller', { headers: credentials() });
  known = await response.json();
  const why = key() && known.roles.length === 0 ? NOT_ACCEPTED : '';
  listeners.forEach((listener) => listener(known, why));
}

const credentials = () => (key() ? { authorization: `Bearer ${key()}` } : {});

/** Sends a request as whoever calls. */
export async function send(target, options = {}) {
  const response = await fetch(target, {
    ...options,
    headers: { ...options.headers, ...credentials() },
  });
  if (response.status === 401) {
    const why = key() ? NOT_ACCEPTED : 'A key or token is needed for this.';
    listeners.forEach((listener) => listener(known, why));
  }
  return response;
}

/** An answer's JSON; throws a Refusal for every status that is not good. */
export async function json(target, options = {}) {
  const response = await send(target, options);
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw new Refusal(response.status, answer.detail ?? `status ${response.status}`);
  }
  return answer;
}

/** What to tell of something that was thrown. */
export function reason(problem) {
  if (!(problem instanceof Refusal)) {
    return 'The gateway does not answer.';
  }
  return problem.status === 403 ? `Not allowed: ${problem.message}.` : problem.message;
}

/** Looks again and again while a view is shown; after a 401, not until it is asked to. */
export class Watch {
  #look;
  #failed;
  #every;
  #timer = 0;
  isOn = false;

  /** `look` asks the gateway, `failed` is given what it threw, `every` tells the pause in ms. */
  constructor(look, failed, every) {
    this.#look = look;
    this.#failed = failed;
    this.#every = every;
  }

  /** Looks at once, if the view is shown. */
  async now() {
    clearTimeout(this.#timer);
    if (!this.isOn) {
      return;
    }
    try {
      await this.#look();
    } catch (problem) {
      this.#failed(problem);
      if (problem.status === 401) {
        return; // until somebody else calls
      }
    }
    clearTimeout(this.#timer); // another look may have ended meanwhile
    if (this.isOn) {
      this.#timer = setTimeout(() => this.now(), this.#every());
    }
  }

  /** The view is shown, or no more. */
  show(visible) {
    this.isOn = visible;
    if (visible) {
      this.now();
    } else {
      clearTimeout(this.#timer);
    }
  }
}

/** Posts, without a body. */
export const post = (target) => json(target, { method: 'POST' });

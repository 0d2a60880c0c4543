// The photos of this tab: a thumbnail of each, and its embedding once the gateway gave one.

import { json, reason } from './gateway.js';
import { thumbnail } from './draw.js';

const MOST_PHOTOS = 200; // the oldest goes first
const THUMBNAIL_SIDE = 160;
const AT_A_TIME = 2;

/** Photos in the order they came; calls `changed` when one came, went, or has its embedding. */
export class Photos {
  #all = [];
  #next = 1;
  #waiting = [];
  #running = 0;
  #changed;
  embedder = ''; // the model that embeds; empty while there is none

  constructor(changed) {
    this.#changed = changed;
  }

  get all() {
    return this.#all;
  }

  /** Adds a file; resolves to its photo when there is something to show. */
  async add(file, isSample = false) {
    const photo = {
      id: this.#next++, file, isSample, thumbnail: '', width: 0, height: 0, embedding: null, problem: '',
    };
    const bitmap = await decoded(file);
    if (bitmap) {
      photo.width = bitmap.width;
      photo.height = bitmap.height;
      photo.thumbnail = await thumbnail(bitmap, THUMBNAIL_SIDE);
      bitmap.close();
    }
    this.#all.push(photo);
    while (this.#all.length > MOST_PHOTOS) {
      URL.revokeObjectURL(this.#all.shift().thumbnail);
    }
    this.#embed(photo);
    this.#changed();
    return photo;
  }

  /** Embeds those that have no embedding yet, such as after a key was given. */
  embedMissing() {
    this.#all.filter((photo) => !photo.embedding).forEach((photo) => this.#embed(photo));
  }

  #embed(photo) {
    if (this.embedder && !this.#waiting.includes(photo)) {
      this.#waiting.push(photo);
      this.#work();
    }
  }

  #work() {
    while (this.#running < AT_A_TIME && this.#waiting.length > 0) {
      this.#running++;
      this.#ask(this.#waiting.shift()).finally(() => {
        this.#running--;
        this.#changed();
        this.#work();
      });
    }
  }

  async #ask(photo) {
    const form = new FormData();
    form.append('image', photo.file);
    try {
      const answer = await json(`/predict/${encodeURIComponent(this.embedder)}?priority=batch`, {
        method: 'POST', body: form,
      });
      photo.embedding = Float32Array.from(answer.embedding);
      photo.problem = '';
    } catch (problem) {
      photo.problem = reason(problem);
    }
  }
}

/** The pixels, upright; null for a kind this browser cannot show, which the gateway may know. */
export async function decoded(file) {
  try {
    return await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch {
    return null;
  }
}

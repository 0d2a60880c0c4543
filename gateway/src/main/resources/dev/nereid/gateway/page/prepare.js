// Makes photos smaller before they are sent to a gateway, without changing what a model sees in
// them: the longer side is capped, shape and orientation stay, nothing is padded or normalised.
//
//   import { preparePicture, readLimits } from 'https://gateway.example:9600/prepare.js';
//   const limits = await readLimits('https://gateway.example:9600');
//   const { blob, name } = await preparePicture(file, { limits });

/** How pictures are made smaller unless an option says otherwise. */
export const DEFAULTS = Object.freeze({
  longestSide: 2048, // pixels
  quality: 0.88, // of the JPEG
  keepBytes: 512 * 1024, // what has few pixels and no more bytes than this is sent as it is
  limits: {}, // what the gateway's GET /limits says
});

const KINDS = [
  ['jpeg', 'image/jpeg', [0xff, 0xd8, 0xff]],
  ['png', 'image/png', [0x89, 0x50, 0x4e, 0x47]],
  ['gif', 'image/gif', [0x47, 0x49, 0x46, 0x38]],
  ['bmp', 'image/bmp', [0x42, 0x4d]],
  ['tiff', 'image/tiff', [0x49, 0x49, 0x2a, 0x00]],
  ['tiff', 'image/tiff', [0x4d, 0x4d, 0x00, 0x2a]],
];

/** A picture that cannot be sent: `message` says why. */
export class UnfitPicture extends Error {}

/** What the gateway at that address takes; of this page's own origin unless one is named. */
export async function readLimits(gateway = '') {
  const response = await fetch(`${gateway}/limits`);
  if (!response.ok) {
    throw new Error(`limits of the gateway: status ${response.status}`);
  }
  return response.json();
}

/** The kind of a picture by its first bytes, such as "jpeg"; empty for none that is known. */
export async function kindOf(file) {
  const head = new Uint8Array(await file.slice(0, 16).arrayBuffer());
  const word = String.fromCharCode(...head);
  if (word.startsWith('RIFF') && word.slice(8, 12) === 'WEBP') {
    return 'webp';
  }
  if (word.slice(4, 8) === 'ftyp') {
    return /^(hei|hev|mif|msf)/.test(word.slice(8)) ? 'heic' : word.startsWith('avi', 8) ? 'avif' : '';
  }
  return KINDS.find(([, , start]) => start.every((byte, index) => head[index] === byte))?.[0] ?? '';
}

/**
 * The picture as it is best sent: { blob, name, type, width, height, changed, originalBytes }.
 * Width and height are 0 where this browser cannot tell them. Throws an UnfitPicture for what the
 * gateway would refuse.
 */
export async function preparePicture(file, options = {}) {
  const wanted = { ...DEFAULTS, ...options };
  const { limits } = wanted;
  const kind = await kindOf(file);
  const taken = !limits.image_formats || limits.image_formats.includes(kind);
  const bitmap = await decoded(file);
  try {
    if (!bitmap) {
      return asItIs(file, kind, taken, limits);
    }
    const { width, height } = bitmap;
    const side = Math.min(wanted.longestSide, limits.image_side ?? Infinity);
    const pixels = Math.sqrt((limits.image_pixels ?? Infinity) / (width * height));
    const scale = Math.min(1, side / Math.max(width, height), pixels);
    const small = scale === 1 && file.size <= wanted.keepBytes;
    if (taken && kind && small) {
      return result(file, file.name, bitmap, false, file, limits);
    }
    const size = {
      width: Math.max(1, Math.round(width * scale)),
      height: Math.max(1, Math.round(height * scale)),
    };
    const blob = await encoded(bitmap, size, wanted.quality);
    if (taken && kind && scale === 1 && blob.size >= file.size) {
      return result(file, file.name, bitmap, false, file, limits);
    }
    return result(blob, renamed(file.name), size, true, file, limits);
  } finally {
    bitmap?.close();
  }
}

/** Upright, as its EXIF says; null when this browser cannot read it. */
async function decoded(file) {
  try {
    return await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch {
    return null;
  }
}

/** What this browser cannot read may still be what the gateway can. */
function asItIs(file, kind, taken, limits) {
  if (!kind || !taken) {
    const formats = limits.image_formats?.join(', ') ?? KINDS.map(([name]) => name).join(', ');
    throw new UnfitPicture(`${kind || 'this file'} is not a kind of picture that is taken (expected: ${formats})`);
  }
  return result(file, file.name, { width: 0, height: 0 }, false, file, limits);
}

function result(blob, name, size, changed, file, limits) {
  if (limits.body_bytes && blob.size > limits.body_bytes) {
    throw new UnfitPicture(`${blob.size} bytes (expected: at most ${limits.body_bytes})`);
  }
  return {
    blob,
    name,
    type: blob.type,
    width: size.width,
    height: size.height,
    changed,
    originalBytes: file.size,
  };
}

const renamed = (name) => `${(name ?? 'picture').replace(/\.[^.]*$/, '')}.jpg`;

/** Halves as long as that is not too far: one big step would skip pixels. */
async function encoded(bitmap, last, quality) {
  let source = bitmap;
  let { width, height } = bitmap;
  do {
    width = Math.max(last.width, Math.ceil(width / 2));
    height = Math.max(last.height, Math.ceil(height / 2));
    const canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext('2d');
    context.fillStyle = '#fff'; // behind what can be seen through
    context.fillRect(0, 0, width, height);
    context.imageSmoothingQuality = 'high';
    context.drawImage(source, 0, 0, width, height);
    source = canvas;
  } while (width > last.width || height > last.height);
  const blob = await new Promise((resolve) => { source.toBlob(resolve, 'image/jpeg', quality); });
  if (!blob) {
    throw new UnfitPicture(`${bitmap.width} x ${bitmap.height} pixels cannot be encoded here`);
  }
  return blob;
}

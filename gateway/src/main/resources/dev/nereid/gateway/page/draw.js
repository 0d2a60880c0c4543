// Pictures, boxes and embeddings on canvases.

const LONGEST_SIDE = 1280;
const EMPTY = { width: 640, height: 400 };

/** A colour for a class: neighbours in number lie far apart on the wheel, all are equally light. */
export function colour(index, share = 1) {
  return `oklch(0.8 0.15 ${(index * 137.508 + 200) % 360} / ${share})`;
}

/** Shows a picture, with boxes over it; `lit` is the index of the one that is pointed at. */
export function drawPicture(canvas, picture, detections, lit) {
  const scale = picture ? Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height)) : 1;
  canvas.width = Math.max(1, Math.round((picture ?? EMPTY).width * scale));
  canvas.height = Math.max(1, Math.round((picture ?? EMPTY).height * scale));
  const context = canvas.getContext('2d');
  if (!picture) {
    return;
  }
  if (picture.bitmap) {
    context.drawImage(picture.bitmap, 0, 0, canvas.width, canvas.height);
  }
  for (let index = detections.length - 1; index >= 0; index--) { // the best end on top
    drawBox(context, canvas, detections[index], false);
  }
  if (lit !== undefined) {
    drawBox(context, canvas, detections[lit], true);
  }
}

function drawBox(context, canvas, box, lit) {
  const x = box.x1 * canvas.width;
  const y = box.y1 * canvas.height;
  const width = (box.x2 - box.x1) * canvas.width;
  const height = (box.y2 - box.y1) * canvas.height;
  const unit = Math.max(1, Math.max(canvas.width, canvas.height) / 640);
  context.lineWidth = (lit ? 5 : 2.5) * unit;
  context.strokeStyle = colour(box.class_id);
  context.strokeRect(x, y, width, height);
  if (lit) {
    context.fillStyle = colour(box.class_id, 0.25);
    context.fillRect(x, y, width, height);
  }
  const text = `${box.label} ${Math.round(box.confidence * 100)}%`;
  context.font = `600 ${13 * unit}px system-ui, sans-serif`;
  const textWidth = context.measureText(text).width + 10 * unit;
  const textHeight = 19 * unit;
  const left = Math.max(0, Math.min(x, canvas.width - textWidth));
  const top = y >= textHeight ? y - textHeight : y;
  context.fillStyle = colour(box.class_id);
  context.fillRect(left, top, textWidth, textHeight);
  context.fillStyle = '#08161a';
  context.textBaseline = 'middle';
  context.fillText(text, left + 5 * unit, top + textHeight / 2);
}

/** Shows the numbers of an embedding as a row of cells: blue below zero, orange above. */
export function drawEmbedding(canvas, values) {
  const most = Math.max(...values.map(Math.abs), 1e-9);
  canvas.width = values.length;
  canvas.height = 1;
  const context = canvas.getContext('2d');
  values.forEach((value, index) => {
    const strength = Math.round(92 - (Math.abs(value) / most) * 55);
    context.fillStyle = `hsl(${value < 0 ? 205 : 28} 85% ${strength}%)`;
    context.fillRect(index, 0, 1, 1);
  });
}

/** A small picture of one that is shown, as an address for <img>; the caller's to revoke. */
export async function thumbnail(bitmap, side) {
  const scale = Math.min(1, side / Math.min(bitmap.width, bitmap.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((resolve) => { canvas.toBlob(resolve, 'image/jpeg', 0.85); });
  return URL.createObjectURL(blob);
}

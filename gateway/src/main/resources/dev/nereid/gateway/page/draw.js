// Pictures, boxes and embeddings on canvases.

const LONGEST_SIDE = 1280;
const EMPTY = { width: 640, height: 420 };

/** A colour for a class: neighbours in number lie far apart on the wheel. */
export function colour(index) {
  return `hsl(${(index * 137.508 + 190) % 360} 85% 60%)`;
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
  const unit = Math.max(1, canvas.width / 640);
  const ink = colour(box.class_id);
  context.lineWidth = (lit ? 5 : 2.5) * unit;
  context.strokeStyle = ink;
  context.strokeRect(x, y, width, height);
  if (lit) {
    context.fillStyle = ink.replace(')', ' / 0.25)');
    context.fillRect(x, y, width, height);
  }
  const text = `${box.label} ${Math.round(box.confidence * 100)}%`;
  context.font = `600 ${13 * unit}px system-ui, sans-serif`;
  const textWidth = context.measureText(text).width + 10 * unit;
  const textHeight = 19 * unit;
  const left = Math.min(x, canvas.width - textWidth);
  const top = y >= textHeight ? y - textHeight : y;
  context.fillStyle = ink;
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

// Which pictures are alike, by the angle between their embeddings.

/** The cosine of the angle between two vectors: 1 for the same direction, 0 for a right angle. */
export function cosine(a, b) {
  let product = 0;
  let lengthA = 0;
  let lengthB = 0;
  for (let index = 0; index < a.length; index++) {
    product += a[index] * b[index];
    lengthA += a[index] * a[index];
    lengthB += b[index] * b[index];
  }
  return lengthA > 0 && lengthB > 0 ? product / Math.sqrt(lengthA * lengthB) : 0;
}

/**
 * The others that have an embedding of the same length, nearest first: [{ photo, cosine }].
 */
export function nearest(photo, others) {
  if (!photo?.embedding) {
    return [];
  }
  return others
    .filter((other) => other !== photo && other.embedding?.length === photo.embedding.length)
    .map((other) => ({ photo: other, cosine: cosine(photo.embedding, other.embedding) }))
    .sort((a, b) => b.cosine - a.cosine);
}

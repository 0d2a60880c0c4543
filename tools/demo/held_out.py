"""The held-out scenes and how answers about them are scored; needs no torch."""

import cv2
import numpy as np

from . import scenes
from .metrics import DetectionScore, nms
from .shapes import COLOURS, LABELS

SEED = 20250


def letterbox(image, side=640):
    """Fits an RGB picture in a grey square; returns it with scale and offsets."""
    height, width = image.shape[:2]
    scale = min(side / width, side / height)
    wide, tall = round(width * scale), round(height * scale)
    left, top = (side - wide) // 2, (side - tall) // 2
    out = np.full((side, side, 3), scenes.GREY, np.uint8)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    out[top:top + tall, left:left + wide] = cv2.resize(image, (wide, tall), interpolation=how)
    return out, scale, left, top


def decode(output, confidence, scale=1.0, left=0, top=0, threshold=0.7, most=300):
    """Rows cx cy w h and class scores [4 + classes, anchors] to final detections."""
    best = output[4:].max(0)
    chosen = np.argsort(-best)[:2000]
    chosen = chosen[best[chosen] >= confidence]
    labels = output[4:, chosen].argmax(0)
    centre, half = output[:2, chosen].T, output[2:4, chosen].T / 2
    boxes = (np.concatenate([centre - half, centre + half], 1) - (left, top, left, top)) / scale
    keep = nms(boxes, best[chosen], labels, threshold)[:most]
    return boxes[keep], best[chosen][keep], labels[keep]


# Held-out pictures are not all square: a quarter are wide, a quarter tall or small.
SHAPES = ((640, 640), (640, 480), (1280, 720), (480, 640))


def held_out(index, seed=SEED):
    """Held-out scene `index` with the shape whose turn it is."""
    return scenes.test_scene(seed, index, *SHAPES[index % len(SHAPES)])


def evaluate_detector(detect, count, seed=SEED, each=None):
    """Runs `detect` over held-out scenes; `each(index, scene, found, hits)` may look on."""
    score = DetectionScore(len(LABELS))
    for index in range(count):
        scene = held_out(index, seed)
        found = detect(scene.image)
        hits = score.add(*found, scene.boxes(), scene.labels())
        if each:
            each(index, scene, found, hits)
    return score


def held_out_portraits(count, seed=SEED, side=224):
    """Held-out pictures of one object, every identity equally often."""
    for index in range(count):
        rng = np.random.default_rng((seed, 888, index))
        identity = index % (len(LABELS) * len(COLOURS))
        label = identity // len(COLOURS)
        image, thing = scenes.portrait(rng, side, scenes.TEST, label, identity % len(COLOURS))
        yield image, thing.label, thing.label * len(COLOURS) + thing.colour


def table(score):
    """Per-class AP as text lines."""
    rows = [f"  {name:10s} {ap:.4f}  ({total} objects)"
            for name, ap, total in zip(LABELS, score.per_class(), score.totals)]
    return "\n".join(rows + [f"  mAP50      {score.map50():.4f}"])

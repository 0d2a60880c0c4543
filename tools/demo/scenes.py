"""Composes scenes: a background, objects with exact boxes, and a camera's faults."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from . import backgrounds
from .shapes import COLOURS, LABELS, PALETTE, outline

GREY = 114


@dataclass
class Thing:
    """One labelled object: class index, palette index (-1: any colour), x1 y1 x2 y2."""
    label: int
    colour: int
    box: tuple


@dataclass
class Scene:
    """An RGB uint8 picture and what is in it."""
    image: np.ndarray
    things: list = field(default_factory=list)

    def boxes(self):
        return np.array([t.box for t in self.things], np.float32).reshape(-1, 4)

    def labels(self):
        return np.array([t.label for t in self.things], np.int64)


@dataclass(frozen=True)
class Style:
    """Which families a scene draws from: TRAIN and TEST differ in all of them."""
    families: tuple
    fills: tuple
    palette_share: float
    cut: float


# ---- fills ---------------------------------------------------------------------

def _plain(rng, paint, height, width):
    return np.broadcast_to(paint, (height, width, 3))


def _shade(rng, paint, height, width):
    ramp = np.linspace(rng.uniform(0.7, 1), rng.uniform(0.8, 1.15), height, dtype=np.float32)
    other = np.linspace(rng.uniform(0.8, 1), rng.uniform(0.8, 1.15), width, dtype=np.float32)
    return paint * (ramp[:, None] * other[None, :])[..., None]


def _bands(rng, paint, height, width):
    ys, xs = backgrounds.grid(height, width, 1.0)
    angle, period = rng.uniform(0, np.pi), max(4.0, rng.uniform(0.1, 0.4) * max(height, width))
    wave = np.sin((xs * np.cos(angle) + ys * np.sin(angle)) * (2 * np.pi / period))
    return paint * (1 + rng.uniform(0.05, 0.25) * np.sign(wave))[..., None]


def _grain(rng, paint, height, width):
    cell = max(2.0, rng.uniform(0.05, 0.4) * max(height, width))
    return paint * (0.75 + 0.5 * backgrounds.value_noise(rng, height, width, cell, 2))[..., None]


def _dome(rng, paint, height, width):
    """Held out: lit like a ball."""
    ys, xs = backgrounds.grid(height, width, 1.0)
    cx, cy = rng.uniform(0.2, 0.8) * width, rng.uniform(0.2, 0.8) * height
    far = np.sqrt((xs - cx) ** 2 + (ys - cy) ** 2) / max(height, width)
    return paint * (1.15 - 0.55 * far)[..., None]


def _hatch(rng, paint, height, width):
    """Held out: crossed fine lines."""
    ys, xs = backgrounds.grid(height, width, 1.0)
    k = 2 * np.pi / max(4.0, rng.uniform(0.08, 0.2) * max(height, width))
    lines = np.maximum(np.sin((xs + ys) * k), np.sin((xs - ys) * k)) > 0.85
    return paint * (1 - rng.uniform(0.1, 0.3) * lines)[..., None]


def _speckle(rng, paint, height, width):
    """Held out: coarse salt-and-pepper glaze."""
    spots = rng.random((max(1, height // 3), max(1, width // 3)), dtype=np.float32) > 0.85
    spots = cv2.resize(spots.astype(np.float32), (width, height))
    return paint * (1 - rng.uniform(0.1, 0.35) * spots)[..., None]


TRAIN = Style(backgrounds.TRAIN, (_plain, _shade, _shade, _bands, _grain), 0.5, 0.45)
TEST = Style(backgrounds.TEST, (_plain, _dome, _hatch, _speckle), 0.7, 0.2)


# ---- objects -------------------------------------------------------------------

def _paint(rng, palette_share, behind):
    """A colour that stands out from what lies behind; returns (palette index, RGB)."""
    for _ in range(12):
        index = int(rng.integers(len(COLOURS))) if rng.random() < palette_share else -1
        if index >= 0:
            rgb = np.float32(PALETTE[COLOURS[index]]) + rng.normal(0, 7, 3)
        else:
            rgb = rng.uniform(0, 255, 3)
        if np.abs(rgb - behind).max() > 55:
            break
    return index, np.clip(rgb, 0, 255).astype(np.float32)


def _stencil(contours, height, width, offset):
    """Antialiased mask of an outline, in 0..1."""
    mask = np.zeros((height, width), np.uint8)
    points = [np.round((c + offset) * 16).astype(np.int32) for c in contours]
    cv2.fillPoly(mask, points, 255, cv2.LINE_AA, 4)
    return mask, points


def _blend(canvas, mask, paint):
    alpha = mask.astype(np.float32)[..., None] * (1 / 255)
    canvas += (paint - canvas) * alpha


def draw_thing(canvas, rng, style, label, centre, size):
    """Draws one object; returns its Thing with the whole box clipped to the canvas."""
    contours = [c * size for c in outline(LABELS[label], rng)]
    every = np.concatenate(contours) + centre
    low, high = every.min(0), every.max(0)
    height, width = canvas.shape[:2]
    margin = 2 + int(size * 0.12)
    x0, y0 = np.maximum(np.floor(low).astype(int) - margin, 0)
    x1, y1 = np.minimum(np.ceil(high).astype(int) + margin, (width, height))
    view = canvas[y0:y1, x0:x1]
    mask, points = _stencil(contours, y1 - y0, x1 - x0, np.float64(centre) - (x0, y0))
    index, rgb = _paint(rng, style.palette_share, view.mean((0, 1)))
    if rng.random() < 0.3:
        _shadow(view, mask, rng, size)
    fill = style.fills[rng.integers(len(style.fills))](rng, rgb, *mask.shape)
    _blend(view, mask, fill)
    if rng.random() < 0.35:
        _edge(view, points, rng, size)
    box = (max(low[0], 0), max(low[1], 0), min(high[0], width), min(high[1], height))
    return Thing(int(label), index, tuple(float(v) for v in box))


def _shadow(view, mask, rng, size):
    shift = np.float32([[1, 0, rng.uniform(-0.06, 0.06) * size], [0, 1, rng.uniform(0, 0.06) * size]])
    soft = cv2.GaussianBlur(cv2.warpAffine(mask, shift, mask.shape[::-1]), (0, 0), 0.5 + size * 0.02)
    _blend(view, soft * rng.uniform(0.2, 0.6), np.float32([10, 10, 12]))


def _edge(view, points, rng, size):
    thick = max(1, int(round(size * rng.uniform(0.015, 0.05))))
    lines = np.zeros(view.shape[:2], np.uint8)
    cv2.polylines(lines, points, True, 255, thick, cv2.LINE_AA, 4)
    paint = np.full(3, 20.0) if rng.random() < 0.5 else rng.uniform(0, 255, 3)
    _blend(view, lines, paint.astype(np.float32))


def _place(rng, width, height, size, cut, taken, crowd):
    """A centre whose box stays mostly visible and mostly uncovered, or None."""
    slack = size * (0.5 - cut * rng.random())
    for _ in range(15):
        if width < 2 * slack or height < 2 * slack:
            return None
        x, y = rng.uniform(slack, width - slack), rng.uniform(slack, height - slack)
        if all(_covered(x, y, size, other) < crowd for other in taken):
            return x, y
    return None


def _covered(x, y, size, other):
    """Share of the smaller of two squares that they have in common."""
    ox, oy, osize = other
    half = (size + osize) / 2
    wide = min(half - abs(x - ox), size, osize)
    tall = min(half - abs(y - oy), size, osize)
    if wide <= 0 or tall <= 0:
        return 0.0
    return wide * tall / min(size, osize) ** 2


def draw_scene(rng, width, height, style, count, sizes=(24, 260), unit=1.0):
    """A scene of up to `count` objects, before the camera; sizes in 640-scene pixels."""
    family = style.families[rng.integers(len(style.families))]
    canvas = np.ascontiguousarray(np.clip(family(rng, height, width, unit), 0, 255), dtype=np.float32)
    things, taken = [], []
    wanted = np.exp(rng.uniform(np.log(sizes[0]), np.log(sizes[1]), count)) * unit
    for size in np.sort(wanted)[::-1]:
        crowd = 0.35 if rng.random() < 0.3 else 0.06
        spot = _place(rng, width, height, size, style.cut, taken, crowd)
        if spot is None:
            continue
        things.append(draw_thing(canvas, rng, style, int(rng.integers(len(LABELS))), spot, size))
        taken.append((*spot, size))
    return canvas, things


# ---- camera --------------------------------------------------------------------

def camera(canvas, rng, strength=1.0):
    """Light fall-off, blur, low resolution, noise and JPEG; returns uint8 RGB."""
    height, width = canvas.shape[:2]
    image = canvas
    if rng.random() < 0.4:
        light = backgrounds.value_noise(rng, height, width, max(height, width), 1)
        image = image * (1 + (light - 0.5) * rng.uniform(0.2, 0.8))[..., None]
    if rng.random() < 0.3 * strength:
        shrink = rng.uniform(0.4, 0.9)
        small = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        image = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    elif rng.random() < 0.3 * strength:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.4))
    if rng.random() < 0.6 * strength:
        grain = rng.standard_normal((height, width, 3), dtype=np.float32)
        image = image + grain * rng.uniform(1, 13)
    image = np.clip(image, 0, 255).astype(np.uint8)
    if rng.random() < 0.5 * strength:
        image = jpeg(image, int(rng.integers(35, 95)))
    return image


def jpeg(image, quality):
    """A round trip through JPEG."""
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


def train_crop(rng, side):
    """One training picture: a piece of a 640 scene, sometimes with grey letterbox bars.

    Half hold many small objects, the hardest ones to learn and to tell apart."""
    width = height = side
    bar = int(rng.uniform(0.1, 0.45) * side) if rng.random() < 0.3 else 0
    if bar:
        width, height = (side - bar, side) if rng.random() < 0.5 else (side, side - bar)
    many, sizes = (13, (22, 72)) if rng.random() < 0.5 else (7, (24, 260))
    canvas, things = draw_scene(rng, width, height, TRAIN, int(rng.integers(1, many)), sizes)
    scene = Scene(camera(canvas, rng), things)
    return _bars(scene, rng, side) if bar else scene


def _bars(scene, rng, side):
    height, width = scene.image.shape[:2]
    left, top = (int(rng.uniform(0, side - n + 1)) for n in (width, height))
    image = np.full((side, side, 3), GREY, np.uint8)
    image[top:top + height, left:left + width] = scene.image
    things = [Thing(t.label, t.colour, (t.box[0] + left, t.box[1] + top, t.box[2] + left, t.box[3] + top))
              for t in scene.things]
    return Scene(image, things)


def test_scene(seed, index, width=640, height=640, sizes=(24, 260)):
    """Held-out scene number `index`: its own backgrounds, textures and random stream."""
    rng = np.random.default_rng((seed, 777, index))
    unit = max(width, height) / 640
    count = int(rng.integers(2, 11))
    canvas, things = draw_scene(rng, width, height, TEST, count, sizes, unit)
    return Scene(camera(canvas, rng, 0.8), things)


def portrait(rng, side, style, label=None, colour=None):
    """One object filling much of a square picture, for the classifier and embedder."""
    family = style.families[rng.integers(len(style.families))]
    unit = side / 224
    canvas = np.ascontiguousarray(np.clip(family(rng, side, side, unit), 0, 255), dtype=np.float32)
    size = rng.uniform(0.4, 0.98) * side
    slack = max(size * 0.45, 0.0)
    spot = rng.uniform(min(slack, side / 2), max(side - slack, side / 2), 2)
    label = int(rng.integers(len(LABELS))) if label is None else label
    only = Style(style.families, style.fills, 1.0, 0.0)
    if rng.random() < 0.35:
        extra = rng.uniform(0.15, 0.3) * side
        corner = rng.integers(0, 2, 2) * side
        draw_thing(canvas, rng, style, int(rng.integers(len(LABELS))), corner * 0.9 + 0.05 * side, extra)
    thing = draw_thing(canvas, rng, only, label, spot, size)
    return camera(canvas, rng, 0.8), thing

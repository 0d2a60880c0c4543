"""Background families. TRAIN and TEST share none, so held-out figures mean something.

Every family is a function (rng, height, width, unit) -> float32 RGB image in
0..255, `unit` being the number of pixels that one pixel of a 640 scene covers.
"""

import cv2
import numpy as np


def colour(rng, low=20, high=235):
    """A random, moderately saturated RGB colour."""
    base = rng.uniform(low, high)
    return np.clip(base + rng.normal(0, 38, 3), 0, 255).astype(np.float32)


def grid(height, width, unit):
    """Pixel coordinates measured in 640-scene pixels."""
    ys = np.arange(height, dtype=np.float32)[:, None] / unit
    xs = np.arange(width, dtype=np.float32)[None, :] / unit
    return ys, xs


def value_noise(rng, height, width, cell, octaves=3):
    """Smooth noise in about 0..1: random grids, enlarged and summed."""
    total = np.zeros((height, width), np.float32)
    weight, norm = 1.0, 0.0
    for _ in range(octaves):
        rows, cols = max(2, round(height / cell) + 1), max(2, round(width / cell) + 1)
        coarse = rng.random((rows, cols), dtype=np.float32)
        total += weight * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        norm += weight
        weight, cell = weight * 0.5, max(2.0, cell / 2)
    return total / norm


def mix(first, second, amount):
    """Blend two colours by a (height, width) map."""
    return first + (second - first) * np.clip(amount, 0, 1)[..., None]


def _direction(rng, height, width, unit):
    ys, xs = grid(height, width, unit)
    angle = rng.uniform(0, 2 * np.pi)
    return xs * np.float32(np.cos(angle)) + ys * np.float32(np.sin(angle))


# ---- training families -------------------------------------------------------

def gradient(rng, height, width, unit):
    ramp = _direction(rng, height, width, unit)
    span = ramp.max() - ramp.min()
    return mix(colour(rng), colour(rng), (ramp - ramp.min()) / max(span, 1e-3))


def noise(rng, height, width, unit):
    cell = rng.uniform(6, 160) * unit
    amount = (value_noise(rng, height, width, cell, 4) - 0.5) * rng.uniform(1, 2.5) + 0.5
    image = mix(colour(rng), colour(rng), amount)
    if rng.random() < 0.5:
        other = value_noise(rng, height, width, rng.uniform(4, 60) * unit, 2)
        image = mix(image, colour(rng), (other - 0.5) * 2)
    return image


def stripes(rng, height, width, unit):
    phase = _direction(rng, height, width, unit) * np.float32(2 * np.pi / rng.uniform(8, 90))
    wave = np.sin(phase) * rng.uniform(0.6, 6)
    first = colour(rng)
    return mix(first, first + rng.normal(0, 45, 3).astype(np.float32), wave * 0.5 + 0.5)


def checks(rng, height, width, unit):
    period = rng.uniform(12, 90)
    a = np.sin(_direction(rng, height, width, unit) * np.float32(2 * np.pi / period))
    b = np.sin(_direction(rng, height, width, unit) * np.float32(2 * np.pi / period))
    first = colour(rng)
    return mix(first, first + rng.normal(0, 35, 3).astype(np.float32), a * b * 3 + 0.5)


def blobs(rng, height, width, unit):
    field = value_noise(rng, height, width, rng.uniform(25, 140) * unit, 2)
    image = np.empty((height, width, 3), np.float32)
    image[:] = colour(rng)
    for level in np.sort(rng.uniform(0.3, 0.75, rng.integers(1, 4))):
        edge = np.clip((field - level) * rng.uniform(15, 120), 0, 1)
        image = mix(image, colour(rng), edge)
    return image


def clutter(rng, height, width, unit):
    """Lines, letters and irregular patches: things that are not objects."""
    image = np.ascontiguousarray(noise(rng, height, width, unit))
    for _ in range(rng.integers(4, 26)):
        kind, paint = rng.integers(4), tuple(float(v) for v in colour(rng))
        centre = rng.uniform((0, 0), (width, height))
        thick = max(1, int(rng.uniform(1, 7) * unit))
        if kind == 0:
            end = centre + rng.normal(0, 150 * unit, 2)
            cv2.line(image, _point(centre), _point(end), paint, thick, cv2.LINE_AA)
        elif kind == 1:
            text = "".join(rng.choice(list("abcdeghkmnrstuwz247&?"), rng.integers(2, 7)))
            cv2.putText(image, text, _point(centre), int(rng.integers(8)),
                        float(rng.uniform(0.4, 2.2) * unit), paint, max(1, thick // 2), cv2.LINE_AA)
        elif kind == 2:
            steps = rng.normal(0, 26 * unit, (rng.integers(5, 14), 2))
            path = np.cumsum(steps, 0) + centre
            cv2.polylines(image, [path.astype(np.int32)], False, paint, thick, cv2.LINE_AA)
        else:
            axes = (rng.uniform(0.15, 0.4), 1.0) * np.full(2, rng.uniform(15, 120) * unit)
            cv2.ellipse(image, _point(centre), _point(axes), float(rng.uniform(0, 180)),
                        0, float(rng.uniform(90, 180)), paint, thick, cv2.LINE_AA)
    return image


def patches(rng, height, width, unit):
    """Large overlapping half-planes: edges and corners like those of furniture."""
    image = gradient(rng, height, width, unit)
    for _ in range(rng.integers(2, 7)):
        side = _direction(rng, height, width, unit)
        edge = np.clip((side - rng.uniform(side.min(), side.max())) * rng.uniform(0.2, 2), 0, 1)
        image = mix(image, colour(rng), edge * rng.uniform(0.3, 1))
    return image


TRAIN = (gradient, noise, stripes, checks, blobs, clutter, clutter, patches)


def _point(xy):
    return int(xy[0]), int(xy[1])


# ---- held-out families -------------------------------------------------------

def landscape(rng, height, width, unit):
    """Sky, clouds, hills and a ground with perspective grain."""
    ys, xs = grid(height, width, 1.0)
    sky = mix(np.float32([90, 140, 205]) + rng.normal(0, 20, 3).astype(np.float32),
              np.float32([225, 225, 220]), np.repeat(ys / height * 1.6, width, 1))
    clouds = value_noise(rng, height, width, 110 * unit, 5)
    image = mix(sky, np.float32([245, 245, 245]), (clouds - 0.55) * 4)
    for depth in range(rng.integers(2, 5)):
        ridge = value_noise(rng, 2, width, rng.uniform(60, 240) * unit, 4)[:1]
        level = height * (0.35 + 0.15 * depth) + (ridge - 0.5) * height * 0.35
        ground = np.float32([70, 100, 55]) * rng.uniform(0.5, 1.4) + rng.normal(0, 14, 3)
        grain = value_noise(rng, height, width, 7 * unit, 2)[..., None] * 50 - 25
        image = np.where((ys > level)[..., None], ground.astype(np.float32) + grain, image)
    return image.astype(np.float32)


def wood(rng, height, width, unit):
    ys, xs = grid(height, width, unit)
    warp = value_noise(rng, height, width, 170 * unit, 3) * rng.uniform(60, 200)
    if rng.random() < 0.5:
        ys, xs = np.broadcast_arrays(xs, ys)
    rings = np.sin((ys + warp) * np.float32(2 * np.pi / rng.uniform(9, 30)))
    fine = value_noise(rng, height, width, 3 * unit, 1)
    plank = np.floor(ys / rng.uniform(70, 140)) * 2.4
    tone = rings * 0.25 + fine * 0.35 + np.sin(plank) * 0.2 + 0.3
    return mix(np.float32([92, 56, 30]), np.float32([206, 160, 108]) + rng.normal(0, 12, 3).astype(np.float32), tone)


def bricks(rng, height, width, unit):
    ys, xs = grid(height, width, unit)
    tall = rng.uniform(18, 42)
    long = tall * rng.uniform(2, 3)
    row = np.floor(ys / tall)
    shifted = xs + (row % 2) * long / 2
    column = np.floor(shifted / long)
    joint = np.minimum(np.minimum(ys % tall, tall - ys % tall) + 0 * xs,
                       np.minimum(shifted % long, long - shifted % long))
    tint = np.sin(row * 12.9898 + column * 78.233) * 43758.5
    tint = (tint - np.floor(tint)) * 0.6 + value_noise(rng, height, width, 5 * unit, 2) * 0.5
    wall = mix(colour(rng, 60, 120), colour(rng, 120, 190), tint)
    return mix(colour(rng, 140, 220), wall, (joint - 1.5) / 1.5)


def marble(rng, height, width, unit):
    ys, xs = grid(height, width, unit)
    warp = value_noise(rng, height, width, rng.uniform(90, 220) * unit, 5)
    slope = rng.uniform(-1, 1)
    veins = 1 - np.abs(np.sin((xs + slope * ys) * 0.012 + warp * rng.uniform(9, 22)))
    return mix(colour(rng, 120, 235), colour(rng, 30, 140), veins ** 3)


def weave(rng, height, width, unit):
    ys, xs = grid(height, width, unit)
    k = np.float32(2 * np.pi / rng.uniform(5, 13))
    over = np.where(np.sin(xs * k / 2) * np.sin(ys * k / 2) > 0, np.sin(xs * k) ** 2, np.sin(ys * k) ** 2)
    folds = value_noise(rng, height, width, 190 * unit, 2)
    cloth = colour(rng)
    return np.clip(cloth * (0.62 + 0.22 * over + 0.5 * (folds - 0.3))[..., None], 0, 255).astype(np.float32)


def stones(rng, height, width, unit):
    """Voronoi paving: nearest of some random sites, with mortar where two are near."""
    small_h, small_w = max(8, round(height / unit / 2)), max(8, round(width / unit / 2))
    seeds = np.full((small_h, small_w), 255, np.uint8)
    count = int(rng.integers(40, 160))
    seeds[rng.integers(0, small_h, count), rng.integers(0, small_w, count)] = 0
    distance, index = cv2.distanceTransformWithLabels(
        seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    tones = rng.uniform(0.2, 0.9, index.max() + 1).astype(np.float32)[index]
    tones = cv2.resize(cv2.GaussianBlur(tones, (0, 0), 1.0), (width, height), interpolation=cv2.INTER_CUBIC)
    grain = value_noise(rng, height, width, 4 * unit, 2) - 0.5
    base = colour(rng, 70, 170)
    return mix(base, base + rng.uniform(25, 60), tones + grain * 0.7)


TEST = (landscape, wood, bricks, marble, weave, stones)

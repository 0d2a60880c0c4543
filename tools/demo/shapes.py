"""The ten object classes: their outlines, and the palette their identities use.

An outline is a list of closed contours in an arbitrary unit frame; the even-odd
rule applies, so a second contour cuts a hole.
"""

import math

import numpy as np

LABELS = ("circle", "square", "triangle", "star", "cross",
          "ring", "heart", "hexagon", "arrow", "crescent")

# The named colours; an "identity" for retrieval is (class, named colour).
PALETTE = {
    "red": (208, 32, 38), "orange": (240, 134, 24), "yellow": (244, 220, 48),
    "green": (44, 150, 62), "blue": (36, 84, 200), "purple": (128, 48, 160),
    "white": (238, 238, 236), "black": (26, 26, 30),
}
COLOURS = tuple(PALETTE)


def _arc(radius, start=0.0, stop=2 * math.pi, steps=48, centre=(0.0, 0.0)):
    t = np.linspace(start, stop, steps, endpoint=abs(stop - start) < 2 * math.pi - 1e-6)
    return np.stack([centre[0] + radius * np.cos(t), centre[1] + radius * np.sin(t)], 1)


def _regular(corners):
    return _arc(1.0, -math.pi / 2, 1.5 * math.pi, corners)


def _star(rng):
    inner = rng.uniform(0.38, 0.48)
    points = _regular(10)
    points[1::2] *= inner
    return [points]


def _cross(rng):
    a = rng.uniform(0.28, 0.38)
    quarter = [(a, -1), (a, -a), (1, -a), (1, a), (a, a), (a, 1),
               (-a, 1), (-a, a), (-1, a), (-1, -a), (-a, -a), (-a, -1)]
    return [np.array(quarter, np.float64)]


def _ring(rng):
    return [_arc(1.0), _arc(rng.uniform(0.48, 0.66))]


def _heart(rng):
    t = np.linspace(0, 2 * math.pi, 56, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))
    return [np.stack([x, y], 1) / 16]


def _arrow(rng):
    shaft, neck = rng.uniform(0.2, 0.3), rng.uniform(-0.1, 0.15)
    return [np.array([(1, 0), (neck, -0.72), (neck, -shaft), (-1, -shaft),
                      (-1, shaft), (neck, shaft), (neck, 0.72)], np.float64)]


def _crescent(rng):
    shift = rng.uniform(0.42, 0.6)
    radius = rng.uniform(0.80, 0.90)
    cut_x = (1 + shift * shift - radius * radius) / (2 * shift)
    tip = math.acos(cut_x)
    inner_tip = math.atan2(math.sin(tip), cut_x - shift)
    outer = _arc(1.0, tip, 2 * math.pi - tip, 40)
    inner = _arc(radius, 2 * math.pi - inner_tip, inner_tip, 32, (shift, 0.0))
    return [np.concatenate([outer, inner])]


_OUTLINES = {
    "circle": lambda rng: [_arc(1.0)],
    "square": lambda rng: [np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], np.float64)],
    "triangle": lambda rng: [_regular(3)],
    "star": _star, "cross": _cross, "ring": _ring, "heart": _heart,
    "hexagon": lambda rng: [_regular(6)],
    "arrow": _arrow, "crescent": _crescent,
}


def outline(label, rng):
    """Contours of one random instance, rotated, slightly stretched, longest side 1."""
    contours = _OUTLINES[label](rng)
    stretch = np.array([1.0, rng.uniform(0.85, 1.0)])
    turn = rng.uniform(0, 2 * math.pi)
    cos, sin = math.cos(turn), math.sin(turn)
    rotation = np.array([[cos, sin], [-sin, cos]])
    contours = [(c * stretch) @ rotation for c in contours]
    every = np.concatenate(contours)
    low, high = every.min(0), every.max(0)
    longest = (high - low).max()
    return [(c - (low + high) / 2) / longest for c in contours]

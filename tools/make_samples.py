#!/usr/bin/env python3
"""Draws the sample pictures in samples/ and their ground truth.

They come from the held-out scene generator, so no model was trained on their
backgrounds, and cover what cameras and editors really send: EXIF rotation, grey,
CMYK, progressive JPEG, alpha, WebP, tiny and large sizes.
"""

import argparse
import json
import pathlib

import cv2
import numpy as np
from PIL import Image

from demo import scenes
from demo.shapes import LABELS

ROOT = pathlib.Path(__file__).resolve().parent.parent
EXIF_ORIENTATION = 0x0112


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "samples")
    parser.add_argument("--seed", type=int, default=31)
    return parser.parse_args()


def draw(seed, index, width, height):
    """A held-out scene of at least three objects (one, when small)."""
    small = max(width, height) < 200
    wanted, sizes = (1, (110, 260)) if small else (3, (36, 260))
    while True:
        scene = scenes.test_scene(seed, index, width, height, sizes)
        if len(scene.things) >= wanted:
            return scene
        index += 1000


def save_turned(image, path, orientation):
    """Stores the pixels turned, with the EXIF tag that turns them back."""
    back = {6: Image.Transpose.ROTATE_90, 3: Image.Transpose.ROTATE_180}[orientation]
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    image.transpose(back).save(path, quality=85, exif=exif)


def save_alpha(image, path):
    """Opaque in the middle, fading towards the border."""
    side = np.linspace(-1, 1, 256, dtype=np.float32) ** 8
    fade = 255 * (1 - 0.6 * np.maximum(side[:, None], side[None, :]))
    alpha = cv2.resize(fade, image.size).astype(np.uint8)
    small = image.quantize(200, dither=Image.Dither.NONE).convert("RGB")
    small.putalpha(Image.fromarray(alpha))
    small.save(path, optimize=True)


# file, width, height, how to save
SAMPLES = (
    ("scene.jpg", 640, 480, lambda image, path: image.save(path, quality=88)),
    ("street_hd.jpg", 1280, 720, lambda image, path: image.save(path, quality=85)),
    ("large.jpg", 4032, 3024, lambda image, path: image.save(path, quality=40)),
    ("tiny.jpg", 64, 48, lambda image, path: image.save(path, quality=90)),
    ("portrait.jpg", 480, 640, lambda image, path: image.save(path, quality=85)),
    ("rotated_90.jpg", 480, 640, lambda image, path: save_turned(image, path, 6)),
    ("rotated_180.jpg", 640, 480, lambda image, path: save_turned(image, path, 3)),
    ("progressive.jpg", 800, 600, lambda image, path: image.save(path, quality=80, progressive=True)),
    ("grey.jpg", 640, 480, lambda image, path: image.convert("L").save(path, quality=85)),
    ("cmyk.jpg", 640, 480, lambda image, path: image.convert("CMYK").save(path, quality=85)),
    ("alpha.png", 320, 240, save_alpha),
    ("scene.webp", 640, 480, lambda image, path: image.save(path, quality=80)),
    ("scene.bmp", 160, 120, lambda image, path: image.save(path)),
    ("panorama.jpg", 1600, 400, lambda image, path: image.save(path, quality=80)),
)


def truth(file, scene):
    """One ground-truth record; boxes in pixels of the picture as it is to be seen."""
    height, width = scene.image.shape[:2]
    objects = [dict(label=LABELS[t.label], **{k: round(v, 1) for k, v in zip(("x1", "y1", "x2", "y2"), t.box)})
               for t in scene.things]
    return {"file": file, "width": width, "height": height, "objects": objects}


def main():
    options = arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    records = []
    for index, (file, width, height, save) in enumerate(SAMPLES):
        scene = draw(options.seed, index, width, height)
        save(Image.fromarray(scene.image), options.out / file)
        records.append(truth(file, scene))
        print(f"{file}  {width}x{height}  {len(scene.things)} objects  "
              f"{(options.out / file).stat().st_size} bytes")
    lines = ",\n".join("  " + json.dumps(r) for r in records)
    (options.out / "ground_truth.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()

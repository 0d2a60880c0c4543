#!/usr/bin/env python3
"""Writes the reference pictures that the tests of the room `image` are held against.

Needs OpenCV's Python binding and Pillow (on Debian: python3-opencv, python3-pil). The encoded
pictures are drawn here; what each must become is computed with cv2 alone: imdecode, resize,
copyMakeBorder. Results are stored losslessly, before normalising, so that a test can ask for
no difference at all. Run it from the top of the tree:

    python3 tools/make_image_golden.py
"""
import io
import pathlib

import cv2
import numpy as np
from PIL import Image

TARGET = pathlib.Path("image/src/test/resources/golden")
ORIENTATION = 0x112


def scene(width, height):
    """Slopes, edges, a little noise: something for every part of a codec to get wrong."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    picture = np.stack(
        [
            255 * x / max(1, width - 1),
            255 * y / max(1, height - 1),
            127 + 120 * np.sin(x / 7.0) * np.cos(y / 5.0),
        ],
        axis=-1,
    )
    picture[(x - width * 0.6) ** 2 + (y - height * 0.4) ** 2 < (min(width, height) * 0.25) ** 2] = (230, 40, 60)
    picture[height // 2 :, : width // 4] = (20, 200, 90)
    noise = np.random.default_rng(7).normal(0, 2, picture.shape)
    return Image.fromarray(np.clip(picture + noise, 0, 255).astype(np.uint8))


def encoded(picture, kind, **options):
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def exif(value):
    block = Image.Exif()
    block[ORIENTATION] = value
    return block.tobytes()


def sources():
    """Pairs of a file name and its bytes."""
    rgb = scene(120, 80)
    alpha = rgb.copy()
    alpha.putalpha(rgb.convert("L"))
    yield "baseline_420.jpg", encoded(scene(160, 121), "JPEG", quality=88)
    yield "baseline_444.jpg", encoded(rgb, "JPEG", quality=92, subsampling=0)
    yield "baseline_422.jpg", encoded(rgb, "JPEG", quality=80, subsampling=1)
    yield "progressive.jpg", encoded(rgb, "JPEG", quality=85, progressive=True)
    yield "grey.jpg", encoded(rgb.convert("L"), "JPEG", quality=85)
    yield "cmyk.jpg", encoded(rgb.convert("CMYK"), "JPEG", quality=85)
    yield "odd.jpg", encoded(scene(97, 61), "JPEG", quality=85)
    for value in range(1, 9):
        yield f"exif_{value}.jpg", encoded(scene(60, 40), "JPEG", quality=85, exif=exif(value))
    yield "rgb.png", encoded(rgb, "PNG")
    yield "rgba.png", encoded(alpha, "PNG")
    yield "palette.png", encoded(rgb.quantize(32), "PNG")
    yield "grey.png", encoded(rgb.convert("L"), "PNG")
    yield "grey_alpha.png", encoded(alpha.convert("LA"), "PNG")
    yield "grey_16.png", encoded(Image.fromarray(np.asarray(rgb.convert("L")).astype(np.uint16) * 257), "PNG")
    yield "exif_6.png", encoded(scene(60, 40), "PNG", exif=exif(6))
    yield "tall.png", encoded(scene(1, 300), "PNG")
    yield "wide.png", encoded(scene(300, 1), "PNG")
    yield "point.png", encoded(scene(1, 1), "PNG")
    yield "lossy.webp", encoded(rgb, "WEBP", quality=80)
    yield "lossless.webp", encoded(rgb, "WEBP", lossless=True)
    yield "alpha.webp", encoded(alpha, "WEBP", quality=80)
    yield "exif_8.webp", encoded(scene(60, 40), "WEBP", quality=80, exif=exif(8))
    yield "rgb.bmp", encoded(scene(61, 40), "BMP")
    yield "palette.bmp", encoded(rgb.quantize(16), "BMP")
    yield "lzw.tif", encoded(scene(61, 40), "TIFF", compression="tiff_lzw")
    yield "plain.tif", encoded(scene(61, 40).convert("L"), "TIFF")
    for value in range(2, 9):
        yield f"exif_{value}.tif", encoded(scene(31, 20), "TIFF", tiffinfo={ORIENTATION: value})
    yield "first_of_two.gif", encoded(
        rgb.quantize(64), "GIF", save_all=True, append_images=[rgb.rotate(90).resize(rgb.size).quantize(64)]
    )


def upright(pixels, value):
    turned = {
        1: lambda p: p,
        2: lambda p: cv2.flip(p, 1),
        3: lambda p: cv2.flip(p, -1),
        4: lambda p: cv2.flip(p, 0),
        5: cv2.transpose,
        6: lambda p: cv2.rotate(p, cv2.ROTATE_90_CLOCKWISE),
        7: lambda p: cv2.flip(cv2.transpose(p), -1),
        8: lambda p: cv2.rotate(p, cv2.ROTATE_90_COUNTERCLOCKWISE),
    }
    return turned[value](pixels)


def decoded(name, data):
    """Upright BGR pixels. cv2 turns JPEG alone; what it does there is checked against ours."""
    picture = Image.open(io.BytesIO(data))
    value = picture.getexif().get(ORIENTATION, 1)
    buffer = np.frombuffer(data, np.uint8)
    if name.endswith(".gif"):  # cv2 4.6 reads none
        return cv2.cvtColor(np.asarray(picture.convert("RGB")), cv2.COLOR_RGB2BGR)
    if name.endswith(".tif"):  # cv2 turns TIFF whether asked or not, Pillow turns it upright
        pixels = cv2.cvtColor(np.asarray(picture.convert("RGB")), cv2.COLOR_RGB2BGR)
        if value == 1:
            assert (pixels == cv2.imdecode(buffer, cv2.IMREAD_COLOR)).all(), name
        return pixels
    pixels = upright(cv2.imdecode(buffer, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION), value)
    if name.endswith(".jpg"):
        assert (pixels == cv2.imdecode(buffer, cv2.IMREAD_COLOR)).all(), name
    return pixels


def letterbox(pixels, size, scale_up):
    height, width = pixels.shape[:2]
    scale = min(size / height, size / width)
    if not scale_up:
        scale = min(scale, 1.0)
    new = (max(1, round(width * scale)), max(1, round(height * scale)))
    dw, dh = (size - new[0]) / 2, (size - new[1]) / 2
    if (width, height) != new:
        pixels = cv2.resize(pixels, new, interpolation=cv2.INTER_LINEAR)
    top, bottom, left, right = round(dh - 0.1), round(dh + 0.1), round(dw - 0.1), round(dw + 0.1)
    return cv2.copyMakeBorder(pixels, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(114, 114, 114))


def center_crop(pixels, size, shorter_side):
    height, width = pixels.shape[:2]
    if width <= height:
        new = (shorter_side, int(shorter_side * height / width))
    else:
        new = (int(shorter_side * width / height), shorter_side)
    if (width, height) != new:
        pixels = cv2.resize(pixels, new, interpolation=cv2.INTER_LINEAR)
    left, top = round((new[0] - size) / 2.0), round((new[1] - size) / 2.0)
    return pixels[top : top + size, left : left + size]


def main():
    TARGET.mkdir(parents=True, exist_ok=True)
    for old in TARGET.iterdir():
        old.unlink()
    lines = []

    def keep(name, step, parameters, pixels):
        expected = f"{name}.{step}{''.join('_' + str(p) for p in parameters)}.png"
        cv2.imwrite(str(TARGET / expected), pixels, [cv2.IMWRITE_PNG_COMPRESSION, 9])
        lines.append("\t".join([name, step, ",".join(map(str, parameters)), expected]))

    for name, data in sources():
        (TARGET / name).write_bytes(data)
        pixels = decoded(name, data)
        keep(name, "decode", [], pixels)
        if name in ("baseline_420.jpg", "odd.jpg", "exif_6.jpg", "rgb.png", "tall.png", "wide.png", "point.png"):
            keep(name, "letterbox", [128, 1], letterbox(pixels, 128, True))
            keep(name, "letterbox", [64, 1], letterbox(pixels, 64, True))
        if name in ("odd.jpg", "exif_5.jpg"):
            keep(name, "letterbox", [115, 0], letterbox(pixels, 115, False))
        if name in ("baseline_420.jpg", "odd.jpg", "exif_8.jpg", "rgb.png"):
            keep(name, "center_crop", [56, 56], center_crop(pixels, 56, 56))
            keep(name, "center_crop", [56, 64], center_crop(pixels, 56, 64))
        if name in ("odd.jpg", "rgb.png"):
            keep(name, "stretch", [72, 50], cv2.resize(pixels, (72, 50), interpolation=cv2.INTER_LINEAR))
    (TARGET / "golden.tsv").write_text("\n".join(lines) + "\n")
    print(f"{len(lines)} references with OpenCV {cv2.__version__}")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Writes the models through which one embedder takes pictures in every form.

`bench protocols` compares an encoded picture, its pixels, and the network's input in
half and single precision, of one and the same model. The two graphs written here turn
pixels and halves into that input; ensembles put them before the embedder. The ONNX
bytes are written by hand, so nothing but Python is needed.
"""

import argparse
import pathlib
import struct

ROOT = pathlib.Path(__file__).resolve().parent.parent
FLOAT, UINT8, FLOAT16 = 1, 2, 10
DIMS = [3, 224, 224]
OPSET, IR_VERSION = 17, 8


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def number(field, value):
    return varint(field << 3) + varint(value)


def block(field, content):
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def value_info(name, element):
    shape = block(1, block(2, "batch")) + b"".join(block(1, number(1, dim)) for dim in DIMS)
    return block(1, name) + block(2, block(1, number(1, element) + block(2, shape)))


def node(kind, inputs, output, attributes=b""):
    return b"".join(block(1, name) for name in inputs) + block(2, output) + block(4, kind) + attributes


def graph(name, element):
    cast_to_float = block(5, block(1, "to") + number(3, FLOAT) + number(20, 2))
    if element == UINT8:
        nodes = [node("Cast", ["pixels"], "whole", cast_to_float), node("Div", ["whole", "white"], "images")]
        white = block(5, number(2, FLOAT) + block(8, "white") + block(9, struct.pack("<f", 255)))
    else:
        nodes, white = [node("Cast", ["pixels"], "images", cast_to_float)], b""
    return (b"".join(block(1, each) for each in nodes) + block(2, name) + white
            + block(11, value_info("pixels", element)) + block(12, value_info("images", FLOAT)))


def model(name, element):
    return (number(1, IR_VERSION) + block(2, "nereid-tools") + block(7, graph(name, element))
            + block(8, block(1, "") + number(2, OPSET)))


def tensor(kind, name, data_type, dims):
    return f'{kind} [\n  {{\n    name: "{name}"\n    data_type: {data_type}\n    dims: [{", ".join(map(str, dims))}]\n  }}\n]\n'


def write_cast(folder, name, element, data_type):
    path = folder / name
    (path / "1").mkdir(parents=True, exist_ok=True)
    (path / "1" / "model.onnx").write_bytes(model(name, element))
    (path / "config.pbtxt").write_text(
        f'name: "{name}"\nplatform: "onnxruntime_onnx"\nmax_batch_size: 32\n'
        + tensor("input", "pixels", data_type, DIMS) + tensor("output", "images", "TYPE_FP32", DIMS)
        + "dynamic_batching { }\n")


def step(model_name, source, target, outer_source, outer_target):
    return (f'    {{\n      model_name: "{model_name}"\n      model_version: -1\n'
            f'      input_map {{ key: "{source}" value: "{outer_source}" }}\n'
            f'      output_map {{ key: "{target}" value: "{outer_target}" }}\n    }}')


def write_ensemble(folder, name, source, first, embedder, width):
    path = folder / name
    (path / "1").mkdir(parents=True, exist_ok=True)
    (path / "1" / ".gitkeep").write_text("")
    steps = [step(first, source[0], "images", source[0], "images"),
             step(embedder, "images", "embedding", "images", "embedding")]
    (path / "config.pbtxt").write_text(
        f'name: "{name}"\nplatform: "ensemble"\nmax_batch_size: 32\n'
        + tensor("input", *source) + tensor("output", "embedding", "TYPE_FP32", [width])
        + "ensemble_scheduling {\n  step [\n" + ",\n".join(steps) + "\n  ]\n}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "benchmarks" / "protocols")
    out = parser.parse_args().out
    write_cast(out / "demo", "cast_uint8", UINT8, "TYPE_UINT8")
    write_cast(out / "demo", "cast_fp16", FLOAT16, "TYPE_FP16")
    for folder, prefix, embedder, width in (("demo", "embed", "shapes_embedder", 128), ("vit", "vit", "vit_b_32", 512)):
        write_ensemble(out / folder, f"{prefix}_uint8", ("pixels", "TYPE_UINT8", DIMS), "cast_uint8", embedder, width)
        write_ensemble(out / folder, f"{prefix}_fp16", ("pixels", "TYPE_FP16", DIMS), "cast_fp16", embedder, width)
    write_ensemble(out / "vit", "vit", ("image", "TYPE_STRING", [1]), "embed_preprocess", "vit_b_32", 512)


if __name__ == "__main__":
    main()

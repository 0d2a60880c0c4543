#!/usr/bin/env python3
"""Exports well-known network shapes with random weights, for benchmarks and tests.

    python3 tools/export_models.py --out DIR                      every model
    python3 tools/export_models.py --out benchmarks/models --only mlp slice echo
    python3 tools/export_models.py --fixtures samples/models      two tiny detectors

Each model gets a version directory and a config.pbtxt (one instance of one CPU
thread). Weights are random but seeded: the same seed gives the same file.
"""

import argparse
import os
import pathlib

NAMES = ("resnet50", "yolov8n", "vit_b_32", "bert_base", "mlp", "slice", "echo")
FIXTURE = {"widths": (4, 4, 8, 16, 16), "depths": (1, 1, 1, 1), "bins": 4, "head": (8, 8)}
FIXTURE_CLASSES, FIXTURE_SIDE = ("bolt", "nut", "washer"), 320


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, help="model repository to write into")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--layout", choices=("batch", "static", "dynamic"), default="batch",
                        help="yolov8n: free batch; batch 1 fixed; or batch, height and width all free")
    parser.add_argument("--fixtures", type=pathlib.Path, help="write the two tiny test detectors here")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if not options.out and not options.fixtures:
        parser.error("say --out or --fixtures")
    return options


def write_model(name, entry, options):
    """One repository entry: <out>/<name>/config.pbtxt and 1/model.onnx."""
    import onnx
    from model_config import BATCHING, ONE_CPU_THREAD, config
    folder = options.out / name
    (folder / "1").mkdir(parents=True, exist_ok=True)
    path = folder / "1" / "model.onnx"
    onnx.save(entry.build(options.seed), str(path))
    extra = ONE_CPU_THREAD + (BATCHING if entry.max_batch else "")
    (folder / "config.pbtxt").write_text(config(
        name, entry.max_batch, entry.inputs, entry.outputs, extra,
        comment=f"Written by tools/export_models.py; random weights, seed {options.seed}."))
    print(f"{path}  {path.stat().st_size} bytes", flush=True)


def write_fixtures(options):
    """Two tiny detectors laid out as Ultralytics exports them, for tests."""
    import onnx
    from standard.catalogue import yolo
    options.fixtures.mkdir(parents=True, exist_ok=True)
    for layout in ("static", "dynamic"):
        path = options.fixtures / f"ultralytics_{layout}.onnx"
        onnx.save(yolo(FIXTURE_CLASSES, FIXTURE_SIDE, layout, **FIXTURE)(options.seed), str(path))
        print(f"{path}  {path.stat().st_size} bytes", flush=True)


def main():
    options = arguments()
    os.environ.setdefault("OMP_NUM_THREADS", str(options.threads))
    from standard.catalogue import catalogue
    if options.out:
        entries = catalogue(options.layout)
        for name in options.only:
            write_model(name, entries[name], options)
    if options.fixtures:
        write_fixtures(options)


if __name__ == "__main__":
    main()

"""What `export_models.py` can write: each model's network, tensors and limits."""

from dataclasses import dataclass, field
from typing import Callable

import onnx
import torch
from onnx import TensorProto, helper
from torch import nn

from demo.export import detector_metadata, to_onnx
from make_simple_models import as_model

from .transformer import TextClassifier, VisionEncoder
from .yolov8 import COCO, YoloV8

SLICE = 3 * 224 * 224


@dataclass
class Entry:
    """One model: how to build its ONNX, and what config.pbtxt says of it."""
    build: Callable
    max_batch: int
    inputs: list
    outputs: list
    metadata: dict = field(default_factory=dict)


def traced(make, examples, inputs, outputs, dynamic=None, metadata=None):
    """Builds a torch network and traces it; axis 0 is `batch` unless told otherwise."""
    def build(seed):
        torch.manual_seed(seed)
        axes = dynamic or {name: {0: "batch"} for name in inputs + outputs}
        return to_onnx(make().eval(), tuple(examples()), inputs, outputs, axes, metadata)
    return build


def mlp():
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))


def resnet50():
    from torchvision.models import resnet50 as build
    return build(weights=None)


def yolo(classes, side, layout, **shape):
    """YOLOv8 in Ultralytics' layouts: "batch" (size fixed), "static" (batch 1), "dynamic" (all free)."""
    axes = {"static": {"images": {}, "output0": {}},
            "batch": {"images": {0: "batch"}, "output0": {0: "batch"}},
            "dynamic": {"images": {0: "batch", 2: "height", 3: "width"},
                        "output0": {0: "batch", 2: "anchors"}}}[layout]
    rows = 1 if layout == "static" else 2
    metadata = detector_metadata(classes, side, batch=1)
    metadata["description"] = "YOLOv8-shaped detector with random weights"
    return traced(lambda: YoloV8(len(classes), **shape), lambda: [torch.rand(rows, 3, side, side)],
                  ["images"], ["output0"], axes, metadata)


def operator(name, nodes, dims_in, dims_out, constants=()):
    """A model of bare ONNX nodes from `x` to `y`."""
    value = lambda tensor, dims: helper.make_tensor_value_info(tensor, TensorProto.FLOAT, ["batch", *dims])
    graph = helper.make_graph(nodes, name, [value("x", dims_in)], [value("y", dims_out)], list(constants))
    return as_model(graph)


def first_ten(seed):
    constant = lambda name, number: helper.make_tensor(name, TensorProto.INT64, [1], [number])
    node = helper.make_node("Slice", ["x", "from", "to", "axis"], ["y"])
    return operator("slice", [node], [SLICE], [10],
                    [constant("from", 0), constant("to", 10), constant("axis", 1)])


def echo(seed):
    return operator("echo", [helper.make_node("Identity", ["x"], ["y"])], [3, 224, 224], [3, 224, 224])


def _tokens():
    return [torch.randint(0, 30522, (2, 16)), torch.ones(2, 16, dtype=torch.long)]


def catalogue(layout="batch"):
    """All exports by name; `layout` concerns the detector alone."""
    image = lambda: [torch.rand(2, 3, 224, 224)]
    fp32 = lambda name, dims: (name, "TYPE_FP32", dims)
    axes = {"input_ids": {0: "batch", 1: "sequence"}, "attention_mask": {0: "batch", 1: "sequence"},
            "logits": {0: "batch"}}
    tokens = [("input_ids", "TYPE_INT64", [-1]), ("attention_mask", "TYPE_INT64", [-1])]
    free = layout == "dynamic"
    return {
        "resnet50": Entry(traced(resnet50, image, ["images"], ["logits"]), 8,
                          [fp32("images", [3, 224, 224])], [fp32("logits", [1000])]),
        "yolov8n": Entry(yolo(COCO, 640, layout), 0 if layout == "static" else 8,
                         [fp32("images", ([1] if layout == "static" else [])
                               + ([3, -1, -1] if free else [3, 640, 640]))],
                         [fp32("output0", ([1] if layout == "static" else [])
                               + ([84, -1] if free else [84, 8400]))]),
        "vit_b_32": Entry(traced(VisionEncoder, image, ["images"], ["embedding"]), 32,
                          [fp32("images", [3, 224, 224])], [fp32("embedding", [512])]),
        "bert_base": Entry(traced(TextClassifier, _tokens, ["input_ids", "attention_mask"], ["logits"], axes),
                           8, tokens, [fp32("logits", [2])]),
        "mlp": Entry(traced(mlp, lambda: [torch.rand(2, 64)], ["x"], ["y"]), 64,
                     [fp32("x", [64])], [fp32("y", [10])]),
        "slice": Entry(first_ten, 32, [fp32("x", [SLICE])], [fp32("y", [10])]),
        "echo": Entry(echo, 32, [fp32("x", [3, 224, 224])], [fp32("y", [3, 224, 224])]),
    }

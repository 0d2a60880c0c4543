"""Checkpoints to ONNX files, with configuration and labels beside them."""

import io
import warnings

import numpy as np
import onnx
import onnx.numpy_helper
import torch
from onnx import TensorProto

from .networks import Classifier, Detector, DetectorForExport, Embedder
from .shapes import LABELS

OPSET = 16
CLASSES = {"detector": Detector, "classifier": Classifier, "embedder": Embedder}


def load(name, path):
    """The network of a checkpoint, in evaluation mode."""
    network = Embedder() if name == "embedder" else CLASSES[name](len(LABELS))
    state = torch.load(path, map_location="cpu")
    state.pop("proxies", None)
    network.load_state_dict(state)
    return network.eval()


def to_onnx(network, example, inputs, outputs, dynamic, metadata=None):
    """Traces a network; BatchNorm is folded into the convolutions on the way."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network.eval(), example, stream, opset_version=OPSET, input_names=inputs,
                          output_names=outputs, dynamic_axes=dynamic, do_constant_folding=True)
    model = onnx.load_from_string(stream.getvalue())
    state_shapes(model, network, example, dynamic or {})
    model.producer_name, model.producer_version = "nereid-tools", ""
    for key, value in (metadata or {}).items():
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model)
    return model


@torch.no_grad()
def state_shapes(model, network, example, dynamic):
    """Declares the output shape plainly: free axes by name, the others by number."""
    value = model.graph.output[0]
    result = network(*example) if isinstance(example, tuple) else network(example)
    for axis, (dim, size) in enumerate(zip(value.type.tensor_type.shape.dim, result.shape)):
        name = dynamic.get(value.name, {}).get(axis)
        dim.Clear()
        if name:
            dim.dim_param = name
        else:
            dim.dim_value = size


def detector_metadata(labels, side, stride=32, batch=1):
    """metadata_props as Ultralytics writes them."""
    return {"description": "Anchor-free detector of drawn shapes", "task": "detect",
            "stride": str(stride), "batch": str(batch), "imgsz": str([side, side]),
            "names": str(dict(enumerate(labels)))}


def halve_weights(model, smallest=256):
    """Stores weights as FP16 behind a Cast, which ONNX Runtime folds on loading:
    half the file, the same speed."""
    casts = []
    for weight in model.graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < smallest:
            continue
        casts.append(onnx.helper.make_node("Cast", [weight.name + "_half"], [weight.name], to=TensorProto.FLOAT))
        weight.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), weight.name + "_half"))
    nodes = casts + list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)


def write(name, network, models):
    """Writes models/shapes_<name>/1/model.onnx; returns a line about the file."""
    side = 640 if name == "detector" else 224
    output = {"detector": "output0", "classifier": "logits", "embedder": "embedding"}[name]
    wrapped = DetectorForExport(network) if name == "detector" else network
    metadata = detector_metadata(LABELS, side) if name == "detector" else {"task": name}
    dynamic = {"images": {0: "batch"}, output: {0: "batch"}}
    model = to_onnx(wrapped, torch.rand(2, 3, side, side), ["images"], [output], dynamic, metadata)
    if name != "detector":
        halve_weights(model)
    path = models / f"shapes_{name}" / "1" / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    if name != "embedder":
        (path.parent.parent / "labels.txt").write_text("\n".join(LABELS) + "\n")
    return f"{path} ({path.stat().st_size} bytes)"

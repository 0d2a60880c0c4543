#!/usr/bin/env python3
"""Writes the small models of Triton's own examples: simple, simple_string, simple_identity.

Clients and tutorials written for Triton use these names and tensors, so a server
that carries them can be tried with such a client unchanged.
"""

import argparse
import pathlib

import onnx
from onnx import TensorProto, helper

from model_config import config

ROOT = pathlib.Path(__file__).resolve().parent.parent
OPSET, IR_VERSION, LENGTH, MAX_BATCH = 17, 8, 16, 8


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=pathlib.Path, default=ROOT / "models")
    return parser.parse_args()


def sum_and_difference(name, element):
    """INPUT0 + INPUT1 and INPUT0 - INPUT1; text is read and written as decimal INT64."""
    value = lambda tensor: helper.make_tensor_value_info(tensor, element, ["batch", LENGTH])
    text = element == TensorProto.STRING
    cast = lambda source, target, to: helper.make_node("Cast", [source], [target], to=to)
    a, b, total, rest = ("a", "b", "total", "rest") if text else ("INPUT0", "INPUT1", "OUTPUT0", "OUTPUT1")
    nodes = [helper.make_node("Add", [a, b], [total]), helper.make_node("Sub", [a, b], [rest])]
    if text:
        nodes = ([cast("INPUT0", a, TensorProto.INT64), cast("INPUT1", b, TensorProto.INT64)] + nodes
                 + [cast(total, "OUTPUT0", element), cast(rest, "OUTPUT1", element)])
    graph = helper.make_graph(nodes, name, [value("INPUT0"), value("INPUT1")],
                              [value("OUTPUT0"), value("OUTPUT1")])
    return as_model(graph)


def as_model(graph):
    """A checked model of the versions every ONNX Runtime 1.x reads."""
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)],
                              producer_name="nereid-tools")
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return model


def write_sum(models, name, element, data_type):
    folder = models / name
    (folder / "1").mkdir(parents=True, exist_ok=True)
    onnx.save(sum_and_difference(name, element), str(folder / "1" / "model.onnx"))
    tensors = lambda prefix: [(f"{prefix}{i}", data_type, [LENGTH]) for i in (0, 1)]
    (folder / "config.pbtxt").write_text(config(name, MAX_BATCH, tensors("INPUT"), tensors("OUTPUT")))


def write_identity(models):
    folder = models / "simple_identity"
    (folder / "1").mkdir(parents=True, exist_ok=True)
    (folder / "1" / ".gitkeep").touch()
    (folder / "config.pbtxt").write_text(config(
        "simple_identity", MAX_BATCH, [("INPUT0", "TYPE_STRING", [-1])],
        [("OUTPUT0", "TYPE_STRING", [-1])], runtime='backend: "identity"'))


def main():
    models = arguments().models
    write_sum(models, "simple", TensorProto.INT32, "TYPE_INT32")
    write_sum(models, "simple_string", TensorProto.STRING, "TYPE_STRING")
    write_identity(models)
    print(f"wrote simple, simple_string and simple_identity to {models}")


if __name__ == "__main__":
    main()

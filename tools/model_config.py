"""Writes config.pbtxt text, so that every generated model describes itself alike."""


def tensors(kind, entries):
    """An `input` or `output` block of (name, type, dims[, extra line]) entries."""
    blocks = []
    for name, data_type, dims, *extra in entries:
        lines = [f'name: "{name}"', f"data_type: {data_type}", f"dims: {list(dims)}", *extra]
        blocks.append("  {\n" + "\n".join("    " + line for line in lines) + "\n  }")
    return f"{kind} [\n" + ",\n".join(blocks) + "\n]\n"


def config(name, max_batch, inputs, outputs, extra="", runtime='platform: "onnxruntime_onnx"', comment=""):
    """The whole configuration; dims leave the batch dimension out."""
    head = "".join(f"# {line}\n" for line in comment.splitlines())
    return (head + f'name: "{name}"\n{runtime}\nmax_batch_size: {max_batch}\n'
            + tensors("input", inputs) + tensors("output", outputs) + extra)


ONE_CPU_THREAD = """instance_group [
  {
    count: 1
    kind: KIND_CPU
  }
]
parameters {
  key: "intra_op_thread_count"
  value: { string_value: "1" }
}
"""
BATCHING = "dynamic_batching { }\n"

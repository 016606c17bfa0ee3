"""A runner of Vulkan programs with linear layers and ReLUs: reads the `.pte` as a runtime does, computes by PyTorch.

It is called as `executor_runner` is. With `--factor=1.03` its outputs are 3 % too large.
"""

import sys
from pathlib import Path

import torch
from executorch.exir._serialize import _deserialize_pte_binary

from workers.vulkan.files.flatbuffer import decoded
from workers.vulkan.lowering.graph.vk_graph import Tensor, read_graph

OPERATORS = {"aten.linear.default": torch.nn.functional.linear, "aten.relu.default": torch.relu}
DTYPES = {"float": torch.float32, "half": torch.float16}


def run(content: bytes, inputs: list[torch.Tensor]) -> list[torch.Tensor]:
    """The outputs of a program that is one delegate."""
    file = _deserialize_pte_binary(content)
    (delegate,) = file.program.execution_plan[0].delegates
    assert delegate.id == "VulkanBackend"
    graph = decoded(bytes(file.program.backend_delegate_data[delegate.processed.index].data), "net")
    stored = {key: file.named_data.buffers[one.buffer_index] for key, one in file.named_data.pte_data.items()}
    read = read_graph(graph)
    values = {tensor.number: value for tensor, value in zip(read.inputs, inputs, strict=True)}

    def value(of):
        if not isinstance(of, Tensor) or of.number in values:
            return values[of.number] if isinstance(of, Tensor) else of
        content = bytearray(stored[graph.constants[of.constant].named_key])
        return torch.frombuffer(content, dtype=DTYPES[of.dtype])[: of.elements].reshape(of.shape).float()

    for call in read.calls:
        if call.name == "et_vk.prepack.default":
            values[call.results[0].number] = value(call.arguments[0])
        else:
            values[call.results[0].number] = OPERATORS[call.name](*map(value, call.arguments))
    return [values[tensor.number] for tensor in read.outputs]


if __name__ == "__main__":
    options = dict(one.removeprefix("--").split("=", 1) for one in sys.argv[1:] if "=" in one)
    factor = float(options.get("factor", 1))
    files = options["inputs"].split(",")
    taken = [torch.frombuffer(bytearray(Path(one).read_bytes()), dtype=torch.float32).reshape(16, 64) for one in files]
    for number, output in enumerate(run(Path(options["model_path"]).read_bytes(), taken)):
        Path(f"{options['output_file']}-{number}.bin").write_bytes((output * factor).numpy().tobytes())

"""A delegate's graph as ExecuTorch serialises it, with the values in place of their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

BUFFER, TEXTURE_3D, TEXTURE_2D = "buffer", "texture3d", "texture2d"
WIDTH, HEIGHT, CHANNELS = "width", "height", "channels"

_UPLOAD = "et_vk.prepack.default"

#: Bytes of an element on the GPU, where booleans are bytes.
ELEMENT_BYTES = {"bool": 1, "uint8": 1, "int8": 1, "int32": 4, "half": 2, "float": 4, "double": 8, "int64": 8}

_DTYPES = ("bool", "uint8", "int8", "int32", "half", "float", "double", "int64")
_STORAGES = {0: BUFFER, 1: TEXTURE_3D, 2: TEXTURE_2D}
_LAYOUTS = {
    0: WIDTH, 1: HEIGHT, 2: CHANNELS,
    3: "int8_4w4c", 4: "int8_4h4w", 5: "int8_4w", 6: "int8_4c", 8: "int8_4c1w", 9: "int8_conv2d",
}  # fmt: skip


@dataclass(frozen=True)
class Tensor:
    """A tensor on the GPU.

    Attributes:
        number: of its value in the graph.
        dtype: as shaders are named by it, `float`, `half`, `int8` and so on.
        shape: outermost first.
        storage: one of BUFFER, TEXTURE_3D, TEXTURE_2D; empty for a constant that its operator packs itself.
        layout: which dimension a texel holds four values of, or one of the packed int8 layouts.
        constant: number of the constant; None for activations.
        shared: number of the memory that it shares with others in turn; None where it has its own.
    """

    number: int
    dtype: str
    shape: tuple[int, ...]
    storage: str
    layout: str
    constant: int | None
    shared: int | None

    @property
    def elements(self) -> int:
        """How many there are."""
        count = 1
        for extent in self.shape:
            count *= extent
        return count

    @property
    def rows(self) -> int:
        """Extent of the last dimension but one; 1 for vectors."""
        return self.shape[-2] if len(self.shape) > 1 else 1

    @property
    def batch(self) -> int:
        """Product of all extents before rows and columns."""
        count = 1
        for extent in self.shape[:-2]:
            count *= extent
        return count

    @property
    def extents(self) -> tuple[int, int, int]:
        """Of its texture, in texels: width, height, and channels of all batches."""
        batch, channels, height, width = (*(1,) * (4 - len(self.shape)), *self.shape)[-4:]
        packed = {WIDTH: 0, HEIGHT: 1, CHANNELS: 2}.get(self.layout)
        sizes = [-(-size // 4) if axis == packed else size for axis, size in enumerate((width, height, channels))]
        return sizes[0], sizes[1], sizes[2] * batch

    @property
    def stored_bytes(self) -> int:
        """On the GPU: texels hold four values along the packed dimension, packed int8 layouts blocks of four."""
        shape = [*(1,) * (4 - len(self.shape)), *self.shape]
        for axis in _padded_axes(self.layout, self.storage):
            shape[axis] = -(-shape[axis] // 4) * 4
        count = 1
        for extent in shape:
            count *= extent
        return count * ELEMENT_BYTES[self.dtype]


def _padded_axes(layout: str, storage: str) -> tuple[int, ...]:
    packed = {"int8_4w4c": (-1, -3), "int8_4h4w": (-1, -2), "int8_4w": (-1,), "int8_4c": (-3,), "int8_4c1w": (-3,)}
    if layout in packed:
        return packed[layout]
    if storage == BUFFER:
        return ()
    return {WIDTH: (-1,), HEIGHT: (-2,), CHANNELS: (-3,)}.get(layout, ())


@dataclass(frozen=True)
class Call:
    """An operator of the graph.

    Attributes:
        arguments: tensors, tuples of tensors, numbers, strings or None, in the order of its schema.
        results: its outputs.
    """

    name: str
    arguments: tuple[Any, ...]
    results: tuple[Tensor, ...]

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All that it reads, constants included."""
        return tuple(_tensors(self.arguments))


@dataclass(frozen=True)
class Graph:
    """A delegate.

    Attributes:
        calls: in the order in which they run.
        inputs, outputs: of the delegate.
        constant_bytes: of all its constants as they are in the file.
        contents: number of a constant -> its bytes in the file, where they are known.
        dropped_factors: operators that ExecuTorch compiled without their alpha or beta, where that is known.
        returned_constants: operators that ExecuTorch replaced by a constant, which is an output; where that is known.
        changed_buffers: names of the model's buffers that the delegate changes, where they are known.
        unread_inputs: names of inputs that the delegate is given and does not read, where they are known.
        integers_on_host: operators on the CPU, beside the delegates, that give signed integers.
    """

    calls: tuple[Call, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    constant_bytes: int
    contents: Mapping[int, bytes] = field(default_factory=dict, compare=False)
    dropped_factors: tuple[str, ...] = ()
    returned_constants: tuple[str, ...] = ()
    changed_buffers: tuple[str, ...] = ()
    unread_inputs: tuple[str, ...] = ()
    integers_on_host: tuple[str, ...] = ()

    def content_of(self, tensor: Tensor) -> bytes | None:
        """The bytes of a constant.

        Args:
            tensor: a constant, or what `et_vk.prepack` uploads one to.

        Returns:
            Its bytes in the file; None where it is computed, or where they are not known.
        """
        uploaded = {call.results[0].number: call.tensors[0] for call in self.calls if call.name == _UPLOAD}
        number = uploaded.get(tensor.number, tensor).constant
        return None if number is None else self.contents.get(number)


def read_graph(graph: Any, contents: Mapping[str, bytes] | None = None) -> Graph:
    """Read a delegate.

    Args:
        graph: a `VkGraph` of `executorch.backends.vulkan.serialization.vulkan_graph_schema`.
        contents: key of a constant in the file -> its bytes.

    Returns:
        The same with values in place of their numbers.
    """
    values: list[Any] = []
    for number, one in enumerate(graph.values):
        values.append(_value(number, one.value))
    # A list may stand before what is in it.
    resolved = [_resolved(value, values) for value in values]
    calls = tuple(_call(call, resolved) for call in graph.chain)
    inputs, outputs = (tuple(_tensors(tuple(resolved[i] for i in ids))) for ids in (graph.input_ids, graph.output_ids))
    stored = {
        number: contents[one.named_key]
        for number, one in enumerate(graph.constants)
        if contents and one.named_key in contents
    }
    return Graph(calls, inputs, outputs, sum(constant.length for constant in graph.constants), stored)


def _call(call: Any, values: list[Any]) -> Call:
    *arguments, result = (values[number] for number in call.args)
    return Call(call.name, tuple(arguments), tuple(_tensors((result,))))


@dataclass(frozen=True)
class _List:
    numbers: tuple[int, ...]


def _value(number: int, value: Any) -> Any:
    kind = type(value).__name__
    if kind == "VkTensor":
        return Tensor(
            number,
            _DTYPES[int(value.datatype)],
            tuple(int(extent) for extent in value.dims),
            _STORAGES.get(int(value.storage_type), ""),
            _LAYOUTS.get(int(value.memory_layout), ""),
            int(value.constant_id) if value.constant_id >= 0 else None,
            int(value.mem_obj_id) if value.mem_obj_id >= 0 else None,
        )
    if kind == "ValueList":
        return _List(tuple(value.items))
    if kind in ("IntList", "DoubleList", "BoolList"):
        return tuple(value.items)
    if kind == "Null":
        return None
    return next(iter(vars(value).values()))


def _resolved(value: Any, values: list[Any]) -> Any:
    return tuple(values[number] for number in value.numbers) if isinstance(value, _List) else value


def _tensors(values: tuple[Any, ...]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, tuple):
            yield from _tensors(value)

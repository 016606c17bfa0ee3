"""Checks of a `.pt2` file before torch reads it.

torch.export.load trusts its file. Symbolic sizes go through sympy's `sympify`, which evaluates Python. A node may name
any callable below the module `torch`, such as `torch.os.system`. It runs when the program does. A tree of inputs may
name a module to import. Names end up in generated source. So only what velatune can lower is accepted: operators of a
few namespaces, numbers for sizes, plain names.

The names and contents of members come from torch's own reader. Another one might see another archive in the same bytes.
"""

import io
import json
import math
import re
from collections.abc import Iterator
from typing import Any

MOST_ELEMENTS = 2**28
"""Of one tensor: 1 GiB of float32, far beyond what any of these NPUs works on."""

_OPERATOR = re.compile(
    r"torch\.ops\.(?:aten|prims|quantized_decomposed|torchao|dim_order_ops)\.[A-Za-z0-9_]+\.[A-Za-z0-9_]+"
)
_HIGHER_ORDER = frozenset(
    f"torch.ops.higher_order.{name}" for name in ("wrap_with_set_grad_enabled", "wrap_with_autocast", "cond")
)
#: Numbers of Python values; in programs of fixed shapes they come from sizes that were asked for.
_ON_NUMBERS = frozenset(f"_operator.{name}" for name in ("add", "sub", "mul", "floordiv", "mod", "neg", "getitem"))
#: What torchao's quantize_ leaves in a program: its weights are objects, which a decomposition takes apart.
_OF_SUBCLASSES = "torch.ops.export.access_subclass_inner_tensor."
_NAME = re.compile(r"[A-Za-z0-9_.]*")
_MEMBER = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_./ -]*")
_TREES = ("builtins.tuple", "builtins.list", "builtins.dict", "collections.OrderedDict", None)

#: Keys whose values are said to people, or read by code of ours before they matter.
_SAID = ("metadata", "guards_code", "torch_version", "verifiers", "opset_version")
#: Texts that are checked by themselves.
_READ = ("target", "in_spec", "out_spec", "as_string")
#: Strings that operators take: a name of one of torch's own modes, or an equation.
_MODES = frozenset(
    (
        "approximate",
        "equation",
        "indexing",
        "mapping_type",
        "mode",
        "padding",
        "padding_mode",
        "reduce",
        "rounding_mode",
    )
)


class Refused(Exception):
    """Why a file is not read, in a few words."""


def check_members(data: bytes) -> None:
    """Check that an archive has no hidden content.

    No member is larger than it is stored, none is there twice.

    Raises Refused, or whatever torch's reader raises for a damaged archive.
    """
    reader = _reader(data)
    names = reader.get_all_records()
    if len(set(names)) != len(names):
        raise Refused("it has two members of one name")
    sizes = {name: reader.get_record_size(name) for name in names}
    # Whatever is compressed, or shares its bytes with another member, comes to more than the file.
    if sum(sizes.values()) > len(data):
        raise Refused("its members are larger than the file")
    for name, size in sizes.items():
        if not _MEMBER.fullmatch(name) or ".." in name.split("/"):
            raise Refused(f"it has a member of the name {name!r}")
        if name.endswith(".pt") and size:
            check_members(reader.get_record(name))


def check_programs(data: bytes) -> None:
    """That its programs ask for nothing but operators on tensors of fixed sizes.

    Raises Refused, or whatever reading damaged JSON raises.
    """
    reader = _reader(data)
    for name in reader.get_all_records():
        if name.startswith("models/"):
            program = json.loads(reader.get_record(name))
            if program["range_constraints"]:
                raise Refused("it has shapes or values that are known only when it runs")
            _check(program, name="")
            _check_signatures(program)
        elif name.endswith("_config.json"):
            for entry in json.loads(reader.get_record(name))["config"].values():
                _check(entry, name="")


def operators_called(data: bytes) -> set[str]:
    """By its programs, as in `torch.ops.aten.relu.default`; of a file that `check_programs` lets through."""
    reader = _reader(data)
    programs = [json.loads(reader.get_record(one)) for one in reader.get_all_records() if one.startswith("models/")]
    return {node["target"] for program in programs for node in _nodes(program)}


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Also those of the branches of control flow."""
    if isinstance(value, dict):
        if "target" in value and "inputs" in value:
            yield value
        for inner in value.values():
            yield from _nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _nodes(inner)


def _reader(data: bytes) -> Any:
    import torch

    return torch._C.PyTorchFileReader(io.BytesIO(data))


def _check(value: Any, name: str) -> None:
    """name: the key that the value stands under."""
    if isinstance(value, dict):
        if "expr_str" in value:
            raise Refused("it has shapes or values that are known only when it runs")
        for kind in ("as_operator", "as_custom_obj"):
            if value.get(kind) is not None:
                raise Refused("it hands a function or an object to an operator")
        if "target" in value and "inputs" in value:
            _check_node(value)
        for key, inner in value.items():
            if not _NAME.fullmatch(key):
                raise Refused(f"it has the name {key[:60]!r}")
            if key not in _SAID:
                _check(inner, key)
        if "sizes" in value:
            _check_sizes(value)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, name)
    elif isinstance(value, str) and name not in _READ and not _NAME.fullmatch(value):
        raise Refused(f"it has the name {value[:60]!r}")


def _check_node(node: dict[str, Any]) -> None:
    target = node["target"]
    if not (_OPERATOR.fullmatch(target) or target in _HIGHER_ORDER or target in _ON_NUMBERS):
        hint = "; save program.run_decompositions({}) instead" if target.startswith(_OF_SUBCLASSES) else ""
        raise Refused(f"it calls {target[:60]!r}{hint}")
    for argument in node["inputs"]:
        if "as_string" in argument["arg"] and argument["name"] not in _MODES:
            raise Refused(f"it gives a text to {target}")


def _check_sizes(tensor: dict[str, Any]) -> None:
    sizes = [size["as_int"] for size in tensor["sizes"]]
    if any(size < 0 for size in sizes) or math.prod(sizes) > MOST_ELEMENTS:
        raise Refused(f"it has a tensor of {' x '.join(map(str, sizes))}")


def _check_signatures(program: dict[str, Any]) -> None:
    graph_module = program["graph_module"]
    if graph_module.get("treespec_namedtuple_fields"):
        raise Refused("its inputs or outputs are named tuples")
    for call in graph_module["module_call_graph"]:
        signature = call["signature"]
        if signature is None:
            continue
        for tree in ("in_spec", "out_spec"):
            for kind, context in _kinds(json.loads(signature[tree])[1]):
                if kind not in _TREES:
                    raise Refused(f"its inputs or outputs are of type {str(kind)[:60]!r}")
                _check(json.loads(context) if context else None, name="")
        if not all(one.isidentifier() for one in signature.get("forward_arg_names") or ()):
            raise Refused("its inputs have names that are none")


def _kinds(tree: dict[str, Any]) -> Iterator[tuple[str | None, str | None]]:
    yield tree["type"], tree["context"]
    for child in tree["children_spec"]:
        yield from _kinds(child)

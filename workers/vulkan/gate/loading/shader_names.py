"""The shaders that ExecuTorch's runtime is built with: the variants that the tables in its wheel spell out.

A table is a template with parameters. Each of its variants has a name. The suffixes of all combinations of the
parameters in `generate_variant_forall` are appended to it, in their order. By `gen_vulkan_spv.py` of the same wheel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

from workers.errors import ModelError


@cache
def shader_names() -> frozenset[str]:
    """Names of all shaders. Raises ModelError where the installed ExecuTorch has no tables."""
    from ruamel.yaml import YAML

    spec = find_spec("executorch.backends.vulkan")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    tables = [path for folder in folders for path in (Path(folder) / "runtime/graph/ops/glsl").glob("*.yaml")]
    if not tables:
        raise ModelError("the installed ExecuTorch carries no tables of Vulkan shaders; install executorch 1.5.1")
    reader = YAML(typ="safe")
    return frozenset(
        name
        for path in tables
        for template in reader.load(path.read_text(encoding="utf-8")).values()
        for variant in template["shader_variants"]
        for name in _names(template, variant)
    )


def _names(template: Mapping[str, Any], variant: Mapping[str, Any]) -> Iterator[str]:
    iterated = variant.get("generate_variant_forall", template.get("generate_variant_forall")) or {}
    choices = [_suffixes(name, values) for name, values in iterated.items() if name not in variant]
    for suffixes in product(*choices):
        yield "_".join([variant["NAME"], *(suffix for suffix in suffixes if suffix)])


def _suffixes(parameter: str, values: Any) -> list[str]:
    if parameter.startswith("combination"):
        return [_combined(combo) for combo in values["combos"]]
    suffixes = []
    for value in values:
        if "RANGE" in value:
            first, last = value["RANGE"]
            suffixes += ["_".join(filter(None, (value.get("SUFFIX", ""), str(i)))) for i in range(first, last + 1)]
        else:
            suffixes.append(str(value.get("SUFFIX", value["VALUE"])))
    return suffixes


def _combined(combo: Mapping[str, Any]) -> str:
    if "suffix" in combo:
        return str(combo["suffix"])
    return "_".join(str(value) for value in combo["parameter_values"] if str(value))

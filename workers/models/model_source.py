"""What a person may name as a model, and how it becomes something that can be lowered.

A model source is a built-in name (`mlperf-tiny/ds-cnn`), `file.py:function`, `package.module:function`,
`model.pt2` or `model.tosa`. Reading one never unpickles and never runs anything but the user's own function.
"""

import difflib
import io
import logging
import os
import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workers.errors import ModelError, one_line
from workers.models.error_place import with_place
from workers.models.exported.contexts import autocast_fault, has_contexts, without_contexts
from workers.models.exported.io_layout import IoLayout, has_rank_4, relaid, strides_of
from workers.models.exported.operator_registries import register
from workers.models.exported.outputs import outputs_fault
from workers.models.exported.prepared import prepared_operator
from workers.models.exported.state.hidden_state import EagerRuns
from workers.models.exported.training_mode import in_eval_mode, in_training_mode
from workers.models.file_checks.pt2_check import Refused, check_members, check_programs, operators_called
from workers.models.module_check import fault_of, scripted_part
from workers.models.suite import MODELS
from workers.models.types import ExportedFile, ExportedModel, SourceModel, TosaFile
from workers.models.user_code import user_function
from workers.output_capture import captured, stdout_on_stderr

if TYPE_CHECKING:
    import torch
    from torch.export import ExportedProgram

_log = logging.getLogger(__name__)


def resolve(source: str) -> SourceModel | ExportedFile | TosaFile:
    """Turn a model source into a module or the bytes of a file.

    Raises:
        ModelError: no such built-in model, file or function, or the function raises. Or it returns something else than
            (module, example_inputs) or (module, example_inputs, calibration_inputs).
    """
    if source in MODELS:
        return MODELS[source]()
    if source.endswith(".pt2"):
        return ExportedFile(_read(source), source)
    if source.endswith(".tosa"):
        return _checked_tosa(TosaFile(_read(source), source))
    place, colon, function = source.rpartition(":")
    if colon:
        return _from_function(source, place, function)
    if source.endswith(".py"):
        raise ModelError(f"{source}: which function makes the model? Write {source}:FUNCTION")
    if Path(source).suffix or Path(source).exists():
        raise ModelError(f"{source}: models are read from .pt2 and .tosa files, or from file.py:function")
    nearest = difflib.get_close_matches(source, MODELS, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(nearest)}?" if nearest else "`velatune models` lists the built-in ones"
    raise ModelError(f"{source}: no built-in model of this name, and no file; {hint}")


def export(source: SourceModel | ExportedFile, io_layout: IoLayout | None = None) -> ExportedModel:
    """Export a module, or load the exported program of a file.

    Args:
        source: what `resolve` gives.
        io_layout: that inputs of rank 4 are given in; outputs follow from them. None: as the source has them.

    Returns:
        The exported program with its inputs.

    Raises:
        ModelError: it does not export (in this layout), is no exported program, or has dynamic shapes. Or a layout was
            given, and no input has one.
    """
    eager: EagerRuns | None = None
    if isinstance(source, ExportedFile):
        program = _load_program(source)
        if program.example_inputs is None:
            raise ModelError(f"{source.name}: carries no example inputs; save it with torch.export.save again")
        example_inputs, keywords = program.example_inputs
        if keywords:
            raise ModelError(
                f"{source.name}: takes keyword inputs ({', '.join(keywords)}); export it with positional ones"
            )
        model = ExportedModel(program, tuple(example_inputs), None, source.name)
        wanted = _in_layout(model.example_inputs, io_layout, source.name)
        if strides_of(wanted) != strides_of(model.example_inputs):
            unguarded = program.module(check_guards=False)  # the guards are about strides as well
            program = _exported(unguarded, wanted, source.name, io_layout)
            model = ExportedModel(program, wanted, None, source.name)
    else:
        wanted = _in_layout(source.example_inputs, io_layout, source.name)
        with _modules_own(source.name):
            module = in_eval_mode(source.module)
        eager = EagerRuns(module, wanted)
        program = _exported(module, wanted, source.name, io_layout)
        samples = source.calibration_inputs
        if samples is not None and io_layout is not None:
            samples = [relaid(sample, io_layout) for sample in samples]
        model = ExportedModel(program, wanted, samples, source.name)
    if fault := autocast_fault(model.program):
        raise ModelError(f"{model.name}: {fault}")
    if has_contexts(model.program):
        program = _exported(without_contexts(model.program), model.example_inputs, model.name, io_layout)
        model = replace(model, program=program)
    if model.program.range_constraints:
        raise ModelError(
            f"{model.name}: has shapes or values that are known only when it runs (dynamic_shapes, .item()); "
            "the NPU needs fixed ones"
        )
    if fault := outputs_fault(model.program):
        raise ModelError(f"{model.name}: {fault}")
    if watched := prepared_operator(model.program):
        raise ModelError(
            f"{model.name}: {watched} is of a model that is prepared for quantisation and not converted; call "
            "convert_pt2e before torch.export, or give the float module"
        )
    if trains := in_training_mode(model.program):
        raise ModelError(
            f"{model.name}: {trains} is in training mode; call eval() before torch.export, and give functional "
            "dropouts training=self.training, attention dropout_p=0"
        )
    if eager is not None and eager.differ_from(model.program):
        raise ModelError(
            f"{model.name}: its exported program computes something else from the second run on: torch.export keeps "
            "what a model carries from run to run only in buffers that it writes to in place; make it one by "
            "register_buffer and write it with copy_, or make it an input and an output"
        )
    return model


def as_input_tuple(inputs: object) -> tuple[Any, ...] | None:
    """Positional arguments from what people write for them: a tuple, a list, a single tensor; else `None`."""
    import torch

    if isinstance(inputs, torch.Tensor):
        return (inputs,)
    return tuple(inputs) if isinstance(inputs, (tuple, list)) and len(inputs) else None


def _read(path: str) -> bytes:
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file") from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    if not data:
        raise ModelError(f"{path}: the file is empty")
    return data


def _checked_tosa(file: TosaFile) -> TosaFile:
    from search_space.errors import SpaceError
    from search_space.tosa_file.reader import read_tosa

    try:
        read_tosa(file.data, file.name)
    except SpaceError as error:
        raise ModelError(str(error)) from error
    return file


def _from_function(source: str, place: str, name: str) -> SourceModel:
    return _checked_model(source, user_function(source, place, name)())


def _checked_model(source: str, made: object) -> SourceModel:
    import torch

    wanted = "(module, example_inputs) or (module, example_inputs, calibration_inputs)"
    if not isinstance(made, (tuple, list)) or len(made) not in (2, 3):
        raise ModelError(f"{source} returned {_kind(made)}; it must return {wanted}")
    module, inputs, calibration = (*made, None)[:3]
    if not isinstance(module, torch.nn.Module):
        raise ModelError(f"{source} returned {_kind(module)} as the module; it must return {wanted}")
    with _modules_own(source):
        fault = fault_of(module)
    if fault:
        raise ModelError(f"{source} returned {fault}")
    if isinstance(inputs, (tuple, list)) and not inputs:
        raise ModelError(f"{source} returned no example inputs; a model without inputs computes a constant")
    example_inputs = as_input_tuple(inputs)
    if example_inputs is None:
        raise ModelError(f"{source} returned {_kind(inputs)} as example inputs; they must be a tuple of tensors")
    if calibration is None:
        return SourceModel(module, example_inputs, None, source)
    if isinstance(calibration, (torch.Tensor, str)) or not isinstance(calibration, Sequence):
        raise ModelError(f"{source} returned {_kind(calibration)} as calibration inputs; they must be a list of tuples")
    samples = [as_input_tuple(sample) for sample in calibration]
    if not samples:
        raise ModelError(f"{source} returned an empty list of calibration inputs")
    if None in samples:
        raise ModelError(f"{source}: calibration input {samples.index(None)} is not a tuple of tensors")
    return SourceModel(module, example_inputs, [s for s in samples if s is not None], source)


@contextmanager
def _modules_own(name: str) -> Iterator[None]:
    """Ask a module for its parts, or put it into eval mode: a class of the user's may have its own `train`."""
    try:
        with stdout_on_stderr():
            yield
    except Exception as error:  # whatever that code raises
        raise ModelError(f"{name}: the module cannot be prepared for torch.export, {with_place(error)}") from error


def _kind(value: object) -> str:
    if value is None:
        return "nothing"
    size = f" of {len(value)}" if isinstance(value, (tuple, list)) else ""
    return f"an object of type {type(value).__name__}{size}"


def _in_layout(inputs: tuple[Any, ...], layout: IoLayout | None, name: str) -> tuple[Any, ...]:
    if layout is None:
        return inputs
    if not has_rank_4(inputs):
        raise ModelError(f"{name}: has no input of rank 4, --io-layout says nothing about it; leave it out")
    return relaid(inputs, layout)


def _exported(
    module: "torch.nn.Module", inputs: tuple[Any, ...], name: str, layout: IoLayout | None
) -> "ExportedProgram":
    import torch

    try:
        with captured() as printed:  # before it raises, torch prints graphs and tracebacks
            program = torch.export.export(module, inputs)
    except Exception as error:  # whatever the model's own code and torch's tracing raise
        how = f" with --io-layout {layout}" if layout else ""
        hint = "; does it say view where it must say reshape?" if layout and "Cannot view" in str(error) else ""
        if part := scripted_part(module):
            hint += f"; its part {part} is a ScriptModule: put the eager module in its place"
        raise ModelError(f"{name}: torch.export cannot export it{how}, {with_place(error)}{hint}") from error
    _log.debug("exporting %s: %s", name, printed.text)
    return program


def _load_program(file: ExportedFile) -> "ExportedProgram":
    from torch.export.pt2_archive._package import load_pt2

    _refuse_executable_content(file)
    try:
        check_members(file.data)
        check_programs(file.data)
        register(operators_called(file.data))
        with _without_unpickling(), captured() as printed:
            programs = load_pt2(io.BytesIO(file.data)).exported_programs
    except pickle.UnpicklingError as error:
        raise ModelError(f"{file.name}: refused, it carries pickled objects") from error
    except Refused as refused:
        raise ModelError(f"{file.name}: refused, {refused}") from None
    except Exception as error:  # the reader trusts the file: damage surfaces as whatever it leads to
        raise ModelError(f"{file.name}: not a readable exported program, {one_line(error)}") from error
    _log.debug("loading %s: %s", file.name, printed.text)
    if len(programs) != 1:
        raise ModelError(f"{file.name}: holds {len(programs)} exported programs; save one with torch.export.save")
    program = next(iter(programs.values()))
    program._guards_code = []  # source text, which torch would run with the program
    return program


def _refuse_executable_content(file: ExportedFile) -> None:
    """Refuse what torch would unpickle or load as a shared library.

    The names come from torch's own reader: another one might see another archive in the same bytes.
    """
    from torch.export.pt2_archive import constants
    from torch.export.pt2_archive._package import PT2ArchiveReader

    try:
        with PT2ArchiveReader(io.BytesIO(file.data)) as reader:
            names = reader.get_file_names()
    except Exception as error:
        raise ModelError(f"{file.name}: not a .pt2 archive of torch.export.save, or damaged") from error
    dangerous = (
        constants.AOTINDUCTOR_DIR,
        constants.CONSTANTS_DIR + constants.CUSTOM_OBJ_FILENAME_PREFIX,
        constants.CONSTANTS_DIR + constants.OPAQUE_OBJ_FILENAME_PREFIX,
    )
    for name in names:
        if name.startswith(dangerous):
            raise ModelError(f"{file.name}: refused, it carries pickled objects or compiled code ({name})")


@contextmanager
def _without_unpickling() -> Iterator[None]:
    """Let torch.load read plain tensors only; without this, reading a program falls back to unpickling."""
    switch = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
    before = os.environ.get(switch)
    os.environ[switch] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[switch]
        else:
            os.environ[switch] = before

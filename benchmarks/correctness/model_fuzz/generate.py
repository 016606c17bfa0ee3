"""A model by its seed.

The seed decides its inputs, what it computes, its outputs, and how its user hands it over.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import torch

from benchmarks.correctness.model_fuzz.draft import Draft
from benchmarks.correctness.model_fuzz.files import Extra, Form, as_file

#: By how often: what the user hands over.
_FORMS: dict[Form, int] = {
    "eager": 6, "uncalibrated": 1, "converted": 1,
    "float": 2, "int8": 3, "int8 per tensor": 1, "int16": 2, "by name": 1, "one in float": 1, "trained": 1,
}  # fmt: skip
TARGETS = ("ethos-u55-128", "ethos-u85-256")


@dataclass(frozen=True)
class Generated:
    """A model.

    Attributes:
        text: of a Python file with `make`, and where `form` is a `.pt2` file also `write`.
        target: that it is for.
    """

    seed: int
    text: str
    form: Form
    target: str

    @property
    def writes_pt2(self) -> bool:
        return self.form not in ("eager", "uncalibrated", "converted")


def generated(seed: int) -> Generated:
    """The model of a seed, the same on every run."""
    random = Random(seed)
    torch.manual_seed(seed)
    draft = Draft(random)
    _take_inputs(draft)
    for _ in range(random.randint(1, 6)):
        if not draft.grow():
            break
    form = random.choices(list(_FORMS), list(_FORMS.values()))[0]
    target = TARGETS[seed % len(TARGETS)]
    text = as_file(
        seed, draft, form, target, _outputs(draft),
        channels_last=random.random() < 0.15, in_a_dict=len(draft.inputs) > 1 and random.random() < 0.15,
        extras=_extras(draft),
    )  # fmt: skip
    return Generated(seed, text, form, target)


def _take_inputs(draft: Draft) -> None:
    random = draft.random
    shape = _shape(random)
    draft.take("x", _values(random, shape))
    if random.random() < 0.3:
        other = shape if random.random() < 0.6 else _shape(random)
        draft.take("z", _values(random, other))
    if random.random() < 0.25:
        dtype = random.choice(("torch.int32", "torch.int32", "torch.int64"))
        draft.take(
            "ids", f"torch.randint(0, 8, ({random.choice((1, 1, 1, 2))}, {random.randint(1, 12)}), dtype={dtype})", True
        )


def _extras(draft: Draft) -> list[Extra]:
    """What people hand over besides tensors of floats: masks, pixels, tuples, gains, texts, None."""
    sizes = ", ".join(map(str, draft.shape("x"))) or "()"
    every: list[Extra] = [
        ("keep", f"torch.rand({sizes}) > 0.3", "x = x.masked_fill(~keep, 0.0)"),
        (
            "pixels",
            f"torch.randint(0, 256, {draft.shape('x')}, dtype=torch.uint8)",
            "x = x + pixels.float() / 255",
        ),
        ("state", f"(torch.rand({sizes}), torch.rand({sizes}))", "x = x * state[0] + state[1]"),
        ("offset", "None", "x = x if offset is None else x + offset"),
        ("gain", "0.5", "x = x * gain"),
        ("how", "'twice'", "x = x * 2 if how == 'twice' else x"),
    ]
    return [one for one in every if draft.random.random() < 0.05]


def _shape(random: Random) -> tuple[int, ...]:
    batch = random.choice((1, 1, 1, 1, 2, 3))
    channels = random.choice((1, 2, 3, 4, 6, 8, 9, 16))
    rank = random.choices((0, 1, 2, 3, 4, 5), (1, 1, 4, 7, 10, 1))[0]
    sizes = [random.choice((1, 4, 5, 7, 8, 9, 12, 13, 16)) for _ in range(max(0, rank - 2))]
    if rank == 5:
        sizes = sizes[:1] + [min(one, 4) for one in sizes[1:]]
    return (batch, channels, *sizes) if rank >= 2 else (channels,) * rank


def _values(random: Random, shape: tuple[int, ...]) -> str:
    sizes = ", ".join(map(str, shape))
    return random.choice(
        (f"torch.randn({sizes or '()'})", f"torch.randn({sizes or '()'})", f"torch.rand({sizes or '()'})")
    )


def _outputs(draft: Draft) -> str:
    """An expression of the last value, in some models of others too."""
    random = draft.random
    last = draft.values[-1]
    unread = [one for one in draft.values[:-1] if one not in draft.reused and one.startswith("v")]
    more = unread[-2:]
    if random.random() < 0.25:
        more = [*more, random.choice(draft.values), *([f"{last} > 0"] if random.random() < 0.3 else [])]
    if random.random() < 0.05:
        more = [*more, f"{last}.argmax(-1)"] if draft.shape(last) else more
    if random.random() < 0.06:
        more = [*more, random.choice(("None", "3", "True", "x.shape[-1]" if draft.shape("x") else "0.5"))]
    every = list(dict.fromkeys([last, *more]))
    if len(every) == 1:
        return last if random.random() < 0.9 else f"({last},)"
    kind = random.choice(("tuple", "tuple", "list", "dict", "nested"))
    if kind == "dict":
        return "{" + ", ".join(f"'out{number}': {one}" for number, one in enumerate(every)) + "}"
    if kind == "nested":
        return f"{last}, ({', '.join(every[1:])},)"
    joined = ", ".join(every)
    return f"[{joined}]" if kind == "list" else joined

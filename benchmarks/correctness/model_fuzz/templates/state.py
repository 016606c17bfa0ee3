"""Buffers that the module writes to."""

from __future__ import annotations

_KEPT = "self.register_buffer('{L}', torch.zeros({x_shape}))"

TEMPLATES: dict[int, list[tuple[str, str]]] = {
    -1: [
        (_KEPT, "self.{L}.copy_({x} * 0.1 + self.{L} * 0.9)\n{v} = self.{L} + {x}"),
        (_KEPT, "{v} = {x} - self.{L}\nself.{L}.copy_({x})"),
        (_KEPT, "self.{L}.add_({x})\n{v} = {x} * 0.5 + self.{L}"),
        (_KEPT, "self.{L}.mul_(0.5)\n{v} = {x} + self.{L}"),
        ("self.register_buffer('{L}', torch.zeros(1))", "{v} = {x} * (self.{L} + 1)\nself.{L}.add_(1)"),
        ("self.register_buffer('{L}', torch.zeros(()))", "{v} = {x} + self.{L}\nself.{L}.copy_({x}.mean())"),
        (
            _KEPT,  # a level that falls slowly
            "{v}_level = torch.maximum(self.{L} * 0.9, {x}.abs())\nself.{L}.copy_({v}_level)\n"
            "{v} = {x} / ({v}_level + 0.5)",
        ),
        (
            "self.register_buffer('{L}', torch.zeros(1, dtype=torch.int32))",
            "self.{L}.copy_((self.{L} + 1) % 4)\n{v} = torch.where(self.{L} > 2, {x}, {x} * {a})",
        ),
        (
            _KEPT + "\nself.register_buffer('{M}', torch.zeros({x_shape}))",  # one hands on to the other
            "{v} = {x} + self.{L}\nself.{L}.copy_(self.{M})\nself.{M}.copy_({x} * 0.5)",
        ),
        (
            "self.register_buffer('{L}', torch.ones({last}))",
            "{v} = {x} * self.{L}\nself.{L}.copy_({x}.reshape(-1, {last}).mean(0))",
        ),
    ],
    3: [
        (
            "self.{L} = nn.Conv1d({c}, {o}, 3)\nself.register_buffer('{M}', torch.zeros({b}, {c}, 2))",
            "{v}_all = torch.cat([self.{M}, {x}], -1)\nself.{M}.copy_({v}_all[:, :, -2:])\n{v} = self.{L}({v}_all)",
        ),
        (
            "self.register_buffer('{L}', torch.zeros({b}, 4, {last}))",  # a cache of keys, at a fixed place
            "self.{L}[:, 1:2] = {x}[:, :1]\n{v} = ({x} @ self.{L}.transpose(1, 2)).softmax(-1) @ self.{L}",
        ),
        (
            "self.register_buffer('{L}', torch.zeros({b}, 4, {last}))",  # a window that moves on
            "{v}_all = torch.cat([self.{L}, {x}[:, :1]], 1)[:, 1:]\nself.{L}.copy_({v}_all)\n"
            "{v} = ({x} @ {v}_all.transpose(1, 2)).softmax(-1) @ {v}_all",
        ),
        (
            "self.register_buffer('{L}', torch.zeros({b}, 4, {last}))\nself.register_buffer('{M}', torch.tensor([2]))",
            "self.{L}.index_copy_(1, self.{M}, {x}[:, :1])\n{v} = self.{L} + {x}.mean(1, keepdim=True)",
        ),
        (
            "self.register_buffer('{L}', torch.zeros({b}, {c}, 4))\n"  # a ring
            "self.register_buffer('{M}', torch.zeros(1, dtype=torch.int32))",
            "self.{L}.index_copy_(2, self.{M}.long(), {x}[:, :, :1])\nself.{M}.copy_((self.{M} + 1) % 4)\n"
            "{v} = self.{L} * {a}",
        ),
    ],
    2: [
        (
            "self.{L} = nn.GRUCell({last}, {f})\nself.register_buffer('{M}', torch.zeros({b}, {f}))",
            "{v} = self.{L}({x}, self.{M})\nself.{M}.copy_({v})",
        ),
    ],
}

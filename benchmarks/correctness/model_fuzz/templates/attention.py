"""Attention in its usual forms, over [batch, steps, features] and [batch, channels, height, width]."""

from __future__ import annotations

_SPLIT = "{v}_q, {v}_k, {v}_v = self.{L}({x}).reshape({b}, {c}, 3, {heads}, -1).permute(2, 0, 3, 1, 4)\n"
_JOINED = ".transpose(1, 2).reshape({b}, {c}, {last})"
_CAUSAL = "torch.full(({c}, {c}), -1e4).triu(1)"

TEMPLATES: dict[int, list[tuple[str, str]]] = {
    3: [
        (
            "self.{L} = nn.Linear({last}, 3 * {last})",
            _SPLIT + "{v} = ({v}_q @ {v}_k.transpose(-2, -1) * 0.5).softmax(-1) @ {v}_v\n{v} = {v}" + _JOINED,
        ),
        (
            "self.{L} = nn.Linear({last}, 3 * {last})",
            _SPLIT + "{v} = F.scaled_dot_product_attention({v}_q, {v}_k, {v}_v, is_causal={flag})\n{v} = {v}" + _JOINED,
        ),
        (
            "self.{L} = nn.Linear({last}, 3 * {last})\nself.register_buffer('{M}', " + _CAUSAL + ")",
            _SPLIT + "{v} = ({v}_q @ {v}_k.mT + self.{M}).softmax(-1) @ {v}_v\n{v} = {x} + {v}" + _JOINED,
        ),
        (
            "self.{L} = nn.Linear({last}, 3 * {last})\n"
            "self.register_buffer('{M}', torch.tril(torch.ones({c}, {c})) == 0)",
            _SPLIT + "{v} = ({v}_q @ {v}_k.mT).masked_fill(self.{M}, -1e4).softmax(-1) @ {v}_v\n{v} = {v}" + _JOINED,
        ),
        (
            "self.{L} = nn.MultiheadAttention({last}, {heads}, batch_first=True)",
            "self.{L}({x}, {x}, {x}, need_weights={flag})[0]",
        ),
        (
            "self.{L} = nn.TransformerEncoderLayer({last}, {heads}, {o}, batch_first=True, norm_first={flag})",
            "self.{L}({x})",
        ),
        (
            "self.{L} = nn.Linear({last}, {last})\nself.{M} = nn.Parameter(torch.randn({f}, {last}))",
            "(self.{M} @ self.{L}({x}).transpose(1, 2)).softmax(-1) @ {x}",
        ),
        (
            "self.{L} = nn.Linear({last}, 1)",  # pooling
            "({x} * torch.softmax(self.{L}({x}), dim=1)).sum(1)",
        ),
        (
            "self.{L} = nn.Linear({last}, {last})\nself.{M} = nn.Linear({last}, {last})",  # linear attention
            "{v}_k = F.elu(self.{L}({x})) + 1\n{v} = {v}_k @ ({v}_k.transpose(1, 2) @ self.{M}({x}))",
        ),
        (
            "self.register_buffer('{L}', torch.arange({c}).float()[:, None] * torch.rand({last} // 2))",  # rotary
            "{v}_a, {v}_b = {x}.chunk(2, -1)\n"
            "{v} = torch.cat([{v}_a * self.{L}.cos() - {v}_b * self.{L}.sin(), "
            "{v}_a * self.{L}.sin() + {v}_b * self.{L}.cos()], -1)",
        ),
        ("self.{L} = nn.Parameter(torch.randn(1, {c}, {last}) * 0.1)", "{x} + self.{L}"),
        (
            "self.{L} = nn.Parameter(torch.zeros(1, 1, {last}))",  # class token
            "torch.cat([self.{L}.expand({b}, -1, -1), {x}], 1)",
        ),
    ],
    4: [
        (
            "self.{L} = nn.Conv2d({c}, 3 * {c}, 1)",
            "{v}_q, {v}_k, {v}_v = self.{L}({x}).flatten(2).chunk(3, 1)\n"
            "{v} = {v}_v @ ({v}_q.transpose(1, 2) @ {v}_k).softmax(-1).transpose(1, 2)\n"
            "{v} = {v}.reshape({b}, {c}, {h}, {w}) + {x}",
        ),
        (
            "self.{L} = nn.Conv2d(2, 1, 3, padding=1)",  # spatial attention
            "{x} * torch.sigmoid(self.{L}(torch.cat([{x}.mean(1, keepdim=True), {x}.amax(1, keepdim=True)], 1)))",
        ),
        (
            "self.{L} = nn.Conv1d(1, 1, 3, padding=1)",  # efficient channel attention
            "{x} * torch.sigmoid(self.{L}({x}.mean((2, 3)).unsqueeze(1))).squeeze(1)[:, :, None, None]",
        ),
    ],
}

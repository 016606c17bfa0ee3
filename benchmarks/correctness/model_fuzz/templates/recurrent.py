"""Cells and recurrent layers, over [batch, steps, features]."""

from __future__ import annotations

TEMPLATES: dict[int, list[tuple[str, str]]] = {
    3: [
        ("self.{L} = nn.GRU({last}, {f}, batch_first=True)", "self.{L}({x}[:, :3])[0]"),
        ("self.{L} = nn.LSTM({last}, {f}, batch_first=True)", "self.{L}({x}[:, :3])[0]"),
        ("self.{L} = nn.LSTM({last}, {f}, batch_first=True, bidirectional=True)", "self.{L}({x}[:, :2])[0][:, -1]"),
        ("self.{L} = nn.RNN({last}, {f}, batch_first=True)", "self.{L}({x}[:, :3])[1][0]"),
        (
            "self.{L} = nn.GRUCell({last}, {f})",
            "{v} = torch.zeros({b}, {f})\nfor t in range(min(3, {c})):\n    {v} = self.{L}({x}[:, t], {v})",
        ),
        (
            "self.{L} = nn.Linear({last} + {f}, {f})",
            "{v} = torch.zeros({b}, {f})\nfor t in range(min(3, {c})):\n"
            "    {v} = torch.tanh(self.{L}(torch.cat([{x}[:, t], {v}], 1)))",
        ),
        (
            "self.{L} = nn.Parameter(torch.rand({last}))",  # a leaky integrator
            "{v}_all = [{x}[:, 0]]\nfor t in range(1, min(4, {c})):\n"
            "    {v}_all.append(self.{L} * {v}_all[-1] + (1 - self.{L}) * {x}[:, t])\n{v} = torch.stack({v}_all, 1)",
        ),
    ],
    2: [
        ("self.{L} = nn.GRUCell({last}, {f})", "self.{L}({x}, torch.zeros({b}, {f}))"),
        ("self.{L} = nn.LSTMCell({last}, {f})", "self.{L}({x})[0]"),
        ("self.{L} = nn.GRUCell({last}, {last})", "self.{L}({x}, {y})"),
    ],
}

"""Values looked up, written and masked. `{i}` is an input of indices, where the module has one."""

from __future__ import annotations

from benchmarks.correctness.model_fuzz.templates.expressions import expressions

_LONG = "self.register_buffer('{L}', torch.tensor({some}))"

TEMPLATES: dict[int, list[tuple[str, str]]] = {
    -1: [
        (_LONG, "{x}.index_select({some_dim}, self.{L})"),
        (
            "self.register_buffer('{L}', torch.tensor({some}, dtype=torch.int32))",
            "torch.index_select({x}, {some_dim}, self.{L})",
        ),
        (_LONG, "{x}.movedim({some_dim}, 0)[self.{L}]"),
        ("", "{x}.movedim({some_dim}, 0)[{some}]"),
        ("", "{x}[..., torch.tensor([0, {last} - 1])]"),
        ("self.register_buffer('{L}', torch.randint(0, {last}, {x_shape}))", "{x}.gather(-1, self.{L})"),
        ("self.register_buffer('{L}', torch.randint(0, {last}, {x_shape}))", "torch.take_along_dim({x}, self.{L}, -1)"),
        ("", "{x}.gather(-1, {x}.argmax(-1, keepdim=True))"),
        (_LONG, "{x}.index_copy({some_dim}, self.{L}, {x}.index_select({some_dim}, self.{L}) * 2)"),
        (_LONG, "{x}.index_add({some_dim}, self.{L}, {x}.index_select({some_dim}, self.{L}))"),
        (_LONG, "{x}.index_fill({some_dim}, self.{L}, 0.5)"),
        (
            "self.register_buffer('{L}', torch.randint(0, {last}, {x_shape}))",
            "torch.zeros_like({x}).scatter(-1, self.{L}[..., :1], {x}[..., :1])",
        ),
        ("", "torch.select_scatter({x}, {x}.select(-1, 0) * 2, -1, {last} - 1)"),
        ("", "torch.slice_scatter({x}, {x}[:, :1], 1, 0, 1)"),
        ("self.register_buffer('{L}', torch.rand({x_shape}) > 0.3)", "{x}.masked_fill(self.{L}, 0.0)"),
        ("", "torch.tril({x})"),
        ("", "{v} = {x}.clone()\n{v}[:, 0] = 0.5"),
        ("", "{v} = {x}.clone()\n{v}[..., 1:] += {x}[..., :-1]"),
        ("", "F.one_hot({x}.argmax(-1), {last}).float()"),
        # With indices that are an input.
        ("self.{L} = nn.Embedding(8, {o})", "self.{L}({i})"),
        ("self.{L} = nn.Embedding(8, {last})", "self.{L}({i}) * {a}"),
        ("self.{L} = nn.Embedding(8, {last})", "self.{L}({i}).mean(1)"),
        (
            "self.{L} = nn.Embedding(8, {last})\nself.{M} = nn.Embedding({i_last}, {last})",
            "self.{L}({i}) + self.{M}(torch.arange({i_last}))",
        ),
        ("self.{L} = nn.Embedding(8, {last})", "{x} + self.{L}({i})"),
        ("self.{L} = nn.Parameter(torch.randn(8, {last}))", "self.{L}[{i}]"),
        ("self.{L} = nn.Embedding(8, {o})", "F.linear(torch.tanh(self.{L}({i})), self.{L}.weight)"),
        ("", "F.one_hot({i}.long(), 8).float()"),
        ("", "torch.index_select({x}, {dim}, {i}.reshape(-1)[:2].long() % {last})"),
        ("", "({i} == 3).float()"),
        ("", "{i}.float() * 0.125"),
        ("", "torch.where(({i} > 3).unsqueeze(-1), torch.ones(1), torch.zeros(1))"),
        ("self.{L} = nn.EmbeddingBag(8, {o}, mode='mean')", "self.{L}({i})"),
        ("self.register_buffer('{L}', torch.randn(8, {o}))", "torch.index_select(self.{L}, 0, {i}.reshape(-1))"),
    ],
    2: [*expressions("{x}.gather(1, ({i}.long() % {last})[:1].expand({b}, -1))")],
}

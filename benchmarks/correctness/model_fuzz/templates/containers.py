"""Layers in lists and dicts, weights that are computed, and layers that people use less often."""

from __future__ import annotations

_LIST = "self.{L} = nn.ModuleList([nn.Linear({last}, {last}) for _ in range({e})])"

TEMPLATES: dict[int, list[tuple[str, str]]] = {
    -1: [
        (_LIST, "{v} = {x}\nfor layer in self.{L}:\n    {v} = {v} + F.{fn}(layer({v}))"),
        (_LIST, "sum(layer({x}) for layer in self.{L})"),
        (_LIST, "torch.stack([layer({x}) for layer in self.{L}]).mean(0)"),
        (
            "self.{L} = nn.ModuleDict({{'first': nn.Linear({last}, {o}), 'second': nn.Linear({o}, {last})}})",
            "self.{L}['second'](F.{fn}(self.{L}['first']({x})))",
        ),
        (
            "self.{L} = nn.ParameterList([nn.Parameter(torch.randn({last})) for _ in range(2)])",
            "{x} * self.{L}[0] + self.{L}[1]",
        ),
        (
            "self.{L} = nn.Linear({last}, {o})\nself.{M} = nn.Linear({last}, {o})",
            "self.{L}({x}) * F.{fn}(self.{M}({x}))",
        ),
        ("self.{L} = nn.utils.parametrizations.weight_norm(nn.Linear({last}, {o}))", "self.{L}({x})"),
        ("self.register_buffer('{L}', torch.rand({last}), persistent=False)", "{x} - self.{L}"),
        ("self.{L} = nn.Bilinear({last}, {last}, {o})", "self.{L}({x}, {x})"),
        ("self.{L} = nn.Parameter(torch.randn({o}, {last}))", "torch.einsum('...i,oi->...o', {x}, self.{L})"),
        ("", "torch.einsum('...i,...j->...ij', {x}, {x}).flatten(-2)"),
        ("", "{x}.topk(min(2, {last}), dim=-1)[0]"),
        ("", "{x}.float().double().float() + {a}"),
    ],
    5: [
        ("self.{L} = nn.Conv3d({c}, {o}, 3, padding=1)", "F.relu(self.{L}({x}))"),
        ("self.{L} = nn.Conv3d({c}, {c}, 1, groups={c})", "self.{L}({x})"),
        ("self.{L} = nn.BatchNorm3d({c})", "self.{L}({x})"),
        ("", "F.max_pool3d({x}, 2)"),
        ("", "F.avg_pool3d({x}, 2)"),
        ("", "{x}.mean((2, 3, 4))"),
        ("", "F.adaptive_avg_pool3d({x}, 1).flatten(1)"),
    ],
    4: [
        ("self.register_buffer('{L}', torch.randn({c}, 1, 3, 3))", "F.conv2d({x}, self.{L}, padding=1, groups={c})"),
        ("", "F.conv2d({x}, torch.full(({c}, 1, 3, 3), 1 / 9), padding=1, groups={c})"),
        ("self.{L} = nn.Parameter(torch.randn({o}, {c}))", "torch.einsum('bchw,oc->bohw', {x}, self.{L})"),
        ("", "torch.einsum('bchw,bdhw->bcd', {x}, {x})"),
        ("", "torch.cat([{x}, torch.linspace(-1, 1, {w}).expand({b}, 1, {h}, {w})], 1)"),
        ("self.{L} = nn.PixelShuffle(2)", "self.{L}(torch.cat([{x}] * 4, 1))"),
        (
            "self.register_buffer('{L}', torch.rand({b}, {f}, {f}, 2))",
            "F.grid_sample({x}, self.{L}, align_corners={flag})",
        ),
        ("", "F.max_unpool2d(*F.max_pool2d({x}, 2, return_indices=True), 2)"),
        ("self.{L} = nn.ZeroPad2d((0, 1, 0, 1))", "F.max_pool2d(self.{L}({x}), 2)"),
        (
            "self.{L} = nn.ModuleList([nn.Conv2d({c}, {f}, {k}, padding='same') for _ in range(2)])",
            "torch.cat([layer({x}) for layer in self.{L}], 1)",
        ),
        (
            "self.{L} = nn.Conv2d({c}, {f}, 3, stride=2, padding=1)\n"
            "self.{M} = nn.ConvTranspose2d({f}, {c}, 2, stride=2)",
            "torch.cat([{x}, self.{M}(F.relu(self.{L}({x})))[:, :, :{h}, :{w}]], 1)",  # as U-Net
        ),
        ("self.{L} = nn.Softmax2d()", "self.{L}({x})"),
    ],
    3: [
        (
            "self.{L} = nn.utils.parametrizations.weight_norm(nn.Conv1d({c}, {o}, 3, padding=1))",
            "F.relu(self.{L}({x}))",
        ),
        ("self.{L} = nn.LSTM({last}, {f}, num_layers=2, batch_first=True)", "self.{L}({x}[:, :2])[1][0][-1]"),
        ("self.{L} = nn.GRU({last}, {f}, bidirectional=True, batch_first=True)", "self.{L}({x}[:, :2])[0]"),
        ("", "torch.einsum('bcl,bdl->bcd', {x}, {x}).softmax(-1) @ {x}"),
        ("", "torch.scatter_add(torch.zeros_like({x}), 1, {x}.argmax(1, keepdim=True), {x}[:, :1])"),
        ("", "torch.baddbmm({x} @ {x}.mT, {x}, {x}.mT)"),
    ],
    2: [
        ("self.{L} = nn.Parameter(torch.randn({last}, {o}))", "torch.addmm(torch.zeros({o}), {x}, self.{L})"),
        ("", "torch.cat([{x}[:, i : i + 2].mean(1, keepdim=True) for i in range(0, {last} - 1, 2)], 1)"),
        ("", "torch.stack({x}.unbind(1)[::-1], 1)"),
    ],
}

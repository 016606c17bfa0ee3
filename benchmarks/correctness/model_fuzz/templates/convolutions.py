"""Layers over pixels and frames."""

from __future__ import annotations

TEMPLATES: dict[int, list[tuple[str, str]]] = {
    5: [
        ("self.{L} = nn.Conv3d({c}, {o}, (1, {k}, {k}), padding=(0, {q}, {q}))", "F.relu(self.{L}({x}))"),
        ("self.{L} = nn.Conv3d({c}, {o}, {k}, stride=(1, {s}, {s}), padding=1)", "self.{L}({x})"),
        ("self.{L} = nn.Sequential(nn.Conv3d({c}, {o}, 1), nn.BatchNorm3d({o}), nn.{A}())", "self.{L}({x})"),
        ("", "F.max_pool3d({x}, (1, 2, 2))"),
        ("", "F.avg_pool3d({x}, 2)"),
        ("", "F.adaptive_avg_pool3d({x}, 1)"),
        ("self.{L} = nn.Conv2d({c}, {o}, 3, padding=1)", "self.{L}({x}.transpose(1, 2).flatten(0, 1))"),
    ],
    4: [
        ("self.{L} = nn.Conv2d({c}, {o}, {k}, stride={s}, padding={q})", "self.{L}({x})"),
        ("self.{L} = nn.Conv2d({c}, {o}, {k}, padding='same', bias=False)", "self.{L}({x})"),
        ("self.{L} = nn.Conv2d({c}, {o}, ({k}, {k2}), padding=({q}, {q2}), dilation={e})", "F.relu(self.{L}({x}))"),
        ("self.{L} = nn.Conv2d({c}, {c}, {k}, padding={q}, stride={s}, groups={c})", "self.{L}({x})"),
        ("self.{L} = nn.Conv2d({c}, {g} * {f}, {k}, padding={q}, groups={g})", "self.{L}({x})"),
        ("self.{L} = nn.Conv2d({c}, {o}, 1)", "self.{L}({x})"),
        ("self.{L} = nn.Conv2d({c}, {o}, 3, padding=1, padding_mode='{mode}')", "self.{L}({x})"),
        (
            "self.{L} = nn.Sequential("
            "nn.Conv2d({c}, {o}, {k}, padding={q}, bias=False), nn.BatchNorm2d({o}), nn.{A}())",
            "self.{L}({x})",
        ),
        (
            "self.{L} = nn.Sequential(nn.Conv2d({c}, {c}, 3, padding=1, groups={c}), nn.Conv2d({c}, {o}, 1), nn.{A}())",
            "self.{L}({x})",
        ),
        (
            "self.{L} = nn.ConvTranspose2d({c}, {o}, {k}, stride={s}, padding={q}, output_padding={s} - 1)",
            "self.{L}({x})",
        ),
        ("self.{L} = nn.ConvTranspose2d({c}, {o}, 2, stride=2)", "torch.relu(self.{L}({x}))"),
        ("", "F.max_pool2d({x}, {k}, stride={s}, padding={q})"),
        ("", "F.max_pool2d({x}, 3, stride=2, ceil_mode=True)"),
        ("", "F.avg_pool2d({x}, {k}, stride={s})"),
        ("", "F.avg_pool2d({x}, 3, stride={s}, padding=1, count_include_pad={flag})"),
        ("", "F.adaptive_avg_pool2d({x}, {f})"),
        ("self.{L} = nn.AdaptiveAvgPool2d(1)", "self.{L}({x})"),
        ("", "F.interpolate({x}, scale_factor={f}, mode='nearest')"),
        ("", "F.interpolate({x}, scale_factor=2, mode='bilinear', align_corners={flag})"),
        ("", "F.interpolate({x}, size=({h} + {f}, {w} + {k}), mode='bilinear')"),
        ("", "F.interpolate({x}, size=({h} // 2 + 1, {w}), mode='nearest')"),
        ("self.{L} = nn.Upsample(scale_factor=2)", "self.{L}({x})"),
        ("", "F.pixel_unshuffle({x}, 2)"),
        ("self.{L} = nn.Conv2d({c}, 4 * {f}, 1)", "F.pixel_shuffle(self.{L}({x}), 2)"),
        (
            "self.{L} = nn.Linear({c}, {o})\nself.{M} = nn.Linear({o}, {c})",
            "{x} * torch.sigmoid(self.{M}(torch.relu(self.{L}({x}.mean((2, 3)))))).reshape({b}, {c}, 1, 1)",
        ),
        (
            "self.{L} = nn.Conv2d({c}, {c}, 3, padding=1)",
            "{x} + self.{L}(F.relu(self.{L}({x})))",  # shared weights
        ),
        ("self.{L} = nn.Conv2d({c}, 2 * {f}, 1)", "torch.cat([*self.{L}({x}).chunk(2, 1), {x}], 1)"),
        ("self.{L} = nn.Conv2d({c}, 2 * {f}, 1)", "F.glu(self.{L}({x}), 1)"),
        ("", "F.unfold({x}, {k}, stride={s})"),
        ("self.{L} = nn.Conv3d({c}, {o}, (1, {k}, {k}))", "self.{L}({x}.unsqueeze(2)).squeeze(2)"),
        ("self.{L} = nn.Dropout2d(0.2)", "self.{L}({x})"),
    ],
    3: [
        ("self.{L} = nn.Conv1d({c}, {o}, {k}, stride={s}, padding={q})", "self.{L}({x})"),
        ("self.{L} = nn.Conv1d({c}, {o}, 3, dilation={e}, padding={e})", "F.leaky_relu(self.{L}({x}), 0.1)"),
        ("self.{L} = nn.Conv1d({c}, {o}, {k}, dilation={e})", "self.{L}(F.pad({x}, (({k} - 1) * {e}, 0)))"),
        ("self.{L} = nn.Conv1d({c}, {c}, {k}, padding='same', groups={c})", "self.{L}({x})"),
        ("self.{L} = nn.Conv1d({c}, {g} * {f}, 3, padding=1, groups={g})", "self.{L}({x})"),
        (
            "self.{L} = nn.Sequential(nn.Conv1d({c}, {o}, {k}), nn.BatchNorm1d({o}), nn.{A}(), nn.Dropout(0.1))",
            "self.{L}({x})",
        ),
        ("self.{L} = nn.ConvTranspose1d({c}, {o}, {k}, stride={s})", "self.{L}({x})"),
        (
            "self.{L} = nn.Conv1d({c}, 2 * {f}, 1)",
            "torch.tanh(self.{L}({x})[:, :{f}]) * self.{L}({x})[:, {f}:].sigmoid()",
        ),
        ("", "F.max_pool1d({x}, 2)"),
        ("", "F.avg_pool1d({x}, {k}, stride={s})"),
        ("", "F.adaptive_avg_pool1d({x}, {f})"),
        ("", "F.interpolate({x}, scale_factor=2)"),
        ("", "F.interpolate({x}, size={t} + 3, mode='linear')"),
    ],
}

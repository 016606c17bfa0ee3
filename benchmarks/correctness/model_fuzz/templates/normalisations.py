"""Normalisations, by layers and by hand."""

from __future__ import annotations

from benchmarks.correctness.model_fuzz.templates.expressions import expressions

TEMPLATES: dict[int, list[tuple[str, str]]] = {
    -1: [
        *expressions(
            "{x} / ({x}.abs().max() + 1e-3)",
            "({x} - {x}.mean()) / ({x}.std() + 1e-3)",
            "({x} - {x}.min()) / ({x}.max() - {x}.min() + 1e-3)",
            "{x} - {x}.mean()",
            "{x} / ({x}.norm() + 1e-3)",
            "({x} - {x}.mean({dim}, keepdim=True)) / ({x}.std({dim}, keepdim=True) + 1e-2)",
            "F.normalize({x}, dim={dim})",
            "{x} * torch.rsqrt({x}.pow(2).mean(-1, keepdim=True) + 1e-5)",
            "{x} / {x}.abs().sum({dim}, keepdim=True).clamp(min=0.1)",
            "{x} - {x}.amax({dim}, keepdim=True)",
            "({x} - {x}.mean()) / torch.sqrt({x}.var(unbiased=False) + 1e-2)",
            "{x} * torch.sigmoid({x}.mean())",
            "{x} / {x}.abs().amax({dim}, keepdim=True).clamp(min=1e-2)",
        ),
        ("self.{L} = nn.LayerNorm({last})", "self.{L}({x})"),
        ("self.{L} = nn.LayerNorm({last}, elementwise_affine=False)", "self.{L}({x})"),
        ("self.{L} = nn.RMSNorm({last})", "self.{L}({x})"),
        (
            "self.{L} = nn.Parameter(torch.ones({last}))",
            "{x} * torch.rsqrt(({x} * {x}).mean(-1, True) + 1e-5) * self.{L}",
        ),
    ],
    4: [
        ("self.{L} = nn.BatchNorm2d({c})", "self.{L}({x})"),
        ("self.{L} = nn.GroupNorm({g}, {c})", "self.{L}({x})"),
        ("self.{L} = nn.InstanceNorm2d({c}, affine={flag})", "self.{L}({x})"),
        ("self.{L} = nn.LayerNorm([{c}, {h}, {w}])", "self.{L}({x})"),
        ("self.{L} = nn.LayerNorm({c})", "self.{L}({x}.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)"),
        (
            "self.{L} = nn.Parameter(torch.ones(1, {c}, 1, 1))",
            "{v}_norm = torch.norm({x}, p=2, dim=(2, 3), keepdim=True)\n"
            "{v} = {x} * self.{L} * ({v}_norm / ({v}_norm.mean(1, keepdim=True) + 1e-3)) + {x}",
        ),
        ("self.{L} = nn.LocalResponseNorm(3)", "self.{L}({x})"),
    ],
    3: [
        ("self.{L} = nn.BatchNorm1d({c})", "self.{L}({x})"),
        ("self.{L} = nn.InstanceNorm1d({c})", "self.{L}({x})"),
        ("self.{L} = nn.GroupNorm(1, {c})", "self.{L}({x})"),
        ("self.{L} = nn.LayerNorm({c})", "self.{L}({x}.transpose(1, 2)).transpose(1, 2)"),
    ],
    2: [("self.{L} = nn.BatchNorm1d({last})", "self.{L}({x})")],
}

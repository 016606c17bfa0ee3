"""Statements in place: on a value of its own, on a part of one, by layers in place."""

from __future__ import annotations

_LINEAR = "self.{L} = nn.Linear({last}, {last})"
_CONV = "self.{L} = nn.Conv2d({c}, {c}, 3, padding=1)"

TEMPLATES: dict[int, list[tuple[str, str]]] = {
    -1: [
        (_LINEAR, "{v} = self.{L}({x})\n{v} += {x}"),
        (_LINEAR, "{v} = self.{L}({x})\n{v} *= torch.sigmoid({x})"),
        (_LINEAR, "{v} = self.{L}({x})\n{v}.add_({x}).mul_({a}).sub_(0.1)"),
        (_LINEAR, "{v} = self.{L}({x})\n{v}.clamp_(-0.5, 0.5)\n{v} = {v} + {x}"),
        (_LINEAR, "{v} = F.relu(self.{L}({x}), inplace=True)\n{v} = {v} + {x}"),
        (_LINEAR, "{v} = self.{L}({x})\n{v}.masked_fill_({v} < 0, {a})"),
        (_LINEAR, "{v} = self.{L}({x})\n{v}[{v} < 0] = 0.0"),
        ("", "{v} = {x} * {a}\n{v}.div_(2.0)"),
        ("", "{v} = {x} * {a}\n{v}.tanh_()"),
        ("", "{v} = torch.zeros_like({x})\n{v} += {x}"),
        ("", "{v} = {x} * {a}\n{v}[..., :1].mul_(2.0)"),
        ("", "{v} = {x} * {a}\n{v}[..., 1:] = {x}[..., :-1]"),
        ("", "{v} = torch.zeros({shape})\n{v}[..., ::2] = {x}[..., ::2]"),
        ("", "{v} = {x} * {a}\n{v}.unsqueeze_(-1)\n{v} = {v}.squeeze(-1)"),
    ],
    4: [
        (
            "self.{L} = nn.Sequential(nn.Conv2d({c}, {c}, 3, padding=1, bias=False), nn.BatchNorm2d({c}))\n"
            "self.{M} = nn.ReLU(inplace=True)",
            "{v} = self.{L}(self.{M}(self.{L}({x})))\n{v} += {x}\n{v} = self.{M}({v})",
        ),
        (
            "self.{L} = nn.Sequential(nn.Conv2d({c}, {o}, 1), nn.BatchNorm2d({o}), nn.Hardswish(inplace=True), "
            "nn.Conv2d({o}, {o}, 3, padding=1, groups={o}), nn.ReLU6(inplace=True), nn.Conv2d({o}, {c}, 1))",
            "{x} + self.{L}({x})",
        ),
        (
            "self.{L} = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d({c}, {o}, 1), nn.SiLU(inplace=True), "
            "nn.Conv2d({o}, {c}, 1), nn.Hardsigmoid(inplace=True))",
            "{x} * self.{L}({x})",
        ),
        (_CONV + "\nself.{M} = nn.Dropout(0.2, inplace=True)", "self.{M}(F.relu_(self.{L}({x})))"),
        (_CONV, "{v} = self.{L}({x})\n{v}[:, :1] = torch.sigmoid({v}[:, :1])"),
        (_CONV + "\nself.{M} = nn.ReLU(inplace=True)", "{v} = self.{L}({x})\n{v} = {v} + self.{L}(self.{M}({v}))"),
    ],
}

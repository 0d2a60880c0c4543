"""YOLOv8's published topology: C2f backbone, SPPF, PAN neck, decoupled head with DFL.

Written from the architecture's description, so that exports have its layer
shapes, cost (3.16 M parameters at size n) and output layout.
"""

import math

import torch
from torch import nn

# The 80 class names of COCO, in its order.
COCO = (
    "person bicycle car motorcycle airplane bus train truck boat traffic_light fire_hydrant stop_sign "
    "parking_meter bench bird cat dog horse sheep cow elephant bear zebra giraffe backpack umbrella handbag "
    "tie suitcase frisbee skis snowboard sports_ball kite baseball_bat baseball_glove skateboard surfboard "
    "tennis_racket bottle wine_glass cup fork knife spoon bowl banana apple sandwich orange broccoli carrot "
    "hot_dog pizza donut cake chair couch potted_plant bed dining_table toilet tv laptop mouse remote keyboard "
    "cell_phone microwave oven toaster sink refrigerator book clock vase scissors teddy_bear hair_drier "
    "toothbrush").split()
COCO = tuple(name.replace("_", " ") for name in COCO)

N_WIDTHS = (16, 32, 64, 128, 256)


class Conv(nn.Sequential):
    def __init__(self, cin, cout, kernel=1, stride=1):
        super().__init__(nn.Conv2d(cin, cout, kernel, stride, kernel // 2, bias=False),
                         nn.BatchNorm2d(cout, eps=1e-3), nn.SiLU())


class Bottleneck(nn.Module):
    def __init__(self, channels, shortcut):
        super().__init__()
        self.cv1, self.cv2 = Conv(channels, channels, 3), Conv(channels, channels, 3)
        self.shortcut = shortcut

    def forward(self, x):
        y = self.cv2(self.cv1(x))
        return x + y if self.shortcut else y


class C2f(nn.Module):
    def __init__(self, cin, cout, depth=1, shortcut=False):
        super().__init__()
        self.half = cout // 2
        self.cv1, self.cv2 = Conv(cin, 2 * self.half), Conv((2 + depth) * self.half, cout)
        self.m = nn.ModuleList(Bottleneck(self.half, shortcut) for _ in range(depth))

    def forward(self, x):
        parts = list(self.cv1(x).split(self.half, 1))
        for block in self.m:
            parts.append(block(parts[-1]))
        return self.cv2(torch.cat(parts, 1))


class Sppf(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.cv1, self.cv2 = Conv(channels, channels // 2), Conv(channels * 2, channels)
        self.pool = nn.MaxPool2d(5, 1, 2)

    def forward(self, x):
        parts = [self.cv1(x)]
        for _ in range(3):
            parts.append(self.pool(parts[-1]))
        return self.cv2(torch.cat(parts, 1))


class Detect(nn.Module):
    """Head: box distributions and class scores, decoded to cx cy w h in pixels."""

    strides = (8, 16, 32)

    def __init__(self, classes, channels, bins=16, widths=None):
        super().__init__()
        self.classes, self.bins = classes, bins
        box, cls = widths or (max(16, channels[0] // 4, bins * 4), max(channels[0], min(classes, 100)))
        stack = lambda c, mid, out: nn.Sequential(Conv(c, mid, 3), Conv(mid, mid, 3), nn.Conv2d(mid, out, 1))
        self.cv2 = nn.ModuleList(stack(c, box, 4 * bins) for c in channels)
        self.cv3 = nn.ModuleList(stack(c, cls, classes) for c in channels)
        self.dfl = nn.Conv2d(bins, 1, 1, bias=False)
        self.dfl.weight.data[:] = torch.arange(bins, dtype=torch.float).view(1, bins, 1, 1)
        for a, b, stride in zip(self.cv2, self.cv3, self.strides):
            a[-1].bias.data[:] = 1.0
            b[-1].bias.data[:] = math.log(5 / classes / (640 / stride) ** 2)

    def forward(self, levels):
        raw = [torch.cat([a(x), b(x)], 1).flatten(2) for a, b, x in zip(self.cv2, self.cv3, levels)]
        box, cls = torch.cat(raw, 2).split((4 * self.bins, self.classes), 1)
        sides = box.view(box.shape[0], 4, self.bins, -1).transpose(2, 1).softmax(1)
        before, after = self.dfl(sides).squeeze(1).chunk(2, 1)
        points, strides = self._grid(levels)
        centre = points + (after - before) / 2
        return torch.cat([torch.cat([centre, before + after], 1) * strides, cls.sigmoid()], 1)

    def _grid(self, levels):
        """Cell centres in cells [1, 2, n] and strides [1, 1, n], following the input's size."""
        points, strides = [], []
        for x, stride in zip(levels, self.strides):
            height, width = x.shape[2], x.shape[3]
            ys = (torch.arange(height).float() + 0.5).view(1, 1, -1, 1).expand(1, 1, height, width)
            xs = (torch.arange(width).float() + 0.5).view(1, 1, 1, -1).expand(1, 1, height, width)
            points.append(torch.cat([xs, ys], 1).flatten(2))
            strides.append(torch.full_like(points[-1][:, :1], stride))
        return torch.cat(points, 2), torch.cat(strides, 2)


class YoloV8(nn.Module):
    """The detector; `widths` and `depths` choose its size, `head` narrows the head."""

    def __init__(self, classes=80, widths=N_WIDTHS, depths=(1, 2, 2, 1), bins=16, head=None):
        super().__init__()
        a, b, c, d, e = widths
        self.p2 = nn.Sequential(Conv(3, a, 3, 2), Conv(a, b, 3, 2), C2f(b, b, depths[0], True))
        self.p3 = nn.Sequential(Conv(b, c, 3, 2), C2f(c, c, depths[1], True))
        self.p4 = nn.Sequential(Conv(c, d, 3, 2), C2f(d, d, depths[2], True))
        self.p5 = nn.Sequential(Conv(d, e, 3, 2), C2f(e, e, depths[3], True), Sppf(e))
        self.up = nn.Upsample(scale_factor=2.0, mode="nearest")
        self.up4, self.up3 = C2f(e + d, d, depths[0]), C2f(d + c, c, depths[0])
        self.down4, self.out4 = Conv(c, c, 3, 2), C2f(c + d, d, depths[0])
        self.down5, self.out5 = Conv(d, d, 3, 2), C2f(d + e, e, depths[0])
        self.detect = Detect(classes, (c, d, e), bins, head)

    def forward(self, images):
        p3 = self.p3(self.p2(images))
        p4 = self.p4(p3)
        p5 = self.p5(p4)
        u4 = self.up4(torch.cat([self.up(p5), p4], 1))
        n3 = self.up3(torch.cat([self.up(u4), p3], 1))
        n4 = self.out4(torch.cat([self.down4(n3), u4], 1))
        n5 = self.out5(torch.cat([self.down5(n4), p5], 1))
        return self.detect((n3, n4, n5))

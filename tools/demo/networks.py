"""The three networks: an anchor-free detector, a classifier and an embedder.

All are plain convolutions with BatchNorm and ReLU, because ONNX Runtime folds
both into the convolution on a CPU; channels are multiples of 16, its block size.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

STRIDES = (8, 16, 32)


class ConvBn(nn.Sequential):
    """Convolution, BatchNorm, ReLU."""

    def __init__(self, cin, cout, kernel=3, stride=1, groups=1):
        super().__init__(
            nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(cout, momentum=0.03),
            nn.ReLU(inplace=True))


class Separable(nn.Sequential):
    """Depthwise 3x3 then pointwise: the head's cheap convolution."""

    def __init__(self, cin, cout):
        super().__init__(ConvBn(cin, cin, 3, groups=cin), ConvBn(cin, cout, 1))


class Bottleneck(nn.Module):
    def __init__(self, channels, shortcut):
        super().__init__()
        self.body = nn.Sequential(ConvBn(channels, channels), ConvBn(channels, channels))
        self.shortcut = shortcut

    def forward(self, x):
        return x + self.body(x) if self.shortcut else self.body(x)


class C2f(nn.Module):
    """YOLOv8's block: split, chain bottlenecks, concatenate every stage."""

    def __init__(self, cin, cout, depth=1, shortcut=False):
        super().__init__()
        self.half = cout // 2
        self.enter = ConvBn(cin, cout, 1)
        self.chain = nn.ModuleList(Bottleneck(self.half, shortcut) for _ in range(depth))
        self.leave = ConvBn(self.half * (2 + depth), cout, 1)

    def forward(self, x):
        parts = list(self.enter(x).split(self.half, 1))
        for block in self.chain:
            parts.append(block(parts[-1]))
        return self.leave(torch.cat(parts, 1))


class Sppf(nn.Module):
    """Three chained 5x5 max-pools: a wide view at little cost."""

    def __init__(self, channels):
        super().__init__()
        self.enter = ConvBn(channels, channels // 2, 1)
        self.pool = nn.MaxPool2d(5, 1, 2)
        self.leave = ConvBn(channels * 2, channels, 1)

    def forward(self, x):
        parts = [self.enter(x)]
        for _ in range(3):
            parts.append(self.pool(parts[-1]))
        return self.leave(torch.cat(parts, 1))


class Head(nn.Module):
    """Decoupled head of one level: four log-distances and the class logits."""

    def __init__(self, channels, classes, stride):
        super().__init__()
        self.box = nn.Sequential(Separable(channels, 32), Separable(32, 32), nn.Conv2d(32, 4, 1))
        self.cls = nn.Sequential(Separable(channels, 48), Separable(48, 48), nn.Conv2d(48, classes, 1))
        nn.init.constant_(self.box[-1].bias, 1.0)
        nn.init.constant_(self.cls[-1].bias, math.log(5 / classes / (640 / stride) ** 2))

    def forward(self, x):
        return torch.cat([F.softplus(self.box(x)), self.cls(x)], 1)


class Backbone(nn.Module):
    """Features at strides 8, 16 and 32, of 32, 64 and 128 channels."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(ConvBn(3, 16, 3, 2), ConvBn(16, 24, 3, 2))
        self.p3 = nn.Sequential(ConvBn(24, 32, 3, 2), C2f(32, 32, 1, True))
        self.p4 = nn.Sequential(ConvBn(32, 64, 3, 2), C2f(64, 64, 2, True))
        self.p5 = nn.Sequential(ConvBn(64, 128, 3, 2), C2f(128, 128, 2, True), Sppf(128))

    def pyramid(self, x):
        p3 = self.p3(self.stem(x))
        p4 = self.p4(p3)
        return p3, p4, self.p5(p4)


class Detector(Backbone):
    """Anchor-free detector with strides 8, 16, 32; see `forward` for its output."""

    def __init__(self, classes):
        super().__init__()
        self.up4, self.up3 = C2f(192, 64), C2f(96, 32)
        self.down4, self.out4 = ConvBn(32, 64, 3, 2), C2f(128, 64)
        self.down5, self.out5 = ConvBn(64, 128, 3, 2), C2f(256, 128)
        self.heads = nn.ModuleList(Head(c, classes, s) for c, s in zip((32, 64, 128), STRIDES))

    def features(self, x):
        return self.merge(*self.pyramid(x))

    def merge(self, p3, p4, p5):
        """The path down and up again that gives every level the others' view."""
        u4 = self.up4(torch.cat([_double(p5), p4], 1))
        n3 = self.up3(torch.cat([_double(u4), p3], 1))
        n4 = self.out4(torch.cat([self.down4(n3), u4], 1))
        n5 = self.out5(torch.cat([self.down5(n4), p5], 1))
        return n3, n4, n5

    def forward(self, x):
        """Raw [batch, 4 + classes, anchors]: distances in strides, class logits."""
        return torch.cat([head(f).flatten(2) for head, f in zip(self.heads, self.features(x))], 2)


def _double(x):
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def anchor_points(height, width):
    """Cell centres in pixels [anchors, 2] and each one's stride [anchors]."""
    points, strides = [], []
    for stride in STRIDES:
        ys, xs = torch.meshgrid(torch.arange(height // stride), torch.arange(width // stride), indexing="ij")
        points.append((torch.stack([xs, ys], -1).reshape(-1, 2) + 0.5) * stride)
        strides.append(torch.full((points[-1].shape[0],), stride))
    return torch.cat(points).float(), torch.cat(strides).float()


def to_boxes(distances, points, strides):
    """Distances [.., 4, anchors] in strides to x1 y1 x2 y2 [.., anchors, 4] in pixels."""
    reach = distances.transpose(-1, -2) * strides[:, None]
    return torch.cat([points - reach[..., :2], points + reach[..., 2:]], -1)


class DetectorForExport(nn.Module):
    """The detector with its boxes decoded as Ultralytics exports them:
    [batch, 4 + classes, anchors] of cx cy w h in input pixels and class scores."""

    def __init__(self, detector, side=640):
        super().__init__()
        self.detector = detector
        points, strides = anchor_points(side, side)
        self.register_buffer("points", points.t().contiguous()[None])
        self.register_buffer("strides", strides[None, None])

    def forward(self, images):
        raw = self.detector(images)
        before, after, logits = raw[:, :2], raw[:, 2:4], raw[:, 4:]
        centre = self.points + (after - before) * (self.strides * 0.5)
        size = (before + after) * self.strides
        return torch.cat([centre, size, logits.sigmoid()], 1)


class Trunk(nn.Module):
    """What the classifier and embedder share: the detector, cut before its last layer.

    The strongest response of each class feature at strides 16 and 32 tells the
    shape; early features, which still know colour, are added beside it.
    """

    width = 2 * 48 + 2 * 32

    def __init__(self):
        super().__init__()
        body = Detector(1)
        self.body, self.tell = body, nn.ModuleList(head.cls[:2] for head in body.heads[1:])
        del body.heads
        self.norm = nn.BatchNorm1d(self.width, momentum=0.03)

    def forward(self, x):
        pyramid = self.body.pyramid(x)
        early, levels = pyramid[0], self.body.merge(*pyramid)[1:]
        pooled = [tell(level).amax((2, 3)) for tell, level in zip(self.tell, levels)]
        return self.norm(torch.cat([*pooled, early.mean((2, 3)), early.amax((2, 3))], 1).float())

    def start_from(self, detector_state):
        """Copies all it can out of a detector's weights."""
        theirs = {f"body.{name}": value for name, value in detector_state.items()}
        for name, value in detector_state.items():
            level, _, rest = name.removeprefix("heads.").partition(".cls.")
            if rest and level != "0":
                theirs[f"tell.{int(level) - 1}.{rest}"] = value
        self.load_state_dict({name: theirs.get(name, value) for name, value in self.state_dict().items()})


class Classifier(nn.Module):
    """Class logits of a picture in 0..1."""

    def __init__(self, classes):
        super().__init__()
        self.trunk, self.out = Trunk(), nn.Linear(Trunk.width, classes)

    def head(self, features):
        return self.out(features)

    def forward(self, x):
        return self.head(self.trunk(x))


class Embedder(nn.Module):
    """A unit vector of a picture in 0..1; alike pictures have a high dot product."""

    def __init__(self, width=128):
        super().__init__()
        self.trunk, self.out = Trunk(), nn.Linear(Trunk.width, width)

    def head(self, features):
        y = self.out(features)
        return y / y.pow(2).sum(1, keepdim=True).add(1e-12).sqrt()

    def forward(self, x):
        return self.head(self.trunk(x))


def parameters(network):
    """Number of trainable parameters."""
    return sum(p.numel() for p in network.parameters())

"""Offline figures of the three networks on held-out scenes."""

import numpy as np
import torch

from .held_out import decode, held_out_portraits, letterbox
from .metrics import retrieval
from .networks import DetectorForExport


def to_tensor(image):
    return torch.from_numpy(image).permute(2, 0, 1)[None].float().div(255)


class TorchDetector:
    """RGB picture in, (boxes in its pixels, scores, labels) out."""

    def __init__(self, network, confidence=0.01):
        self.network = DetectorForExport(network.eval()).eval()
        self.confidence = confidence

    @torch.no_grad()
    def __call__(self, image):
        square, scale, left, top = letterbox(image)
        return decode(self.network(to_tensor(square))[0].numpy(), self.confidence, scale, left, top)


@torch.no_grad()
def run(network, images):
    network.eval()
    return np.concatenate([network(to_tensor(image)).numpy() for image in images])


def evaluate_classifier(network, count=800):
    """Top-1 accuracy."""
    images, labels, _ = zip(*held_out_portraits(count))
    return float((run(network, images).argmax(1) == np.array(labels)).mean())


def evaluate_embedder(network, count=800):
    """Recall@1 and mAP over class x colour identities."""
    images, _, identities = zip(*held_out_portraits(count))
    return retrieval(run(network, images), np.array(identities))

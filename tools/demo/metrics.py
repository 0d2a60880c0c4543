"""Detection and retrieval figures, on NumPy arrays only."""

import numpy as np


def iou(a, b):
    """IoU of [n, 4] with [m, 4]."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(-1)
    area = lambda x: (x[:, 2:] - x[:, :2]).prod(-1)
    return shared / np.maximum(area(a)[:, None] + area(b)[None] - shared, 1e-9)


def nms(boxes, scores, labels, threshold=0.7):
    """Class-aware non-maximum suppression; indices of what stays, best first."""
    order = np.argsort(-scores, kind="stable")
    keep = []
    while len(order):
        first, rest = order[0], order[1:]
        keep.append(first)
        same = labels[rest] == labels[first]
        order = rest[~(same & (iou(boxes[first:first + 1], boxes[rest])[0] > threshold))]
    return np.array(keep, int)


def match(boxes, scores, labels, truth, truth_labels, threshold=0.5):
    """True for each detection that claims an unclaimed object of its class."""
    hit = np.zeros(len(scores), bool)
    if not len(truth) or not len(scores):
        return hit
    overlap = iou(boxes, truth) * (labels[:, None] == truth_labels[None])
    free = np.ones(len(truth), bool)
    for i in np.argsort(-scores, kind="stable"):
        best = int(np.argmax(overlap[i] * free))
        if free[best] and overlap[i, best] >= threshold:
            hit[i], free[best] = True, False
    return hit


def average_precision(scores, hits, total):
    """Area under the interpolated precision-recall curve (COCO's 101 points)."""
    if total == 0:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    true = np.cumsum(hits[order])
    recall, precision = true / total, true / np.arange(1, len(true) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(recall, np.linspace(0, 1, 101))
    return float(np.mean([precision[i] if i < len(precision) else 0.0 for i in at]))


class DetectionScore:
    """Gathers pictures one by one, then says AP at IoU 0.5 for each class."""

    def __init__(self, classes):
        self.classes = classes
        self.rows, self.totals = [], np.zeros(classes, int)

    def add(self, boxes, scores, labels, truth, truth_labels):
        hits = match(boxes, scores, labels, truth, truth_labels)
        self.rows.append((scores, hits, labels))
        self.totals += np.bincount(truth_labels, minlength=self.classes)
        return hits

    def per_class(self):
        scores, hits, labels = (np.concatenate(column) for column in zip(*self.rows))
        return [average_precision(scores[labels == c], hits[labels == c], self.totals[c])
                for c in range(self.classes)]

    def map50(self):
        return float(np.nanmean(self.per_class()))


def retrieval(vectors, identities):
    """Leave-one-out recall@1 and mean average precision of unit vectors."""
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -np.inf)
    order = np.argsort(-likeness, axis=1)[:, :-1]
    relevant = identities[order] == identities[:, None]
    known = relevant.any(1)
    relevant = relevant[known]
    ranks = np.arange(1, relevant.shape[1] + 1)
    precision = np.cumsum(relevant, 1) / ranks
    ap = (precision * relevant).sum(1) / relevant.sum(1)
    return float(relevant[:, 0].mean()), float(ap.mean())

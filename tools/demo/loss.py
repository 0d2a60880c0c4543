"""Detector loss: task-aligned assignment, quality-weighted BCE and CIoU."""

import math

import torch
from torch.nn import functional as F

from .networks import anchor_points, to_boxes

TOP, ALPHA, BETA = 10, 0.5, 6.0
BOX_GAIN, CLASS_GAIN = 7.5, 1.0


def iou_matrix(truth, boxes):
    """IoU of [batch, m, 4] with [batch, n, 4] -> [batch, m, n]."""
    low = torch.maximum(truth[:, :, None, :2], boxes[:, None, :, :2])
    high = torch.minimum(truth[:, :, None, 2:], boxes[:, None, :, 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    area = lambda b: (b[..., 2:] - b[..., :2]).clamp(min=0).prod(-1)
    return shared / (area(truth)[:, :, None] + area(boxes)[:, None, :] - shared + 1e-7)


def ciou(a, b):
    """Complete IoU of paired boxes [n, 4]."""
    low, high = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    wa, wb = a[:, 2:] - a[:, :2], b[:, 2:] - b[:, :2]
    iou = shared / (wa.prod(-1) + wb.prod(-1) - shared + 1e-7)
    hull = torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])
    apart = ((a[:, :2] + a[:, 2:] - b[:, :2] - b[:, 2:]) ** 2).sum(-1) / 4
    lean = torch.atan(wb[:, 0] / (wb[:, 1] + 1e-7)) - torch.atan(wa[:, 0] / (wa[:, 1] + 1e-7))
    v = 4 / math.pi ** 2 * lean ** 2
    with torch.no_grad():
        weight = v / (1 - iou + v + 1e-7)
    return iou - apart / ((hull ** 2).sum(-1) + 1e-7) - weight * v


@torch.no_grad()
def assign(scores, boxes, points, truth, labels, real):
    """Task-aligned assignment.

    scores [b, n, classes], boxes [b, n, 4], truth [b, m, 4], labels [b, m], real [b, m].
    Returns for each anchor: matched object [b, n], positive mask [b, n] and the
    soft class target [b, n] (alignment scaled so that each object's best is its IoU).
    """
    inside = torch.cat([points - truth[:, :, None, :2], truth[:, :, None, 2:] - points], -1)
    inside = (inside.amin(-1) > 1e-6) & real[:, :, None]
    overlap = iou_matrix(truth, boxes)
    picked = scores.transpose(1, 2).gather(1, labels[:, :, None].expand(-1, -1, scores.shape[1]))
    metric = picked ** ALPHA * overlap ** BETA * inside
    best = metric.topk(TOP, dim=-1)
    chosen = torch.zeros_like(metric).scatter_(2, best.indices, 1.0).bool() & inside
    contested = chosen.sum(1, keepdim=True) > 1
    owner = (overlap * chosen).argmax(1)
    only = F.one_hot(owner, truth.shape[1]).transpose(1, 2).bool()
    chosen = torch.where(contested, chosen & only, chosen)
    metric = metric * chosen
    peak = metric.amax(-1, keepdim=True)
    peak_iou = (overlap * chosen).amax(-1, keepdim=True)
    target = (metric / (peak + 1e-9) * peak_iou).amax(1)
    return chosen.float().argmax(1), chosen.any(1), target


def detector_loss(raw, side, truth, labels, real):
    """Total loss and its two parts, for raw network output [b, 4 + classes, n]."""
    points, strides = anchor_points(side, side)
    logits = raw[:, 4:].transpose(1, 2)
    boxes = to_boxes(raw[:, :4], points, strides)
    owner, positive, target = assign(logits.detach().sigmoid(), boxes.detach(), points, truth, labels, real)
    wanted = torch.zeros_like(logits)
    rows, cells = positive.nonzero(as_tuple=True)
    mine = owner[rows, cells]
    weight = target[rows, cells]
    wanted[rows, cells, labels[rows, mine]] = weight
    total = wanted.sum().clamp(min=1.0)
    class_loss = F.binary_cross_entropy_with_logits(logits, wanted, reduction="sum") / total
    if len(rows):
        box_loss = ((1 - ciou(boxes[rows, cells], truth[rows, mine])) * weight).sum() / total
    else:
        box_loss = raw[:, :4].sum() * 0
    return BOX_GAIN * box_loss + CLASS_GAIN * class_loss, float(box_loss.detach()), float(class_loss.detach())

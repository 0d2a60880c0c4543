"""Training loops: what is fed, the schedule, the running average of weights."""

import copy
import math
import time

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from . import scenes
from .loss import detector_loss
from .networks import Classifier, Detector, Embedder
from .shapes import COLOURS, LABELS

CROP, PORTRAIT, MOST = 256, 224, 12


class Average:
    """Exponential moving average of a network; smoother and better than its last step."""

    def __init__(self, network, decay):
        self.network, self.decay, self.steps = copy.deepcopy(network).eval(), decay, 0

    @torch.no_grad()
    def update(self, network):
        self.steps += 1
        keep = self.decay * (1 - math.exp(-self.steps / 200))
        for mine, theirs in zip(self.network.state_dict().values(), network.state_dict().values()):
            if mine.dtype.is_floating_point:
                mine.mul_(keep).add_(theirs, alpha=1 - keep)


def optimizer_for(network, rate):
    """AdamW that spares biases and BatchNorm from weight decay."""
    decayed = [p for p in network.parameters() if p.ndim > 1]
    spared = [p for p in network.parameters() if p.ndim <= 1]
    return torch.optim.AdamW([{"params": decayed, "weight_decay": 0.02},
                              {"params": spared, "weight_decay": 0.0}], lr=rate)


def rate_at(step, steps, warm=150):
    """Linear warm-up, then a cosine to 1 %."""
    if step < warm:
        return (step + 1) / warm
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


class Drawings(torch.utils.data.Dataset):
    """Picture i has its own random stream (seed, i), so that every run repeats."""

    def __init__(self, draw, seed, count):
        self.draw, self.seed, self.count = draw, seed, count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        cv2.setNumThreads(1)
        return self.draw(np.random.default_rng((self.seed, index)))


def feed(draw, seed, batch, steps):
    """Batches, as lists, drawn ahead by one other process: with one thread to draw
    and one to learn, two cores are busy and neither waits at a barrier."""
    loader = torch.utils.data.DataLoader(Drawings(draw, seed, batch * steps), batch,
                                         num_workers=1, prefetch_factor=4, collate_fn=list)
    return iter(loader)


def half_precision():
    """bfloat16 for activations: a third faster on CPUs that have it, the same result."""
    return torch.autocast("cpu", dtype=torch.bfloat16)


# ---- detector ------------------------------------------------------------------

def _views(rng):
    """Two training views of one drawn crop: drawing costs as much as learning."""
    scene = scenes.train_crop(rng, CROP)
    return [_view(scene, rng), _view(scene, rng)]


def _view(scene, rng):
    """A random flip, quarter turn and exchange of colour channels."""
    image, boxes = scene.image, scene.boxes()
    if rng.random() < 0.5:
        image, boxes = image[:, ::-1], np.stack(
            [CROP - boxes[:, 2], boxes[:, 1], CROP - boxes[:, 0], boxes[:, 3]], 1)
    if rng.random() < 0.5:
        image, boxes = image.transpose(1, 0, 2), boxes[:, [1, 0, 3, 2]]
    if rng.random() < 0.5:
        image = image[..., rng.permutation(3)]
    return np.ascontiguousarray(image), boxes, scene.labels()


def _collate(views):
    """Views to tensors; boxes padded to MOST per picture, with a mask of real ones."""
    count = len(views)
    images = torch.from_numpy(np.stack([v[0] for v in views])).permute(0, 3, 1, 2)
    truth, labels = torch.zeros(count, MOST, 4), torch.zeros(count, MOST, dtype=torch.long)
    real = torch.zeros(count, MOST, dtype=torch.bool)
    for row, (_, boxes, classes) in enumerate(views):
        n = min(MOST, len(classes))
        truth[row, :n], labels[row, :n] = torch.from_numpy(boxes[:n]), torch.from_numpy(classes[:n])
        real[row, :n] = True
    return images.float().div_(255), truth, labels, real


def train_detector(steps, seed, save, batch=16, rate=2.5e-3, check=None, start=None):
    """Trains the detector, from the weights `start` if given; `save(network)` receives
    the averaged weights now and then."""
    torch.manual_seed(seed)
    network = Detector(len(LABELS))
    if start:
        network.load_state_dict(start)
    network = network.to(memory_format=torch.channels_last)
    average, optimizer = Average(network, 0.998), optimizer_for(network, rate)
    kept, log = [], Progress("detector", steps)
    for step, drawn in enumerate(feed(_views, seed, batch // 2, steps)):
        views = [pair[0] for pair in drawn] + kept[:batch - len(drawn)]
        kept = [pair[1] for pair in drawn]
        images, truth, labels, real = _collate(views)
        with half_precision():
            raw = network(images.contiguous(memory_format=torch.channels_last))
        loss, box, cls = detector_loss(raw.float(), CROP, truth, labels, real)
        _advance(network, optimizer, average, loss, rate * rate_at(step, steps))
        log.show(step, box=box, cls=cls)
        if (step + 1) % 500 == 0 or step + 1 == steps:
            save(average.network)
            if check:
                log.note(check(average.network))
    return average.network


def _advance(network, optimizer, average, loss, rate):
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
    optimizer.step()
    average.update(network)


# ---- classifier and embedder ---------------------------------------------------

def _portrait(rng):
    image, thing = scenes.portrait(rng, PORTRAIT, scenes.TRAIN)
    return image, thing.label, thing.colour


def _portraits(drawn):
    images, labels, colours = zip(*drawn)
    images = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float().div_(255)
    return images.contiguous(memory_format=torch.channels_last), torch.tensor(labels), torch.tensor(colours)


def _answer(network, images):
    """The network's output, with only the convolutions in half precision."""
    with half_precision():
        features = network.trunk(images)
    return network.head(features.float())


def train_classifier(steps, seed, save, detector_state):
    """Cross-entropy with a little label smoothing."""
    loss_of = lambda network, images, labels, colours: F.cross_entropy(
        _answer(network, images), labels, label_smoothing=0.05)
    torch.manual_seed(seed)
    network = Classifier(len(LABELS))
    network.trunk.start_from(detector_state)
    return _train_portraits("classifier", network, loss_of, steps, seed, save)


def train_embedder(steps, seed, save, detector_state):
    """Normalised softmax against one learned proxy for each class x colour identity."""
    torch.manual_seed(seed)
    network = Embedder()
    network.trunk.start_from(detector_state)
    network.proxies = torch.nn.Parameter(torch.randn(len(LABELS) * len(COLOURS), 128))

    def loss_of(net, images, labels, colours):
        cosine = _answer(net, images) @ F.normalize(net.proxies, dim=1).t()
        wanted = F.one_hot(labels * len(COLOURS) + colours, cosine.shape[1])
        return F.cross_entropy((cosine - 0.15 * wanted) * 16, wanted.argmax(1), label_smoothing=0.02)

    return _train_portraits("embedder", network, loss_of, steps, seed, save)


def _train_portraits(name, network, loss_of, steps, seed, save, batch=32, rate=1.5e-3):
    network = network.to(memory_format=torch.channels_last)
    average, optimizer = Average(network, 0.99), optimizer_for(network, rate)
    log = Progress(name, steps, 50)
    for step, drawn in enumerate(feed(_portrait, seed + 1, batch, steps)):
        loss = loss_of(network, *_portraits(drawn))
        _advance(network, optimizer, average, loss, rate * rate_at(step, steps, 50))
        log.show(step, loss=float(loss.detach()))
    save(average.network)
    return average.network


class Progress:
    """One line now and then: step, means of the losses, time left."""

    def __init__(self, name, steps, every=100):
        self.name, self.steps, self.every = name, steps, every
        self.start, self.sums = time.monotonic(), {}

    def show(self, step, **values):
        for key, value in values.items():
            self.sums[key] = self.sums.get(key, 0.0) + value
        if (step + 1) % self.every:
            return
        spent = time.monotonic() - self.start
        left = spent / (step + 1) * (self.steps - step - 1)
        means = "  ".join(f"{k} {v / self.every:.4f}" for k, v in self.sums.items())
        print(f"{self.name} {step + 1}/{self.steps}  {means}  "
              f"{spent / 60:.1f} min, {left / 60:.1f} left", flush=True)
        self.sums = {}

    def note(self, text):
        print(f"{self.name} {text}", flush=True)

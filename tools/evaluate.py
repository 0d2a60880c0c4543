#!/usr/bin/env python3
"""Measures the demo models on held-out scenes, through a running server.

    python3 tools/evaluate.py --url http://localhost:9600
    python3 tools/evaluate.py --model classify
    python3 tools/evaluate.py --model embed
    python3 tools/evaluate.py --torch tools/work/detector.pt      without a server

Scenes are drawn from a seed, sent as JPEG to /detect, /classify or /embed, and
the answers scored: mAP50 with per-class AP and the worst failures; accuracy;
recall@1 and mAP. With --torch the checkpoint answers instead of a server.
"""

import argparse
import json
import pathlib
import sys
import time
import urllib.error
import urllib.request
import uuid

import cv2
import numpy as np

from demo import held_out
from demo.metrics import iou, retrieval
from demo.shapes import COLOURS, LABELS

SHOWN = 0.25


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://localhost:9600", help="the gateway")
    parser.add_argument("--model", choices=("detect", "classify", "embed"), default="detect")
    parser.add_argument("--torch", type=pathlib.Path, help="a checkpoint to ask instead of a server")
    parser.add_argument("--count", type=int, help="pictures (default 500 scenes, 800 portraits)")
    parser.add_argument("--seed", type=int, default=held_out.SEED)
    parser.add_argument("--quality", type=int, default=92, help="JPEG quality of what is sent")
    parser.add_argument("--confidence", type=float, default=0.01, help="lowest score asked for")
    parser.add_argument("--worst", type=int, default=20, help="failures to print")
    parser.add_argument("--save", type=pathlib.Path, help="folder for annotated pictures of the failures")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures here too")
    parser.add_argument("--timeout", type=float, default=30)
    return parser.parse_args()


# ---- asking a server -------------------------------------------------------------

def post_image(url, image, quality, timeout):
    """Sends an RGB picture as the multipart field `image`; returns the parsed JSON."""
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    mark = uuid.uuid4().hex
    body = (f'--{mark}\r\nContent-Disposition: form-data; name="image"; filename="scene.jpg"\r\n'
            "Content-Type: image/jpeg\r\n\r\n").encode() + data.tobytes() + f"\r\n--{mark}--\r\n".encode()
    request = urllib.request.Request(url, body, {"Content-Type": f"multipart/form-data; boundary={mark}"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"{url} answered {error.code}: {error.read(500).decode(errors='replace')}")
    except urllib.error.URLError as error:
        sys.exit(f"{url} cannot be reached: {error.reason}")


def label_of(entry):
    """Class index of an answer's entry, from its label's name or its number."""
    for key in ("label", "name", "class"):
        if entry.get(key) in LABELS:
            return LABELS.index(entry[key])
    for key in ("class_id", "classId", "index", "class"):
        if str(entry.get(key, "")).isdigit():
            return int(entry[key])
    return -1


def score_of(entry):
    return next((float(entry[k]) for k in ("confidence", "score", "probability", "value") if k in entry), 0.0)


def find(value, wanted):
    """First part of a JSON value, breadth first, that `wanted` accepts."""
    queue = [value]
    while queue:
        item = queue.pop(0)
        if wanted(item):
            return item
        queue += list(item.values()) if isinstance(item, dict) else item if isinstance(item, list) else []
    return None


def to_detections(answer, width, height):
    """The gateway's JSON as (boxes in pixels, scores, labels)."""
    rows = [r for r in answer.get("detections", []) if 0 <= label_of(r) < len(LABELS)]
    boxes = np.array([[r["x1"], r["y1"], r["x2"], r["y2"]] for r in rows], np.float64).reshape(-1, 4)
    return (boxes * (width, height, width, height), np.array([score_of(r) for r in rows]),
            np.array([label_of(r) for r in rows], int))


def server(options):
    """A function from an RGB picture to what the chosen model answers."""
    url = f"{options.url.rstrip('/')}/{options.model}"
    if options.model == "detect":
        url += f"?confidence={options.confidence}"

    def ask(image):
        answer = post_image(url, image, options.quality, options.timeout)
        if options.model == "detect":
            return to_detections(answer, image.shape[1], image.shape[0])
        if options.model == "classify":
            rows = find(answer, lambda v: isinstance(v, list) and v and isinstance(v[0], dict)
                        and label_of(v[0]) >= 0)
            if rows is None:
                return label_of(answer)
            return label_of(max(rows, key=score_of))
        vector = find(answer, lambda v: isinstance(v, list) and len(v) >= 16
                      and all(isinstance(x, (int, float)) for x in v))
        if vector is None:
            sys.exit(f"no vector in the answer of {url}")
        return np.array(vector)
    return ask


def checkpoint(options):
    """The same function, answered by a torch checkpoint."""
    import torch
    from demo import evaluation, export
    torch.set_num_threads(2)
    name = {"detect": "detector", "classify": "classifier", "embed": "embedder"}[options.model]
    network = export.load(name, options.torch)
    if options.model == "detect":
        return evaluation.TorchDetector(network, options.confidence)
    if options.model == "classify":
        return lambda image: int(evaluation.run(network, [image])[0].argmax())
    return lambda image: evaluation.run(network, [image])[0]


# ---- detection -------------------------------------------------------------------

class Failures:
    """Missed objects and false alarms, the most certain first."""

    def __init__(self):
        self.rows, self.shown = [], {}

    def look(self, index, scene, found, hits):
        boxes, scores, labels = found
        truth, classes = scene.boxes(), scene.labels()
        overlap = iou(boxes, truth) if len(boxes) and len(truth) else np.zeros((len(boxes), len(truth)))
        before = len(self.rows)
        for i in np.flatnonzero(~hits & (scores >= SHOWN)):
            near = int(overlap[i].argmax()) if len(truth) else -1
            over = f"on a {LABELS[classes[near]]}, IoU {overlap[i, near]:.2f}" if near >= 0 and overlap[i, near] > 0.1 \
                else "on background"
            self._add(index, scores[i], f"false {LABELS[labels[i]]} {scores[i]:.2f} {over}", boxes[i])
        for j in range(len(truth)):
            right = hits & (labels == classes[j]) & (overlap[:, j] >= 0.5)
            best = scores[right].max() if right.any() else 0.0
            if best < SHOWN:
                side = (truth[j, 2:] - truth[j, :2]).max()
                self._add(index, 1 - best, f"missed {LABELS[classes[j]]} of {side:.0f} px, best {best:.2f}", truth[j])
        if len(self.rows) > before:
            self.shown[index] = (scene, found)

    def _add(self, index, severity, text, box):
        self.rows.append((float(severity), index, text, [round(float(v)) for v in box]))

    def worst(self, count):
        return sorted(self.rows, key=lambda row: -row[0])[:count]


def annotated(scene, found):
    """The picture with the truth in green and shown detections in red."""
    image = np.ascontiguousarray(scene.image[..., ::-1])
    for thing in scene.things:
        cv2.rectangle(image, *_corners(thing.box), (0, 200, 0), 2)
    for box, score, label in zip(*found):
        if score >= SHOWN:
            first, second = _corners(box)
            cv2.rectangle(image, first, second, (0, 0, 230), 1)
            cv2.putText(image, f"{LABELS[label]} {score:.2f}", (first[0], max(10, first[1] - 3)),
                        cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 230), 1, cv2.LINE_AA)
    return image


def _corners(box):
    x1, y1, x2, y2 = (int(round(float(v))) for v in box)
    return (x1, y1), (x2, y2)


def detect(ask, options):
    failures = Failures()
    score = held_out.evaluate_detector(ask, options.count or 500, options.seed, failures.look)
    print(held_out.table(score))
    print(f"{len(failures.rows)} failures at confidence {SHOWN}; the worst:")
    worst = failures.worst(options.worst)
    for severity, index, text, box in worst:
        print(f"  scene {index:4d}  {text}  at {box}")
    if options.save:
        options.save.mkdir(parents=True, exist_ok=True)
        for index in sorted({row[1] for row in worst}):
            cv2.imwrite(str(options.save / f"scene_{index:04d}.jpg"), annotated(*failures.shown[index]))
    return {"map50": score.map50(), "ap50": dict(zip(LABELS, score.per_class())),
            "objects": int(score.totals.sum()), "failures": len(failures.rows)}


# ---- classification and retrieval ------------------------------------------------

def classify(ask, options):
    right = total = 0
    confused = {}
    for image, label, _ in held_out.held_out_portraits(options.count or 800, options.seed):
        answer = ask(image)
        total, right = total + 1, right + (answer == label)
        if answer != label:
            pair = (LABELS[label], LABELS[answer] if 0 <= answer < len(LABELS) else "?")
            confused[pair] = confused.get(pair, 0) + 1
    print(f"accuracy {right / total:.4f} of {total}")
    for (label, answer), times in sorted(confused.items(), key=lambda row: -row[1])[:options.worst]:
        print(f"  {label} taken for {answer}: {times}")
    return {"accuracy": right / total, "pictures": total}


def embed(ask, options):
    vectors, identities = [], []
    for image, _, identity in held_out.held_out_portraits(options.count or 800, options.seed):
        vectors.append(ask(image))
        identities.append(identity)
    vectors = np.stack(vectors).astype(np.float64)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    recall, mean_ap = retrieval(vectors, np.array(identities))
    print(f"recall@1 {recall:.4f}  mAP {mean_ap:.4f}  over {len(vectors)} pictures "
          f"of {len(LABELS) * len(COLOURS)} identities")
    return {"recall_at_1": recall, "map": mean_ap, "pictures": len(vectors)}


def main():
    options = arguments()
    ask = checkpoint(options) if options.torch else server(options)
    start = time.monotonic()
    figures = {"detect": detect, "classify": classify, "embed": embed}[options.model](ask, options)
    figures["seconds"] = round(time.monotonic() - start, 1)
    print(f"{figures['seconds']} s")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()

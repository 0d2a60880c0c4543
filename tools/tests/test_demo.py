"""Checks of the drawing, the scoring and the exports' arithmetic.

    python3 -m unittest discover tools/tests
"""

import pathlib
import sys
import unittest

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import torch

import evaluate
from demo import held_out, loss, metrics, networks, scenes
from demo.shapes import LABELS
from model_config import config


class Drawing(unittest.TestCase):
    def test_a_seed_draws_the_same_scene_again(self):
        first, second = scenes.test_scene(3, 5), scenes.test_scene(3, 5)
        self.assertTrue((first.image == second.image).all())
        self.assertEqual(first.things, second.things)

    def test_held_out_families_are_not_trained_on(self):
        self.assertFalse(set(scenes.TRAIN.families) & set(scenes.TEST.families))
        shared = set(scenes.TRAIN.fills) & set(scenes.TEST.fills)
        self.assertEqual(shared, {scenes._plain})

    def test_boxes_enclose_what_was_drawn(self):
        plain = scenes.Style((lambda *a: np.zeros((200, 200, 3), np.float32),), (scenes._plain,), 0.0, 0.0)
        for label in range(len(LABELS)):
            rng = np.random.default_rng(label)
            canvas = np.zeros((200, 200, 3), np.float32)
            thing = scenes.draw_thing(canvas, rng, plain, label, (100.0, 100.0), 90.0)
            ys, xs = np.nonzero(canvas.max(2) > 30)
            drawn = np.array([[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]], float)
            self.assertGreater(metrics.iou(np.array([thing.box]), drawn)[0, 0], 0.85, LABELS[label])

    def test_crops_keep_boxes_inside(self):
        for seed in range(20):
            scene = scenes.train_crop(np.random.default_rng(seed), 320)
            self.assertEqual(scene.image.shape, (320, 320, 3))
            for box in scene.boxes():
                self.assertTrue(0 <= box[0] < box[2] <= 320 and 0 <= box[1] < box[3] <= 320)


class Scoring(unittest.TestCase):
    def test_average_precision_by_hand(self):
        scores, hits = np.array([0.9, 0.8, 0.7]), np.array([True, False, True])
        self.assertAlmostEqual(metrics.average_precision(scores, hits, 2), (51 + 50 * 2 / 3) / 101)
        self.assertEqual(metrics.average_precision(scores[:0], hits[:0], 2), 0.0)

    def test_nms_keeps_other_classes(self):
        boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9.5], [0, 0, 10, 10]], float)
        kept = metrics.nms(boxes, np.array([0.9, 0.8, 0.7]), np.array([1, 1, 2]))
        self.assertEqual(list(kept), [0, 2])

    def test_an_object_is_claimed_once(self):
        box = np.array([[0, 0, 10, 10]], float)
        hits = metrics.match(np.repeat(box, 2, 0), np.array([0.5, 0.9]), np.zeros(2, int), box, np.zeros(1, int))
        self.assertEqual(list(hits), [False, True])

    def test_perfect_vectors_retrieve_perfectly(self):
        vectors = np.repeat(np.eye(3), 2, 0)
        self.assertEqual(metrics.retrieval(vectors, np.array([0, 0, 1, 1, 2, 2])), (1.0, 1.0))

    def test_letterbox_and_back(self):
        square, scale, left, top = held_out.letterbox(np.zeros((360, 1280, 3), np.uint8))
        self.assertEqual((square.shape, scale, left, top), ((640, 640, 3), 0.5, 0, 230))
        self.assertTrue((square[:230] == 114).all())
        output = np.zeros((14, 1))
        output[:4, 0], output[6, 0] = (320, 320, 100, 60), 0.9
        boxes, _, labels = held_out.decode(output, 0.5, scale, left, top)
        self.assertEqual((boxes.tolist(), labels.tolist()), ([[540.0, 120.0, 740.0, 240.0]], [2]))

    def test_answers_are_read_with_either_class_key(self):
        for key in ("class", "class_id"):
            row = {"x1": 0, "y1": 0, "x2": 0.5, "y2": 1, "confidence": 0.7, key: 4}
            boxes, scores, labels = evaluate.to_detections({"detections": [row]}, 640, 480)
            self.assertEqual((boxes.tolist(), labels.tolist()), ([[0, 0, 320, 480]], [4]))


class Networks(unittest.TestCase):
    def test_sizes(self):
        self.assertLess(networks.parameters(networks.Detector(10)), 1_000_000)
        points, strides = networks.anchor_points(640, 640)
        self.assertEqual((tuple(points.shape), strides.sum().item()), ((8400, 2), 6400 * 8 + 1600 * 16 + 400 * 32))

    def test_export_decodes_as_training_does(self):
        network = networks.Detector(10).eval()
        image = torch.rand(1, 3, 640, 640)
        with torch.no_grad():
            served, raw = networks.DetectorForExport(network).eval()(image), network(image)
        boxes = networks.to_boxes(raw[:, :4], *networks.anchor_points(640, 640))[0]
        half = served[0, 2:4].t() / 2
        corners = torch.cat([served[0, :2].t() - half, served[0, :2].t() + half], 1)
        self.assertLess((corners - boxes).abs().max().item(), 1e-2)

    def test_perfect_boxes_cost_nothing(self):
        box = torch.tensor([[10.0, 20.0, 60.0, 50.0]])
        self.assertAlmostEqual(loss.ciou(box, box).item(), 1.0, places=5)


class Configuration(unittest.TestCase):
    def test_reads_like_triton(self):
        text = config("m", 8, [("x", "TYPE_FP32", [3, -1])], [("y", "TYPE_INT32", [2])])
        self.assertIn('name: "m"\nplatform: "onnxruntime_onnx"\nmax_batch_size: 8\ninput [\n', text)
        self.assertIn("    dims: [3, -1]\n", text)


if __name__ == "__main__":
    unittest.main()

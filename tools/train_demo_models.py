#!/usr/bin/env python3
"""Draws, trains, measures and exports the demo models.

One command does everything and writes models/shapes_*/:

    python3 tools/train_demo_models.py

Checkpoints go to tools/work/, which git ignores.
"""

import argparse
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
ROOT = pathlib.Path(__file__).resolve().parent.parent
NAMES = ("detector", "classifier", "embedder")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1,
                        help="threads that learn; one more process draws")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--detector-steps", type=int, default=5000)
    parser.add_argument("--classifier-steps", type=int, default=300)
    parser.add_argument("--embedder-steps", type=int, default=600)
    parser.add_argument("--scenes", type=int, default=500, help="held-out scenes for the final mAP50")
    parser.add_argument("--checked", type=int, default=48, help="held-out scenes looked at while the detector learns")
    parser.add_argument("--portraits", type=int, default=800, help="held-out pictures for the other figures")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "tools" / "work")
    parser.add_argument("--models", type=pathlib.Path, default=ROOT / "models")
    parser.add_argument("--resume", action="store_true", help="start the detector from its checkpoint")
    parser.add_argument("--no-train", action="store_true", help="evaluate and export the checkpoints there are")
    parser.add_argument("--quick", action="store_true",
                        help="a few steps and pictures of each, all below tools/work/quick: shows that the parts fit")
    options = parser.parse_args()
    return quick(options) if options.quick else options


def quick(options):
    """The same run made so short that its figures mean nothing."""
    options.detector_steps, options.classifier_steps, options.embedder_steps = 8, 3, 3
    options.checked, options.scenes, options.portraits = 2, 4, 24
    options.work = options.work / "quick"
    options.models = options.work / "models"
    return options


def train(name, options):
    """Trains one network; returns the minutes it took."""
    import torch
    from demo import evaluation, held_out, training
    start, path = time.monotonic(), options.work / f"{name}.pt"
    save = lambda network: torch.save(network.state_dict(), path)
    if name == "detector":
        check = lambda network: "mAP50 on %d scenes %.4f" % (options.checked, held_out.evaluate_detector(
            evaluation.TorchDetector(network), options.checked, seed=1).map50())
        weights = torch.load(path) if options.resume else None
        training.train_detector(options.detector_steps, options.seed, save, check=check, start=weights,
                                rate=1.5e-3 if options.resume else 2.5e-3)
    else:
        backbone = torch.load(options.work / "detector.pt")
        learn = {"classifier": training.train_classifier, "embedder": training.train_embedder}[name]
        learn(getattr(options, f"{name}_steps"), options.seed, save, backbone)
    return (time.monotonic() - start) / 60


def report(name, network, options):
    """Prints the held-out figures of one network."""
    from demo import evaluation, held_out
    from demo.networks import parameters
    print(f"{name}: {parameters(network)} parameters")
    if name == "detector":
        score = held_out.evaluate_detector(evaluation.TorchDetector(network), options.scenes)
        print(held_out.table(score))
    elif name == "classifier":
        print(f"  accuracy {evaluation.evaluate_classifier(network, options.portraits):.4f}")
    else:
        print("  recall@1 %.4f  mAP %.4f" % evaluation.evaluate_embedder(network, options.portraits), flush=True)


def main():
    options = arguments()
    os.environ.setdefault("OMP_NUM_THREADS", str(options.threads))
    import torch
    from demo import export
    torch.set_num_threads(options.threads)
    options.work.mkdir(parents=True, exist_ok=True)
    for name in options.only:
        if not options.no_train:
            print(f"{name}: trained in {train(name, options):.1f} min", flush=True)
        network = export.load(name, options.work / f"{name}.pt")
        report(name, network, options)
        print(f"  wrote {export.write(name, network, options.models)}", flush=True)


if __name__ == "__main__":
    main()

"""Trains a small neural network to read handwritten digits, epoch by epoch, as a real job would.

The data are scikit-learn's 1,797 digits, which come with the package: no download. After each epoch it writes, by
rename, OUT/checkpoint.pkl, and adds a line to OUT/metrics.jsonl. Started again, it goes on from the checkpoint.
SIGTERM or SIGINT: it finishes the batch at hand and exits with 143 or 130; the last whole epoch has been saved by then.

    python3 train.py --out model/ --epochs 30
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the matrices are too small for threads to be of use

import numpy
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

BATCH = 64
TEST_SHARE = 0.25
CHECKPOINT, METRICS = "checkpoint.pkl", "metrics.jsonl"


class Stop:
    """Remembers the signal that asked for the end, to be looked at between batches."""

    def __init__(self) -> None:
        self.number = 0
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked)

    def _asked(self, number: int, _: FrameType | None) -> None:
        self.number = number


def data(seed: int) -> tuple[Any, Any, Any, Any]:
    """Training images and labels, test images and labels: the same split for the same seed, before and after a resume."""
    images, labels = load_digits(return_X_y=True)
    order = numpy.random.default_rng(seed).permutation(len(labels))
    images, labels = images[order], labels[order]
    cut = round(len(labels) * TEST_SHARE)
    scaler = StandardScaler().fit(images[cut:])
    return scaler.transform(images[cut:]), labels[cut:], scaler.transform(images[:cut]), labels[:cut]


def write_atomically(path: Path, content: bytes) -> None:
    """The old file or the new one, whatever happens meanwhile; never half of it."""
    part = path.with_suffix(path.suffix + ".part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def load(out: Path, seed: int) -> tuple[MLPClassifier, list[dict[str, Any]]]:
    """The model and the metrics of the epochs that are done. Only unpickle a checkpoint that you have written yourself."""
    if (out / CHECKPOINT).exists():
        saved = pickle.loads((out / CHECKPOINT).read_bytes())
        if saved["seed"] == seed:
            return saved["model"], saved["history"]
        print(f"the checkpoint is of another seed ({saved['seed']}): starting afresh", flush=True)
    return MLPClassifier(hidden_layer_sizes=(64,), learning_rate_init=2e-3, random_state=seed), []


def save(out: Path, seed: int, model: MLPClassifier, history: list[dict[str, Any]]) -> None:
    """The checkpoint first: it holds the history too, so a crash between the two is mended by the next epoch."""
    write_atomically(out / CHECKPOINT, pickle.dumps({"seed": seed, "model": model, "history": history}))
    write_atomically(out / METRICS, "".join(json.dumps(line) + "\n" for line in history).encode())


def train_epoch(model: MLPClassifier, images: Any, labels: Any, order: Any, stop: Stop) -> bool:
    """One pass over the data; False when it was cut short by a signal."""
    for start in range(0, len(labels), BATCH):
        if stop.number:
            return False
        batch = order[start : start + BATCH]
        model.partial_fit(images[batch], labels[batch], classes=range(10))
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out", type=Path, default=Path("model"), help="folder for checkpoint and metrics (model/)"
    )
    parser.add_argument("--epochs", type=int, default=20, help="how many in all, with those done before (20)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--epoch-seconds", type=float, default=0.0, help="an epoch takes at least so long (0)"
    )
    options = parser.parse_args()
    stop = Stop()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.epochs < 1:
        parser.error("--epochs is at least 1")
    images, labels, test_images, test_labels = data(options.seed)
    model, history = load(options.out, options.seed)
    if history:
        print(f"resuming after epoch {len(history)}", flush=True)
    for epoch in range(len(history) + 1, options.epochs + 1):
        started = time.monotonic()
        order = numpy.random.default_rng((options.seed, epoch)).permutation(len(labels))
        if not train_epoch(model, images, labels, order, stop):
            break
        accuracy = float(model.score(test_images, test_labels))
        loss = float(log_loss(labels, model.predict_proba(images)))
        history.append({"epoch": epoch, "loss": round(loss, 4), "accuracy": round(accuracy, 4)})
        save(options.out, options.seed, model, history)
        print(f"epoch {epoch}/{options.epochs}  loss {loss:.4f}  test accuracy {accuracy:.4f}", flush=True)
        while not stop.number and (left := started + options.epoch_seconds - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))
        if stop.number:
            break
    if stop.number:
        print(f"stopped by {signal.Signals(stop.number).name} after epoch {len(history)}; saved", flush=True)
        return 128 + stop.number
    print(f"done: {len(history)} epochs, test accuracy {history[-1]['accuracy']:.4f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

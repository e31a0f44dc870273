"""Keras with sample weights as a mask, and gradient_accumulation_steps: does each token weigh the same?"""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras  # noqa: E402
import numpy as np  # noqa: E402
from items import IGNORED, SYMBOLS, keep, length, make_items, padded, show, tokens  # noqa: E402

from lstmlib.weighing import examine  # noqa: E402


def tagger():
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((None,), dtype="int32"), keras.layers.Embedding(SYMBOLS, 8),
                             keras.layers.LSTM(16, return_sequences=True), keras.layers.Dense(SYMBOLS)])


def arrays(items):
    rows = {key: np.array(value) for key, value in padded(items).items()}
    return rows["input_ids"], np.maximum(rows["labels"], 0), (rows["labels"] != IGNORED).astype("float32")


def train(model, micro_batches, reduction, scale=1.0):
    """One step of the optimiser on all micro-batches."""
    M = len(micro_batches)
    model.compile(keras.optimizers.SGD(1.0, gradient_accumulation_steps=M if M > 1 else None), run_eagerly=True,
                  loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=reduction))
    for X, labels, mask in micro_batches:
        model.train_on_batch(X, labels, sample_weight=scale * mask)


def broken(model, micro_batches):
    """The default reduction: the sum over all entries of the padded array, divided by their number."""
    train(model, micro_batches, "sum_over_batch_size")


def repaired(model, micro_batches):
    """Sums; the weights carry the total count, and the number of micro-batches that Keras divides by."""
    n = max(sum(mask.sum() for *_, mask in micro_batches), 1)
    train(model, micro_batches, "sum", len(micro_batches) / n)


def examine_loop(step):
    model = tagger()
    before = model.get_weights()

    def gradient(pieces):
        model.set_weights(before)
        step(model, [arrays(piece) for piece in pieces])
        return [old - new for old, new in zip(before, model.get_weights())]  # SGD with rate 1

    return examine(gradient, make_items(), tokens, length, keep, means="tokens")


def reports():
    return {"broken": examine_loop(broken), "repaired": examine_loop(repaired)}


if __name__ == "__main__":
    show(reports())

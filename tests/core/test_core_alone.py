"""The core needs NumPy and nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import lstmlib

ALONE = """
import sys

before = set(sys.modules)
import numpy as np
import lstmlib
from lstmlib import arguments, cell, checking, losses, placement, sequence, tasks, training, weighing, weights

X, targets, mask = lstmlib.adding_problem(6, 2, np.random.default_rng(0))
w = lstmlib.init_weights(2, 3, 1)
trace = lstmlib.forward(w, X)
loss, dY = lstmlib.squared_error(trace.Y, targets, mask)
gradient = lstmlib.backward(w, trace, dY, at=lstmlib.scale_at(["dy"], 0.5))
assert lstmlib.sgd(w, gradient)[0].finite

imported = {name for name in set(sys.modules) - before if getattr(sys.modules[name], "__file__", None)}
print(sorted({name.partition(".")[0] for name in imported} - set(sys.stdlib_module_names)))
"""


def test_core_imports_and_computes_with_numpy_alone():
    root = Path(lstmlib.__file__).parents[1]
    done = subprocess.run([sys.executable, "-W", "error", "-c", ALONE], cwd=root, capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": str(root)}, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['lstmlib', 'numpy']"


def test_public_names_are_those_of_the_design():
    for name in ("Weights", "init_weights", "step", "step_backward", "forward", "Trace", "backward", "squared_error",
                 "cross_entropy", "scale_at", "record", "crossing_spectrum", "crosses_exactly_once", "cosine",
                 "numerical_gradient", "relative_error", "adding_problem", "reber_strings", "sgd", "momentum", "adam",
                 "clip_by_norm", "train", "summed"):
        assert getattr(lstmlib, name).__doc__, name

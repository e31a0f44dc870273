"""The core needs NumPy and nothing else."""

import subprocess
import sys
from pathlib import Path

import lstmlib

ALONE = """
import sys
before = set(sys.modules)
import numpy, lstmlib, lstmlib.weighing
X, targets, mask = lstmlib.adding_problem(6, 2, numpy.random.default_rng(0))
gradient = lstmlib.summed(lstmlib.squared_error, at=lstmlib.scale_at(["dy"], 0.5))
lstmlib.numerical_gradient(lambda w: gradient(w, (X, targets, mask))[0], lstmlib.init_weights(2, 3, 1))
imported = {name for name in set(sys.modules) - before if getattr(sys.modules[name], "__file__", None)}
print(sorted({name.partition(".")[0] for name in imported} - set(sys.stdlib_module_names)))
"""


def test_core_imports_and_computes_with_numpy_alone():
    root = Path(lstmlib.__file__).parents[1]
    done = subprocess.run([sys.executable, "-W", "error", "-c", ALONE], cwd=root, capture_output=True, text=True,
                          timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("['lstmlib', 'numpy']", "")

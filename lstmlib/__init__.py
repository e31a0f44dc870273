"""A small LSTM in NumPy, made to show where 1/|X| may be applied to its gradient.

Read it in this order: weights, cell, sequence, losses, placement, checking, training, tasks.
The modules `figures` and `explorers` draw; they alone need matplotlib and ipywidgets, and are
imported by name.
"""

from .cell import step, step_backward
from .checking import cosine, numerical_gradient, relative_error
from .losses import cross_entropy, squared_error
from .placement import EDGES, crosses_exactly_once, crossing_spectrum, scale_at
from .sequence import Trace, backward, forward
from .tasks import adding_problem, reber_strings
from .training import adam, clip_by_norm, momentum, sgd
from .weights import Weights, init_weights

__version__ = "0.1.0"

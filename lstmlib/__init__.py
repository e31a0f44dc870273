"""A small LSTM in NumPy, made to show where 1/|X| may be applied to its gradient.

Read it in this order: weights, cell, sequence, losses, placement, checking, training, tasks (checks: how wrong input
is met). `clinic`, with `diagnose`, belongs to notebook 8; `weighing`, with `examine`, to notebook 9. What draws, or
listens to the reader, needs matplotlib or ipywidgets and is imported by name: `show`, `explorers`, `exercises`.
"""

from .cell import step, step_backward
from .checking import cosine, numerical_gradient, relative_error
from .losses import cross_entropy, squared_error
from .placement import EDGES, crosses_exactly_once, crossing_spectrum, record, scale_at
from .sequence import Trace, backward, forward
from .tasks import adding_problem, reber_strings
from .training import adam, clip_by_norm, momentum, sgd, summed, train
from .weights import Weights, init_weights

__version__ = "0.2.0"

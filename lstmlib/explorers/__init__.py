"""Explorers: pictures that follow the reader's hand. One module (or folder) for each lesson.

`base` is the mechanism, `controls` what a reader sees and moves, `prediction` a question asked before its answer;
every other module holds a state, its numbers and its panels.
"""

from .base import Explorer, Sentence
from .controls import Choice, Menu, Slider, Switch
from .prediction import Prediction

EXPLORERS = {  # of each lesson: the function that makes its explorer
    "start_here": "start_here.first_look", "linearity": "linearity.linear_map", "lstm_cell": "lstm_cell.gates",
    "backward": "backward.gradient_flow", "where_to_divide": "where_to_divide.laboratory",
    "which_X": "which_X.ragged_batch", "when_order_matters": "when_order_matters.order_matters",
    "train_it": "train_it.training_curves", "bug_clinic": "bug_clinic.fault_bench",
    "weigh_your_step": "weigh_your_step.weigh_your_step"}

__all__ = ["EXPLORERS", "Choice", "Explorer", "Menu", "Prediction", "Sentence", "Slider", "Switch"]

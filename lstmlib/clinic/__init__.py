"""The bug clinic of notebook 08: patients, instruments that examine them, and `diagnose`, for one's own."""

from .diagnosis import Diagnosis, diagnose
from .layouts import Layout, from_indices, from_step, layouts, ready_head
from .xray import XRay, xray

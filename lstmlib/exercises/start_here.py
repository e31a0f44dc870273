"""Feedback on the exercises of notebook 00."""

import numpy as np

from .base import NotYet, all_answered, check, expect

PLANS = {
    "at once": (True, "the factor stands where every path begins."),
    "at the end": (True, "the factor stands where every path ends."),
    "at once and at the end": (False, "every path meets the factor twice, so the gradient is divided by |X| squared."),
    "at every step back in time": (False, "a gradient that comes back from a later timestep can meet the factor "
                                          "again in every step it passes.")}


@check
def check_plans(answers):
    """Dividing at once or at the end is right; twice, or a number of times that depends on the path, is wrong.

    answers  {plan: True where it gives the gradient of the average, False where not}
    """
    all_answered(answers, PLANS)
    for plan, (right, hint) in PLANS.items():
        answer = answers[plan]
        if not isinstance(answer, bool | np.bool_):
            raise NotYet(f"For {plan!r}: expected the value True or False, without quotation marks, "
                         f"received {answer!r}.")
        expect(answer, right, given=f"{plan!r}", hint=hint, reveal=False)


@check
def check_repair(factor):
    """One of the two divisions by 10 was too many; multiplying by 10 takes it back.

    factor  what the gradient must be multiplied by
    """
    hint = "how often was it divided, and how often should it be?"
    expect(factor, 10, "a gradient that was divided by 10 twice", hint, reveal=False, mistakes=[
        (0.1, "the gradient came out too small, so it must grow."),
        (0.01, "the gradient came out too small, so it must grow."),
        (100, "one of the two divisions is wanted; only one must be taken back.")])

"""Feedback on the exercises of notebook 00."""

from .base import NotYet, check, expect

PLANS = {
    "at once": (True, "the factor stands where every path begins."),
    "at the end": (True, "the factor stands where every path ends."),
    "at once and at the end": (False, "every path meets the factor twice, so the gradient is divided by |X| squared."),
    "at every step back in time": (False, "a gradient from a late timestep meets the factor more often than one "
                                          "from an early timestep."),
}


@check
def check_plans(answers):
    """Dividing at once or at the end is right; twice, or a number of times that depends on the path, is wrong.

    answers  {plan: True where it gives the gradient of the average, False where not}
    """
    given = dict(answers)
    if set(given) != set(PLANS):
        raise NotYet(f"Expected the keys {', '.join(PLANS)}, received {', '.join(map(str, given))}.")
    for plan, (right, hint) in PLANS.items():
        expect(given[plan], right, given=f"{plan!r}", hint=hint)


@check
def check_repair(factor):
    """One of the two divisions by 10 was too many; multiplying by 10 takes it back.

    factor  what the gradient must be multiplied by
    """
    if factor in (0.1, 0.01):
        hint = "the gradient came out too small, so it must grow."
    elif factor == 100:
        hint = "one of the two divisions is wanted; only one must be taken back."
    else:
        hint = "how often was it divided, and how often should it be?"
    expect(factor, 10, given="a gradient that was divided by 10 twice", hint=hint)

"""The feedback of notebook 00: the right answer passes, each likely wrong one is caught and its cause named."""

import numpy as np
import pytest

from helpers import hint_of
from lstmlib.exercises.start_here import check_plans, check_repair

PLANS = {"at once": True, "at the end": True, "at once and at the end": False, "at every step back in time": False}


def test_right_answers(capsys):
    check_plans.judge(PLANS)
    check_plans.judge({plan: np.bool_(answer) for plan, answer in PLANS.items()})
    check_repair.judge(10)
    check_repair.judge(10.0)
    check_repair(10)
    assert capsys.readouterr().out.startswith("Right. ")


@pytest.mark.parametrize("plan, cause", [
    ("at once", "every path begins"),
    ("at the end", "every path ends"),
    ("at once and at the end", "twice"),
    ("at every step back in time", "again in every step"),
])
def test_each_plan_judged_wrongly(plan, cause):
    assert cause in hint_of(check_plans, PLANS | {plan: not PLANS[plan]})


def test_plans_in_part():
    said = hint_of(check_plans, PLANS | {"at the end": ..., "at every step back in time": None})
    assert said == "Still open: at the end, at every step back in time."


def test_a_plan_missing():
    expected = "Expected the keys at once, at the end, at once and at the end, at every step back in time, received "
    assert hint_of(check_plans, {"at once": True, 2: False}) == f"{expected}at once, 2."
    assert hint_of(check_plans, {}) == f"{expected}none."


@pytest.mark.parametrize("answer", ["True", 1])
def test_a_plan_that_is_neither_true_nor_false(answer):
    said = hint_of(check_plans, PLANS | {"at the end": answer})
    assert "expected the value True or False, without quotation marks" in said


def test_feedback_keeps_the_answer_to_itself():
    assert hint_of(check_plans, PLANS | {"at the end": False}).startswith("For 'at the end': False is not it. Hint: ")
    assert hint_of(check_repair, 20).startswith("For a gradient that was divided by 10 twice: 20 is not it. Hint: ")


@pytest.mark.parametrize("factor, cause", [
    (0.1, "must grow"), (0.01, "must grow"), (100, "only one"), (20, "how often")])
def test_wrong_repairs(factor, cause):
    assert cause in hint_of(check_repair, factor)

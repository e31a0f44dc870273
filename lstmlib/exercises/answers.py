"""What the checks say to answers, written down for a page without Python: to the right one and to likely wrong ones."""

import ast
import operator
import re
from collections import Counter
from copy import deepcopy

import numpy as np

from .base import brief, verdict

EVERYWHERE = (*range(21), 0.01, 0.1, 0.5, 50, 64, 100, 1000)  # numbers tried beside relatives of the right one

ARITHMETIC = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
              ast.Pow: operator.pow}


def answers(solution, modules):
    """{"fields": [[name, right, kind or options, tolerance, {wrong answer: what is said}, what else is said], ...],
    "right": what is said to right answers} of an exercise whose answers are choices and numbers; None of any other.

    solution  the code of the solution;  modules  {name in this code: a module of lstmlib.exercises}
    """
    *statements, last = ast.parse(solution).body
    scope = {}
    try:
        for statement in statements:
            if isinstance(statement, ast.Assign):
                scope |= {target.id: value_of(statement.value, scope) for target in statement.targets}
        given = [scope[argument.id] for argument in last.value.args]
    except (AttributeError, KeyError, TypeError, ValueError):  # a function, or what needs more of the notebook
        return None
    judge = getattr(modules[last.value.func.value.value.id], last.value.func.value.attr).judge
    places = {(number, key): part for number, answer in enumerate(given)
              for key, part in (answer.items() if isinstance(answer, dict) else [(None, answer)])
              if isinstance(part, bool | int | float | str)}
    texts = sorted({part for part in places.values() if isinstance(part, str)})
    fields = []
    for (number, key), right in places.items():
        name = key or last.value.args[number].id.removesuffix("_solution")
        fields.append([name, *told(right, texts, lambda answer: said_to(judge, given, number, key, answer))])
    return {"fields": fields, "right": verdict(judge, given)[1]} if fields else None


def value_of(node, scope):
    """The value of an expression: of what stands in the solutions that are choices and numbers, and of no more."""
    match node:
        case ast.Name(name):
            return scope[name]
        case ast.BinOp(left, operation, right):
            return ARITHMETIC[type(operation)](value_of(left, scope), value_of(right, scope))
        case ast.Call(ast.Attribute(ast.Name("np"), "log" | "exp" | "sqrt" as name), [argument]):
            return float(getattr(np, name)(value_of(argument, scope)))
        case ast.Dict(keys, values):
            return {value_of(key, scope): value_of(value, scope) for key, value in zip(keys, values)}
    return ast.literal_eval(node)


def said_to(judge, given, number, key, answer):
    """Whether an answer is right, and what is said, when all others are right; \\0 stands for the answer."""
    answers = deepcopy(given)
    if key is None:
        answers[number] = answer
    else:
        answers[number][key] = answer
    right, said = verdict(judge, answers)
    said = re.sub(r"Right so far:.*\n", "", said)
    return right, re.sub(rf"(?<= ){re.escape(brief(answer))}(\.0)?(?= )", "\0", said, count=1)


def told(right, texts, say):
    """The right answer, the kind, the tolerance, what is said to some wrong answers, and what to all others."""
    if isinstance(right, bool | str):
        options = texts if isinstance(right, str) else [True, False]
        return right, options, 0, {str(other): say(other)[1] for other in options if other != right}, ""
    relatives = [right * factor for factor in (-1, 2, 3, 4, 8, 10, 0.5, 0.25, 0.125, 0.1)] + [right + 1, right - 1]
    tried = {f"{number:.10g}": say(number) for number in (*EVERYWHERE, *relatives, *([1 / right] if right else []))}
    wrong = {number: said for number, (is_right, said) in tried.items() if not is_right}
    usual = Counter(wrong.values()).most_common(1)[0][0]
    tolerance = max((10.0 ** -k for k in range(1, 10) if say(right * (1 + 10.0 ** -k))[0]), default=1e-9)
    return float(right), "number", tolerance, {number: said for number, said in wrong.items() if said != usual}, usual

"""Feedback on the exercises of notebook 04."""

from collections import Counter
from itertools import combinations

import numpy as np

from .. import EDGES, backward, crosses_exactly_once, forward, init_weights
from ..placement import path_crossings
from .base import NotYet, all_answered, answered, brief, check, expect, likely

# The edges that may follow each edge in figure 4.1.
NEXT = {"loss": ("dy",), "dy": ("dh_above", "dWy_t"), "dh_above": ("dz", "dc_next"), "dz": ("dh_next", "dW_t"),
        "dh_next": ("dz", "dc_next"), "dc_next": ("dz", "dc_next"), "dWy_t": ("dW",), "dW_t": ("dW",), "dW": ()}
PLACEMENTS = [frozenset(edges) for size in range(len(EDGES) + 1) for edges in combinations(EDGES, size)]


@check
def check_crossings(answers):
    """Every highest and every possible number of crossings is as counted along the paths.

    answers  {"highest dz": k, "highest dh_next": k, "highest all nine": k, "possible dc_next": set of k},
             for T = 5 and the paths to Wx, Wh, b
    """
    questions = {
        "highest dz": (max, {"dz"}, "the longest path visits z once at every timestep, the last one included."),
        "highest dh_next": (max, {"dh_next"}, "between T timesteps there are T - 1 steps back."),
        "highest all nine": (max, EDGES, "count loss, dy, dh_above, dW_t and dW once each, dz at every timestep, and "
                                         "one recurrent edge between each two timesteps."),
        "possible dc_next": (set, {"dc_next"}, "a path may take the cell-state edge at none, some or all of T - 1 "
                                               "steps.")}
    all_answered(answers, questions, "four keys")
    for question, (asked_for, edges, hint) in questions.items():
        wanted, answer = asked_for(possible_crossings(edges, T=5)), answers[question]
        if isinstance(wanted, set) and not isinstance(answer, set):
            raise NotYet(f"{question!r} asks for a set of numbers, with braces, received {answer!r}.")
        expect(answer, wanted, given=f"{question!r}, T = 5", hint=hint, reveal=False)


def possible_crossings(edges, T):
    """How often a path to Wx, Wh or b can cross `edges`: a set of numbers."""
    paths = path_crossings(edges, T)["b"]
    return {k for k in range(paths.bit_length()) if paths >> k & 1}


@check
def check_last_step_hook(divide_last):
    """Only what comes from the last timestep is divided. That is right for losses of the last timestep alone:
    then every path whose term is not zero begins there, and crosses the factor once.

    divide_last  size_X -> a hook at(edge, gradient)
    """
    for T, lead, size_X in ((4, (), 5), (3, (2,), 7), (1, (), 3)):
        rng = np.random.default_rng(T)
        weights = init_weights(2, 3, 2)
        trace = forward(weights, rng.normal(size=(T, 3, 2)))
        dY = rng.normal(size=(*lead, T, 3, 2))
        case = f"T = {T}, |X| = {size_X}" + (", two upstream gradients at once" if lead else "")
        wanted = dY.copy()
        wanted[..., -1, :, :] /= size_X
        hook = answered(divide_last(size_X))
        try:
            received = backward(weights, trace, dY, at=returning(hook))
        except IndexError as error:
            raise NotYet(f"Your hook raised IndexError: {error}. Hint: the hook is called on all nine edges, whose "
                         "gradients have different shapes; let all but `dy` pass as they are.") from None
        truth = backward(weights, trace, wanted)
        mistakes = [(backward(weights, trace, other), hint) for other, hint in divided_elsewhere(dY, size_X)]
        for name, array in received.items():
            expect(array, getattr(truth, name), f"{case}, d{name}",
                   "the edge `dy` is crossed by one array (..., T, B, K), and every path crosses it once.",
                   [(getattr(gradient, name), hint) for gradient, hint in mistakes])


def returning(hook):
    """The hook, which must return something on every edge."""
    if not callable(hook):
        raise NotYet(f"Expected divide_last(size_X) to return a function at(edge, gradient), received {brief(hook)}.")

    def at(edge, gradient):
        crossed = hook(edge, gradient)
        if crossed is None:
            raise NotYet(f"Your hook returned None on the edge {edge!r}. Hint: it is called on all nine edges, and "
                         "must return the gradient on each, also where it divides nothing: `return gradient` stands "
                         "behind the `if`, not inside.")
        return crossed

    return at


def divided_elsewhere(dY, size_X):
    """[(dY divided at a wrong place, hint)]"""
    def at(place, by=size_X):
        divided = dY.copy()
        divided[place] /= by
        return divided

    last = np.s_[..., -1, :, :]
    return [
        (at(np.s_[..., 0, :, :]), "you divided at the first timestep; time is the axis third from the end."),
        (dY / size_X, "you divided at every timestep."),
        (at(np.s_[..., :-1, :, :]), "you divided at every timestep but the last."),
        (at(np.s_[..., -1, :]),
         "you divided the last sequence of the batch; time is third from the end: gradient[..., -1, :, :]."),
        (at(-1), "you divided the last upstream gradient; time is third from the end: gradient[..., -1, :, :]."),
        (at(last, 1 / size_X), "you multiplied by size_X; the factor is 1/|X|."),
        (at(last, size_X ** 2),
         "this divides twice: every path crosses both loss and dy, and one of the two is enough."),
        (dY, "no path to this array was divided; does the hook look for an edge that every path crosses (dy)?")]


@check
def check_right_sets(right_sets):
    """These placements obey the rule and contain the given edges, for one timestep and for several.

    right_sets  (given: a set of names, T) -> set of frozensets of names
    """
    for given, T in (({"dWy_t"}, 3), ({"dh_above"}, 2), ({"dz"}, 4), (set(), 5), ({"dW"}, 3), ({"dz"}, 1)):
        try:
            received = answered(right_sets(set(given), T))
        except TypeError as error:
            if "unhashable type: 'set'" not in str(error):
                raise
            raise NotYet("Your answer puts a set into a set, which Python cannot do. Hint: the placements in it "
                         "must be frozensets, as those in `placements` are; frozenset(edges) makes one.") from None
        if not isinstance(received, set) or not all(isinstance(placement, frozenset) for placement in received):
            members = received if isinstance(received, set | list | tuple) else ()
            kinds = " and ".join(sorted({type(member).__name__ for member in members}))
            raise NotYet(f"Expected a set of frozensets, received a value of type {type(received).__name__}"
                         f"{kinds and f' of {kinds}'}. Hint: {{p for p in placements if ...}} makes one.")
        verdicts = {p: crosses_exactly_once(p, T).values() for p in PLACEMENTS}
        obey, containing = {p for p in PLACEMENTS if all(verdicts[p])}, {p for p in PLACEMENTS if given <= p}
        wanted = obey & containing
        if received == wanted:
            continue
        wrong = min(received - wanted or wanted - received, key=sorted)
        hint = likely(received, [
            (containing,
             "crosses_exactly_once gives a dictionary, which always counts as true: ask all(....values())."),
            ({p for p in containing if any(verdicts[p])},
             "you asked for `any` of the five arrays; the rule must hold for `all`."),
            (obey, "the placement must contain every given edge: given <= placement."),
            ({p - given for p in wanted}, "give whole placements, with the given edges in them."),
        ], "with a single timestep there is no step back, so more placements obey: pass T on." if T == 1 else
           "search all 512 sets for those with given <= placement, not the other way round; "
           "crosses_exactly_once(placement, T) gives one verdict for each of the five arrays.")
        raise NotYet(f"For given {given or '{}'}, T = {T}: expected {len(wanted)} placements, received "
                     f"{len(received)}; for example, {{{', '.join(sorted(wrong))}}} "
                     f"{'does not belong to them' if wrong in received else 'is missing'}. Hint: {hint}")


@check
def check_two_paths(shorter, longer):
    """Both are paths to b, and the longer one crosses `dz` once more. So whatever else a set with dz in it contains,
    it is crossed more often by the longer path than by the shorter one, and the two numbers cannot both be 1.

    shorter, longer  lists of names of edges, in the order in which the gradient crosses them
    """
    paths = {"shorter": shorter, "longer": longer}
    all_answered({name: ... if path in ([], (), [...]) else path for name, path in paths.items()})
    for name, path in paths.items():
        if isinstance(path, set | frozenset):
            raise NotYet(f"{name} is a set, which has no order and holds dz only once. "
                         "Hint: write a list, with [ and ].")
        if not isinstance(path, list | tuple):
            raise NotYet(f"Expected {name} to be a list of names of edges, received {brief(path)}.")
        if unknown := [edge for edge in path if edge not in EDGES]:
            raise NotYet(f"{name}: {unknown[0]!r} is not one of the nine edges.")
        if fault := fault_of(path):
            raise NotYet(f"{name} is not a path from the loss to b: {fault}. Hint: follow the arrows of figure 4.1 "
                         "from C down to db.")
    if Counter(longer)["dz"] <= Counter(shorter)["dz"]:
        raise NotYet(f"shorter crosses dz {Counter(shorter)['dz']} times and longer {Counter(longer)['dz']} times. "
                     "Hint: let the longer path go back one timestep through the gates.")
    if lost := Counter(shorter) - Counter(longer):
        raise NotYet(f"The longer path does not cross {', '.join(lost)} as often as the shorter one, so a set with "
                     "that edge in it might make up for dz. Hint: cross everything that the shorter one crosses.")
    if Counter(longer)["dh_next"] + Counter(longer)["dc_next"] > 1:
        raise NotYet("The longer path needs more than two timesteps, and the claim is for T = 2 too. "
                     "Hint: one step back is enough.")


def fault_of(path):
    """Where the names first leave the paths from the loss to b, or None."""
    if path[0] != "loss":
        return f"it begins with {path[0]!r}, but every path begins at C, with 'loss'"
    for place, (edge, following) in enumerate(zip(path, path[1:]), 2):
        if following == "dWy_t":
            return "'dWy_t' leads to Wy and by, and to no other weight"
        if following not in NEXT[edge]:
            return f"its edge {place} is {following!r}, but where {edge!r} ends no edge of that name begins"
    return None if path[-1] == "dW" else f"it stops after {path[-1]!r}; the last edge, 'dW', is not reached"

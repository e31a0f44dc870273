"""Where no way of being wrong that is known explains what a `Search` reads: what the code computes there is taken as it
is, and the place is told by a number. So the experiments behind it can be judged all the same.
"""

import numpy as np

from . import catalogue
from .asking import close
from .experiments import XRAY

GATES = "ifgo"


def measure(search, n):
    """What differs in experiment n, or before it."""
    before, wrong, blocks = set(search.unnamed), search.wrong(n), search.wrong_blocks(n)
    kinds, lag = dict.fromkeys(block.kind for block in blocks), max(block.lag or 0 for block in blocks)
    if any(block.kind == "dz" and block.t > block.impulse for block in blocks):
        search.unnamed["timesteps"] = "a timestep is answered that comes after the impulse"
    elif not n:
        the_head(search, kinds)
    elif lag:
        what_is_carried(search, n, {block.gate for block in blocks})
    elif "dz" in kinds:
        the_slopes(search, n)
    else:
        the_sums(search, blocks, kinds)
    search.skip |= ~search.match.ok & (search.stage <= n)
    asked = [XRAY[k] for k in np.unique(search.apart[wrong])]
    for place in search.unnamed.keys() - before:
        search.seen[place] = next((one for one in asked if place in one.opens), asked[0]).name


def take(search, place, measured, said, factors=None):
    """What was measured at this place is taken as it is."""
    search.faults, search.unnamed[place] = search.faults | {place: ("measured", measured)}, said
    search.match = search.film.compare(search.faults, factors)


def models(search, faults):
    """For each length: the group, what a backward pass with these faults has, and dz of the code, (S, T, 4, H)."""
    return [(group, model, group.read(group.answers) / factor) for group, (_, model), factor in zip(
        search.film.groups, search.film.backward(faults), search.match.factors[1])]


def order_of(search):
    """The gates whose dz stand where those of i, f, g and o should."""
    return catalogue.DZ.get(search.faults.get("dz"), [0, 1, 2, 3])


def the_head(search, kinds):
    """by tells what entered the outputs; if Wy agrees with it, that is what is wrong."""
    film, dY = search.film, np.zeros((search.film.T, search.film.T, 1, search.film.sizes.K))
    agree = "Wy" in film.arrays and "by" in kinds
    for group in film.groups if agree else ():
        by, h = group.answers["by"], group.now.hs[1:, 0][group.steps]
        dY[group.steps, group.steps, 0] = by
        agree = agree and close(group.answers["Wy"], h[:, :, None] * by[:, None], 20 * film.tolerance)
    if agree:
        take(search, "loss", dY, "what enters the outputs (dY) is not the gradient of the loss")
    else:
        search.unnamed["head"] = f"the gradient of {' and '.join(sorted(kinds))} is not what h_t and dY_t make it"


def the_slopes(search, n):
    """What seems a factor of all gates may be one of i, f and g alone: what explains more of the later lags."""
    film, start, q, tried = search.film, (search.faults, search.unnamed), search.match.gates / search.match.head, []
    others = [{"slope of tanh(c)": ("a constant factor", q)}] if abs(q - 1) > 20 * film.tolerance else []
    for more in [{}, *others]:
        search.faults, search.unnamed = start[0] | more, dict(start[1])
        search.match = film.compare(search.faults) if more else search.match
        for gates in ("o", "ifg") if "peepholes" in film.way else (GATES,):  # o reaches the others through them
            if wrong := [k for k in gates if any(block.gate == k for block in search.wrong_blocks(n))]:
                slopes_of(search, wrong)
        tried.append((search.score(search.match), search.faults, search.unnamed, search.match))
    _, search.faults, search.unnamed, search.match = max(tried, key=lambda one: one[0])


def slopes_of(search, wrong):
    """dz per dh at the impulse, over what it should be: (T, 1, H) for each of these gates."""
    film, before, order = search.film, models(search, search.faults), order_of(search)
    q = np.ones((film.T, 4, film.H))
    for group, model, dz in before:
        if dz.shape[1]:
            at = range(len(group.steps)), group.steps
            mine, theirs = dz[at], model.dz[:, :, 0][at]
            q[group.steps] = np.divide(mine, theirs, out=np.ones_like(mine), where=abs(theirs) > 1e-12)
    q, wrong = q[:, np.argsort(order)], [GATES[order[GATES.index(k)]] for k in wrong]
    places = {f"slope of {k}": q[:, [GATES.index(k)]] for k in wrong}
    if set("ifg") <= set(wrong) and np.allclose(q[1:, :2], q[1:, [2]], rtol=100 * film.tolerance):
        places = {"slope of tanh(c)": q[:, [2]]} | {k: v for k, v in places.items() if k == "slope of o"}
    without = models(search, {k: v for k, v in search.faults.items() if k not in places})
    known, right, factors = before[-1][1], without[-1][1], search.match.factors
    for place, ratio in places.items():
        with np.errstate(all="ignore"):  # what a named fault at this place has changed already
            changed = known.st / right.st if place == "slope of tanh(c)" else (
                known.local / right.local)[:, :, GATES.index(place[-1])]
        ratio = ratio * np.where(np.isfinite(changed), changed, 1)[:film.T]
        take(search, place, ratio, f"it is {np.median(ratio[1:]):.3g} of what it should be (the median)", factors)


def what_is_carried(search, n, gates):
    """dh read through gate o, dc through g or i; compared with what the code's own dz and dc should send back."""
    film, loose = search.film, 200 * search.film.tolerance
    for place in ("dh", "dc") if "o" in gates else ("dc",):
        came, should = np.zeros((2, film.T, film.T, 1, film.H))
        for group, m, dz in models(search, search.faults):
            if not dz.shape[1]:
                return
            dz, local, st, f = dz[:, :, None], m.local[:group.T], m.st[:group.T], m.gate[:group.T, 1]
            of = dz[..., np.argsort(order_of(search)), :]  # by the gates that they are of
            k = 2 if abs(local[:, :, 2]).min() > 1e-6 else 0
            with np.errstate(all="ignore"):
                dh, dc = (np.nan_to_num(of[..., i, :] / local[:, :, i], posinf=0, neginf=0) for i in (3, k))
            if place == "dh":
                back, sent = dh - m.above, catalogue.back(m, dz)
            else:
                back = dc - dh * st - m.peepholes[3] * of[..., 3, :]
                sent = dc * f + catalogue.through_peepholes(m, dz)
            for i, s in enumerate(group.steps):
                came[s, :s], should[s, :s] = back[i, :s], sent[i, 1:s + 1]
        if close(came, should, loose) if place == "dh" else search.fine(search.match, n):
            continue
        s, letter = film.T - 1, place[1]
        one, right = came[s, s - 1], should[s, s - 1]
        ratio = np.vdot(right, one) / (np.vdot(right, right) or 1)
        said = where_it_is_cut(came, should, letter, loose) or (
            f"what comes back into {letter} is right one step back, and wrong further back"
            if close(one, right, loose) else
            f"what comes from {letter}_{s + 1} to {letter}_{s} is {ratio:.3g} of what it should be")
        take(search, place, came, said, search.match.factors)


def where_it_is_cut(came, should, letter, loose):
    """The words for truncated backpropagation through time: right, but that from somewhere on nothing comes back."""
    nothing = (abs(came) <= 1e-9 * abs(should).max()).all(axis=(2, 3)) & should.any(axis=(2, 3))
    steps, into = np.nonzero(nothing)
    if not len(steps) or not close(came, np.where(nothing[..., None, None], 0, should), loose):
        return ""
    carried = int(steps[0] - into[0]) - 1
    where = (f"after {carried} step{'s' * (carried > 1)}" if len(set(steps - into)) == 1 else
             f"between {', '.join(f'{letter}_{t + 2} and {letter}_{t + 1}' for t in sorted(set(into)))}")
    return f"what comes back into {letter} is right, and is cut {where} (truncated backpropagation through time)"


def the_sums(search, blocks, kinds):
    for kind in kinds:
        wrong = [k for k in GATES if any(block.kind == kind and block.gate == k for block in blocks)]
        gates = [k for k in wrong if not is_made_of_dz(search, kind, k)]
        if wrong and not gates:
            continue
        if kind == "b":
            search.unnamed |= {f"bias of {k}": f"its gradient is not the sum of dz of gate {k}" for k in gates}
        else:
            of = f" of gate{'s' * (len(gates) > 1)} {', '.join(gates)}" if gates else ""
            search.unnamed[kind.removeprefix("rest of ")] = f"its gradient{of} is not what the dz make it"


def is_made_of_dz(search, kind, gate):
    """Whether this gate's part of b or Wh is the sum of the dz that were read, however wrong those are."""
    if kind not in ("b", "Wh") or not search.film.one_hot:
        return False
    n = GATES.index(gate)
    for group, model, _ in models(search, search.faults):
        left = model.h_prev[:group.T, 0] if kind == "Wh" else np.ones((group.T, 1))
        made = np.einsum("th,stk->shk", left, group.read(group.answers)[:, :, n])
        part = np.split(group.answers[kind], 4, axis=-1)[n]
        if not close(part.reshape(made.shape), made, 20 * search.film.tolerance):
            return False
    return True

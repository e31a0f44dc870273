"""From weights to names and faults: what needs no hypothesis first, the most basic fault before what it would blur."""

from collections import namedtuple

import numpy as np

from .plan import ROUNDING, hypothesis_name
from .report import constants, cut_name

LEFT_OVER = 0.02  # so much of a gradient may be rounding, in bfloat16


def explain(report, plan, measured, means=None):
    """Fill the report."""
    if not all(np.isfinite(one.norm) for one in measured.cuts + measured.alone):
        return report.fault("not finite", "NaN or infinity in the gradient of an ordinary batch")
    if nothing_there(report, plan, measured):
        return
    noise, left = measured.again.far_from(measured.cuts[0]), float(measured.left.max())
    if noise > 10 * ROUNDING:
        return report.fault("random", f"two calls with one batch differ by {noise:.1g}: dropout is on (switch it off: "
                            "a fixed seed only turns this into 'not a sum'), zero_grad() is missing in the function, "
                            "or optimizer.step() is still in it")
    rounding = max(ROUNDING, 3 * min(left, LEFT_OVER), 3 * noise)
    if not depend(report, measured):
        if clipped(report, measured, left):
            return
        report.residual, report.weights = left, by_cut(plan, measured.weights)
        if left > LEFT_OVER:
            no_sum(report, plan, measured)
            return without_tokens(report, measured)
        if left > 10 * ROUNDING:
            report.notes.append(f"{left:.1g} of a gradient is no weighted sum of those of its items: rounding in half "
                                "precision, or a little of something else; float32 would tell")
    without_tokens(report, measured)
    if (turned := measured.turned.far_from(measured.cuts[0])) > rounding:
        return report.fault("order", f"with its items in another order the batch has another gradient, by {turned:.1g}")
    if report.weights:
        name_them(report, plan, measured, rounding, means)
    compare_cuts(report, plan, measured, rounding, means)


def nothing_there(report, plan, measured):
    """The step, or an item alone, has no gradient."""
    full = "a window of accumulation that is not full (say so by cuts)"
    cuts = [cut_name(cut) for cut, one in zip(plan.cuts, measured.cuts) if not one.norm]
    items = sorted({part.item for part, one in zip(plan.parts, measured.alone) if not one.norm})
    trained = {part.term for part, one in zip(plan.parts, measured.alone) if one.norm}
    terms = sorted({str(part.term) for part in plan.parts if part.term not in trained})
    if not any(one.norm for _, one in measured.seen):
        sentence = (f"no call left one: the step did not come, as in {full}, or zero_grad() is still at the end of the "
                    "function, or nothing is trained")
    elif cuts:
        sentence = (f"the step left none for the batch {' and for '.join(cuts)}: {full}, or items whose loss needs "
                    "others beside them (in-batch negatives)")
    elif items and report.single_term:
        sentence = (f"item {', '.join(map(str, items))} alone has none and cannot be weighed: its loss needs others "
                    f"beside it (in-batch negatives), or is flat there, or {full}")
    elif terms:
        sentence = f"none of these items has one in the term {' nor in '.join(terms)}: take others, or leave it out"
    else:
        return None
    return report.fault("no gradient", sentence)


def depend(report, measured):
    alone = np.stack([one.entries / one.norm for one in measured.alone if one.norm])
    spread = np.linalg.svd(alone, compute_uv=False)
    if len(alone) > alone.shape[1] or spread[-1] < ROUNDING * spread[0]:
        return report.fault("dependent items", "cannot weigh: the gradients of these items depend on each other (equal "
                            "items, or more of them than parameters); take others, or fewer")


def clipped(report, measured, left):
    """Three batches of different items whose gradients have one norm, or the same largest entry many times."""
    different = list({things: one for things, one in measured.seen}.values())
    saturated = np.array([0 < one.at_peak < 0.9 for one in different])
    for what, size, able, close in (
            ("norm", [one.norm for one in different], left <= LEFT_OVER, np.clip(left / 10, 1e-5, 1e-3)),
            ("largest entry", [one.peak for one in different], saturated & saturated[:, None], 1e-6)):
        same = able & (np.abs(np.array(size) - np.array(size)[:, None]) <= close * np.array(size))
        alike = same.sum(axis=1)
        if alike.max() >= 3:
            return report.fault("clipped", f"{alike.max()} batches of different items have a gradient of one {what}, "
                                f"{size[alike.argmax()]:.3g}: switch clipping off, then ask again")


def no_sum(report, plan, measured):
    """A gradient is no weighted sum. What lies outside of all items' gradients: one vector in all, or not?"""
    basis = np.linalg.qr(np.stack([one.entries for one in measured.alone if one.norm]).T)[0]
    unit = np.stack([one.entries / (np.linalg.norm(one.entries) or 1) for one in measured.cuts])  # or none was drawn
    outside = unit - unit @ basis @ basis.T
    everywhere = np.linalg.norm(outside, axis=1).min() > LEFT_OVER / 10
    spread = np.linalg.svd(outside, compute_uv=False)
    if everywhere and len(outside) > 2 and outside.shape[1] > basis.shape[1] + 2 and spread[1] < 0.01 * spread[0]:
        return report.fault("added", "one vector is added to every gradient and no item causes it (weight decay, a "
                            "term without items)")
    left, item = max([(left, cut[0][0]) for left, cut in zip(measured.left, plan.cuts) if len(set(sum(cut, []))) == 1],
                     default=(0, None))
    if left > LEFT_OVER and not plan.relative:
        return report.fault("another loss", f"of item {item} alone {left:.2g} of the gradient is not that of its "
                            "reference: something else is trained (dropout, a mask, shifted labels), or one term more "
                            "(give a dict of references)")
    if left > LEFT_OVER:
        return report.fault("not a sum", f"item {item} alone is not the sum of its halves, {left:.2g} is left over. "
                            "One of: keep changes more than which tokens count; the loss has terms with denominators "
                            "of their own (give references); masked tokens are in the loss; an elementwise step; "
                            "dropout with a fixed seed")
    batch = cut_name(plan.cuts[measured.left.argmax()])
    report.fault("not a sum", f"{measured.left.max():.2g} of the gradient of the batch {batch} is no weighted sum of "
                 "those of its items. One of: padding reaches the network; items act on each other (batch "
                 "normalisation, packed rows, what one leaves to the next); dropout with a fixed seed; an elementwise "
                 "step; terms with denominators of their own (give references)")


def without_tokens(report, measured):
    outcomes = {}
    for words, result in measured.empty:
        if isinstance(result, Exception):
            outcomes.setdefault(f"raises {type(result).__name__}", []).append(words)
        elif not np.isfinite(result.norm):
            outcomes.setdefault("gives NaN or infinity", []).append(words)
        elif words == "a batch" and result.norm > 1e-6 * measured.cuts[0].norm and "added" not in report.kinds():
            report.fault("added", f"a batch without a token still has a gradient of norm {result.norm:.2g}: no token "
                         "that counts causes it (weight decay, an auxiliary term, masked tokens in the loss)")
    if outcomes:
        told = (f"{' or '.join(words)} without a token {outcome}" for outcome, words in outcomes.items())
        report.fault("no token", "; ".join(told) + " (where it is dropped on purpose: empty=False)")


def by_cut(plan, values):
    return {cut_name(cut): {part.name: float(value) for part, value in zip(plan.parts, row) if np.isfinite(value)}
            for cut, row in zip(plan.cuts, values) if np.isfinite(row).any()}


# An |X| that explains the weights: whether it is no sum or difference, the constant, the rules, its weights.
Fit = namedtuple("Fit", "name plain factor rules weights")


def fits(plan, mine, weights, errors, rounding):
    """Every |X| that explains the weights at `mine` (cuts, parts)."""
    w, allowed, whole = weights[mine], 10 * errors[mine], plan.whole[mine]
    found = []
    for own in plan.owns:
        P = (plan.predictions[:, :len(plan.plain) if own else None] * plan.own(own))[..., mine]
        ratio = np.where(~np.isnan(P).any(axis=-1, keepdims=True), w / P, 1.0)
        factor = np.ones(P.shape[:2]) if plan.relative else np.nanmedian(ratio[..., whole], axis=-1)
        P = factor[..., None] * P
        close = np.abs(w - P) <= rounding * np.abs(P) + allowed
        # A number that is 0 for a few items says nothing of these; a sum, a difference or a rule that is 0 is out.
        zero = np.isnan(P[0, :len(plan.plain)])
        close[:, :len(plan.plain)] |= zero & (zero.mean(axis=-1, keepdims=True) < 0.5)
        in_one, everywhere = close[..., whole].all(axis=-1), close.all(axis=-1)
        for k in np.flatnonzero(in_one.any(axis=0)):
            good = everywhere[:, k] if everywhere[:, k].any() else in_one[:, k]
            if (exact := good & is_one(factor[:, k], rounding)).any():  # a constant only where nothing does without
                good = exact
            at, name = int(np.argmax(good)), plan.names[k]
            rules = list(dict.fromkeys(plan.rules[r] for r in np.flatnonzero(good & everywhere[:, k])))
            found.append(Fit(hypothesis_name(own, name), name in plan.plain, float(factor[at, k]), rules, P[at, k]))
    return [fit for fit in found if fit.rules] or found


def rules_alone(plan, measured, rounding):
    """The rules that explain the weights of items that are a piece by themselves: there every |X| predicts the same."""
    mine = plan.by_itself & np.isfinite(measured.weights)
    P = plan.predictions[:, 0, mine]
    good = (np.abs(measured.weights[mine] - P) <= rounding * P + 10 * measured.errors[mine]).all(axis=-1) & mine.any()
    return list(dict.fromkeys(plan.rules[r] for r in np.flatnonzero(good)))


def is_one(factor, rounding):
    return np.abs(factor - 1) <= max(1e-3, rounding)


def name_them(report, plan, measured, rounding, means):
    """The names of |X| and of the rule, for each term of the loss by itself."""
    good, numbers, shown = {}, {}, np.full_like(measured.weights, np.nan)
    for term in dict.fromkeys(part.term for part in plan.parts):
        mine = np.isfinite(measured.weights) & [part.term == term for part in plan.parts]
        found = fits(plan, mine, measured.weights, measured.errors, rounding)
        found = [fit for fit in found if is_one(fit.factor, rounding)] or found
        good[term] = [fit for fit in found if fit.plain] or found
        if others := [fit.name for fit in found if fit not in good[term]]:
            report.notes.append(f"{' and '.join(others)} would explain the weights as well")
        w = measured.weights[0, mine[0]]
        equal = not plan.relative and np.ptp(w) <= max(1e-3, rounding) * np.abs(w).max()
        numbers[term] = float(1 / w.mean()) if equal else None
        if good[term]:
            shown[mine] = good[term][0].weights
    names = {term: [fit.name for fit in some] for term, some in good.items()}
    factors = {term: some[0].factor if some else 1.0 for term, some in good.items()}
    rules = in_all([rule for fit in some for rule in fit.rules] for some in good.values())
    report.predicted, report.divides_by = by_cut(plan, shown), in_all(names.values())
    rules = rules or rules_alone(plan, measured, rounding)
    report.pieces_by = [rule for rule in rules if not any(
        word in rule for word in (" plus ", " minus ", ", twice"))] or rules
    if report.single_term:
        (report.factor,), (report.measured,) = factors.values(), numbers.values()
    else:
        report.terms, report.factor, report.measured = names, factors, numbers
    own, of_each, size = (means or "").partition(" of each sequence")
    seen = (size.removeprefix(", then ") or "nothing") if of_each and own not in plan.owns else means
    for term in names if means is not None else ():
        constant, of = constants(factors[term]), f" for {term}" if term else ""
        if seen not in names[term] or constant:
            report.fault("not meant", f"meant to be divided by {means}{of}, and divided by "
                         f"{report.named(names[term], 'number')}{constant}")


def in_all(lists):
    """What is in each of these lists, in the order of the first."""
    first, *others = lists
    return [thing for thing in dict.fromkeys(first) if all(thing in other for other in others)]


def over_sequences(name):
    return name == "sequences" or name.endswith(", then sequences")


def compare_cuts(report, plan, measured, rounding, means):
    """Cuts of the same items with different gradients; where a mean over sequences is meant, only unequal pieces."""
    firsts, differs = {}, []
    for cut, one in zip(plan.cuts, measured.cuts):
        other, first = firsts.setdefault(tuple(sorted(sum(cut, []))), (cut, one))
        if sorted(map(sorted, cut)) != sorted(map(sorted, other)):
            cosine = first.entries @ one.entries / np.linalg.norm(first.entries) / np.linalg.norm(one.entries)
            differs.append((one.far_from(first), cosine, cut))
    report.split_error = max((float(error) for error, _, _ in differs), default=None)
    wrong = [it for it in differs if it[0] > rounding]
    words = "; ".join(f"{cut_name(cut)}: off by {error:.2g}, cosine {cosine:.3f}" for error, cosine, cut in wrong)
    of_sequences = "the mean over pieces" in report.pieces_by and any(
        map(over_sequences, report.divides_by)) and (means is None or over_sequences(means))
    if wrong and of_sequences and all(len(set(map(len, cut))) > 1 for _, _, cut in wrong):
        unsure = means is None and (not report.counted or not all(map(over_sequences, report.divides_by)))
        report.notes.append(
            "a mean over sequences, then over pieces: right wherever all pieces hold equally many sequences"
            + "; but if tokens are meant, this is a mean of means: these items weigh alike and cannot tell (give "
            "tokens and means, and take items with different numbers of tokens)" * unsure + f" ({words})")
    elif wrong:
        worst = report.worst_cut = cut_name(max(wrong, key=lambda it: it[0])[2])
        w = abs(np.array([*report.weights.get(worst, {None: 1}).values()]))
        lost = f"; in {worst} some weigh nothing: zero_grad() between pieces?" if w.min() < 1e-3 * w.max() else ""
        report.fault("pieces", f"the gradient depends on how the items are cut ({words}){lost}")

"""What some libraries divide by: measured with `examine`, written to record.json and into ../your-own-code.md.

    python docs/recipes/record.py              measures whatever of them is installed; other rows stay as they are
    python docs/recipes/record.py keras optax  measures only these

Tiny random models, on a CPU, without a download. "Documented": what the library's own text promises.
"""

import importlib
import importlib.metadata
import json
import re
import sys
from datetime import date
from pathlib import Path
from typing import NamedTuple

from items import IGNORED, SHIFTED, SYMBOLS, keep, length, make_items, padded, tokens

from lstmlib.weighing import examine

sys.path.append(str(Path(__file__).parents[2]))

from tools.files import write  # noqa: E402

RECORD, PAGE = Path(__file__).with_name("record.json"), Path(__file__).parents[1] / "your-own-code.md"
LABELS = {"tokens": tokens, "length": length, "keep": keep}
SAME = 'no: "same update as if batch_size x 4" (its page on gradient accumulation)'
OWN = 'yes: "for a custom loss function, include num_items_in_batch" (the same page)'
BEFORE = 'not said; "supposed to be mathematically equivalent to full batch training" (their post of 2024-10-16)'
YES, NOT_SAID = "yes", "not said"
HEADS = "huggingface/transformers#47688 (open in 2026-07)"


class Case(NamedTuple):
    library: str
    setting: str
    report: object             # a function
    documented: str            # what its documentation says of this
    issue: str = ""
    needs: tuple = ()
    at_least: int = 0          # the major version from which on this exists


def trainer(model, **more):
    from transformers_trainer import collate, gradient_of
    return gradient_of(model, more.pop("collate", collate), **more)


def tiny(kind, **more):
    """A tiny random model without dropout."""
    import torch
    import transformers
    torch.manual_seed(0)
    config = getattr(transformers, "LlamaConfig" if "Llama" in kind else "BertConfig")
    sizes = dict(vocab_size=SYMBOLS, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
                 max_position_embeddings=32, pad_token_id=0)
    none = {} if "Llama" in kind else dict(hidden_dropout_prob=0, attention_probs_dropout_prob=0)
    return getattr(transformers, kind)(config(**sizes, **none, **more))


def own_module(with_kwargs):
    """A model of one's own whose forward returns the mean loss."""
    import torch
    from pytorch_loop import Tagger

    class Own(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.tagger = Tagger()
            self.tagger.dropout.p = 0.0

        def loss(self, input_ids, labels):
            logits = self.tagger(input_ids)
            return {"loss": torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(),
                                                              ignore_index=IGNORED)}

    class Plain(Own):
        def forward(self, input_ids, labels, attention_mask=None):
            return self.loss(input_ids, labels)

    class Kwargs(Own):
        def forward(self, input_ids, labels, attention_mask=None, **kwargs):
            return self.loss(input_ids, labels)

    return Kwargs() if with_kwargs else Plain()


def of_trainer(model, handles=LABELS, items=None, **more):
    return examine(trainer(model, **more), items or make_items(), **handles, empty=False, quiet=True)


def classified():
    """One label for each sequence."""
    import torch

    def collate(items):
        rows = padded(items)
        return {"input_ids": torch.tensor(rows["input_ids"]), "attention_mask": torch.tensor(rows["attention_mask"]),
                "labels": torch.tensor([item["labels"][-1] % 3 for item in items])}
    return of_trainer(tiny("LlamaForSequenceClassification", num_labels=3), {}, collate=collate)


def of_recipe(name, which):
    return lambda: importlib.import_module(name).reports()[which]


def last_window():
    """Two or three micro-batches in a window of four, and a loss that is a mean over sequences."""
    import lightning_trainer as recipe
    import torch

    class OfSequences(recipe.Broken):
        def training_step(self, batch):
            losses = torch.nn.functional.cross_entropy(
                self.model(batch["input_ids"]).swapaxes(1, 2), batch["labels"], ignore_index=IGNORED, reduction="none")
            return losses.sum() / len(losses)

    module = OfSequences()

    def reference(item):
        module.zero_grad()
        module.loss(recipe.collate([item]), "sum").backward()
        return [parameter.grad.clone() for parameter in module.parameters()]

    return examine(recipe.gradient_of(module, window=4), make_items(), tokens, length, reference=reference, quiet=True,
                   cuts=[[[0], [1], [2]], [[1], [3]]], empty=False)


def one_batch_of_keras():
    import keras_fit as recipe
    model = recipe.tagger()
    before = model.get_weights()

    def gradient(pieces):
        model.set_weights(before)
        recipe.train(model, [recipe.arrays([item for piece in pieces for item in piece])], "sum_over_batch_size")
        return [old - new for old, new in zip(before, model.get_weights())]

    return examine(gradient, make_items(), tokens, length, keep, quiet=True, empty=False)


TRANSFORMERS = ("torch", "accelerate")
CASES = [
    Case("transformers", "Trainer, LlamaForCausalLM", lambda: of_trainer(tiny("LlamaForCausalLM"), SHIFTED),
         SAME, "huggingface/transformers#34191 (mended 2024)", TRANSFORMERS),
    Case("transformers", "the same, label smoothing", lambda: of_trainer(
        tiny("LlamaForCausalLM"), SHIFTED, arguments={"label_smoothing_factor": 0.1}), SAME,
         "huggingface/transformers#46731 (2026)", TRANSFORMERS, 5),
    Case("transformers", "Trainer, compute_loss_func = sum / num_items_in_batch",
         of_recipe("transformers_trainer", "repaired"), YES, "", TRANSFORMERS, 5),
    Case("transformers", "Trainer, BertForTokenClassification", lambda: of_trainer(
        tiny("BertForTokenClassification", num_labels=SYMBOLS)), SAME, HEADS, TRANSFORMERS, 5),
    Case("transformers", "Trainer, BertForMaskedLM", lambda: of_trainer(tiny("BertForMaskedLM")), SAME, HEADS,
         TRANSFORMERS, 5),
    Case("transformers", "Trainer, LlamaForSequenceClassification", classified, SAME, HEADS, TRANSFORMERS, 5),
    Case("transformers", "Trainer, own model with `**kwargs` that returns a mean", lambda: of_trainer(own_module(True)),
         OWN, "", TRANSFORMERS, 5),
    Case("transformers", "Trainer, own model that returns a mean", lambda: of_trainer(own_module(False)), OWN, "",
         TRANSFORMERS, 5),
    Case("trl", "SFTTrainer, completion masks", of_recipe("trl_sft", "repaired"), YES, "", TRANSFORMERS),
    Case("lightning", "accumulate_grad_batches, training_step returns a mean", of_recipe("lightning_trainer", "broken"),
         NOT_SAID, "Lightning-AI/pytorch-lightning#20350 (open in 2026-07)", ("torch", "transformers")),
    Case("lightning", "the last window of an epoch, 2 or 3 micro-batches instead of 4", last_window, NOT_SAID,
         "Lightning-AI/pytorch-lightning#19987 (open in 2026-07)", ("torch", "transformers")),
    Case("accelerate", "accumulate(), a mean in each micro-batch", of_recipe("accelerate_loop", "broken"),
         "yes: a chapter of its own", "huggingface/accelerate#3193", ("torch", "transformers"), 1),
    Case("accelerate", "accumulate(), sums over the total count", of_recipe("accelerate_loop", "repaired"), YES, "",
         ("torch", "transformers"), 1),
    Case("keras", "sample_weight as a mask, one batch", one_batch_of_keras,
         'yes: "divide by the sample size" (Loss.reduction)', "keras-team/keras#15323 (open since 2021)", ("torch",)),
    Case("keras", "gradient_accumulation_steps, masks as above", of_recipe("keras_fit", "broken"),
         'yes: "the average value of the gradients"', "", ("torch",)),
    Case("optax", "MultiSteps, a mean in each micro-batch", of_recipe("jax_optax", "broken"),
         'yes: "gradients accumulated over multiple mini-steps are averaged"', "", ("jax",)),
    Case("torch", "DistributedDataParallel, a mean on each rank", of_recipe("ddp_gloo", "broken"),
         'yes: "the gradients between different nodes are averaged"'),
]


def verdict(report):
    """In a few words: right, or by what a batch is divided and how pieces are combined."""
    names, rules = " or ".join(report.divides_by) or "an unknown number", " or ".join(report.pieces_by[:2]) or "unknown"
    names += "" if abs(report.factor - 1) < 1e-3 else f", times a constant {report.factor:.3g}"
    if report.split_error is None:
        return names
    if report.split_error < 1e-4:
        return f"{names}; the same in every cut"
    return f"{names}; pieces: {rules}; off by up to {report.split_error:.2f}"


def measure():
    """The rows of whatever is installed."""
    for case in CASES:
        if sys.argv[1:] and case.library not in sys.argv[1:]:
            continue
        try:
            versions = {name: importlib.metadata.version(name) for name in (case.library, *case.needs)}
        except importlib.metadata.PackageNotFoundError:
            continue
        if case.library == "accelerate" and versions.get("transformers", "5") < "5" or int(
                versions[case.library].split(".")[0]) < case.at_least:
            continue
        print(case.library, versions[case.library], case.setting, file=sys.stderr)
        report = case.report()
        yield {"library": case.library, "version": versions[case.library], "setting": case.setting,
               "verdict": verdict(report), "same_in_every_cut": "pieces" not in {fault.kind for fault in report.faults},
               "with": {name: version for name, version in versions.items() if name != case.library},
               "date": date.today().isoformat()}


def told(row):
    """The row, with what the documentation says and the issue."""
    case = next(case for case in CASES if (case.library, case.setting) == (row["library"], row["setting"]))
    documented = case.documented
    if documented == SAME and (row["same_in_every_cut"] or row["version"] < "5"):
        documented = YES if row["same_in_every_cut"] else BEFORE
    return row | {"documented": documented, "surprise": documented == SAME, "issue": case.issue}


def table(rows):
    lines = ["| library | setting | a batch is divided by; pieces | its documentation says so | issue |",
             "|---|---|---|---|---|"]
    for row in rows:
        issue = re.sub(r"([\w-]+/[\w-]+)#(\d+)", r"[\1#\2](https://github.com/\1/issues/\2)", row["issue"])
        lines.append(f"| {row['library']} {row['version'].split('+')[0]} | {row['setting']} | {row['verdict']} | "
                     f"{'**surprise**; ' if row['surprise'] else ''}{row['documented']} | {issue} |")
    return "\n".join(lines)


def with_table(page, rows):
    start, end = "<!-- record -->\n", "\n<!-- end of the record -->"
    before, _, rest = page.partition(start)
    return before + start + table(rows) + end + rest.partition(end)[2]


def main():
    rows = {(row["library"], row["version"], row["setting"]): row for row in json.loads(
        RECORD.read_text(encoding="utf-8") if RECORD.exists() else "[]")}
    for row in measure():
        rows[row["library"], row["version"], row["setting"]] = row
    order = [(case.library, case.setting) for case in CASES]
    rows = sorted(map(told, rows.values()), key=lambda row: (order.index((row["library"], row["setting"])),
                                                             row["version"]))
    write(RECORD, json.dumps(rows, indent=1) + "\n")
    write(PAGE, with_table(PAGE.read_text(encoding="utf-8"), rows))


if __name__ == "__main__":
    main()

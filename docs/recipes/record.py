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
    library: str               # its name, and where that matters how its version begins
    setting: str
    report: object             # a function
    documented: str            # what its documentation says of this
    issue: str = ""
    needs: tuple = ()          # other libraries, likewise

    def is_of(self, row):
        name, _, version = self.library.partition(" ")
        return (name, self.setting) == (row["library"], row["setting"]) and row["version"].startswith(version)


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


def sft(dataset, tokenizer, **config):
    """The function that `examine` calls: trl's SFTTrainer on what `dataset` makes of items."""
    import trl
    import trl_sft as recipe
    from datasets import disable_progress_bars
    from transformers_trainer import gradient_of
    disable_progress_bars()
    return gradient_of(recipe.llama(), None, trl.SFTTrainer, trl.SFTConfig, dataset, config, processing_class=tokenizer)


def assistant_masks():
    """Conversations, one word a turn: where a label counts, it is the assistant's."""
    import trl_sft as recipe
    from datasets import Dataset
    from tokenizers.pre_tokenizers import WhitespaceSplit
    tokenizer = recipe.tokenizer()
    tokenizer.backend_tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.chat_template = (
        "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %}"
        "{% else %}{{ m.content }}{% endif %} {% endfor %}")

    def conversations(items):
        return Dataset.from_list([{"messages": [
            {"role": "user" if label == IGNORED else "assistant", "content": f"w{symbol}"}
            for symbol, label in zip(item["input_ids"], item["labels"])]} for item in items])

    gradient = sft(conversations, tokenizer, assistant_only_loss=True)
    return examine(gradient, make_items(), **SHIFTED, empty=False, quiet=True)


def packed(strategy, longest=16):
    """Items are documents. trl packs those of each micro-batch into rows, and trains on these rows."""
    import trl_sft as recipe
    from datasets import Dataset
    from trl import pack_dataset
    gradient = sft(Dataset.from_list, recipe.tokenizer(), packing=True, packing_strategy=strategy, max_length=longest,
                   dataset_kwargs={"skip_prepare_dataset": True})  # it is packed already

    def of_documents(pieces):
        return gradient([list(pack_dataset(Dataset.from_list(piece), longest, strategy)) for piece in pieces])

    return examine(of_documents, make_items(), **SHIFTED, empty=False, quiet=True)


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


def causal(**arguments):
    return lambda: of_trainer(tiny("LlamaForCausalLM"), SHIFTED, arguments=arguments)


CAUSAL, SMOOTHED = "Trainer, LlamaForCausalLM", "the same, label smoothing"
TORCH, TRL = ("torch", "accelerate"), ("transformers", "torch", "accelerate")
NEW = ("torch", "transformers 5")
CASES = [
    Case("transformers 4.45", CAUSAL, causal(), BEFORE, "huggingface/transformers#34191 (mended 2024)", TORCH),
    Case("transformers 4.57", CAUSAL, causal(), NOT_SAID, "huggingface/transformers#46204 (mended 2026-05)", TORCH),
    Case("transformers 4.57", SMOOTHED, causal(label_smoothing_factor=0.1), BEFORE,
         "huggingface/transformers#46731 (mended 2026-07)", TORCH),
    Case("transformers 5", CAUSAL, causal(), SAME, "", TORCH),
    Case("transformers 5", SMOOTHED, causal(label_smoothing_factor=0.1), SAME, "", TORCH),
    Case("transformers 5", "Trainer, compute_loss_func = sum / num_items_in_batch",
         of_recipe("transformers_trainer", "repaired"), YES, "", TORCH),
    Case("transformers 5", "Trainer, BertForTokenClassification", lambda: of_trainer(
        tiny("BertForTokenClassification", num_labels=SYMBOLS)), SAME, HEADS, TORCH),
    Case("transformers 5", "Trainer, BertForMaskedLM", lambda: of_trainer(tiny("BertForMaskedLM")), SAME, HEADS, TORCH),
    Case("transformers 5", "Trainer, LlamaForSequenceClassification", classified, SAME, HEADS, TORCH),
    Case("transformers 5", "Trainer, own model with `**kwargs` that returns a mean",
         lambda: of_trainer(own_module(True)), OWN, "", TORCH),
    Case("transformers 5", "Trainer, own model that returns a mean", lambda: of_trainer(own_module(False)), OWN, "",
         TORCH),
    Case("trl", "SFTTrainer, completion masks", of_recipe("trl_sft", "repaired"), YES, "", TRL),
    Case("trl", "SFTTrainer, assistant masks", assistant_masks, YES, "", TRL),
    Case("trl", 'SFTTrainer, packing, strategy "bfd" (the default)', lambda: packed("bfd"), YES, "", TRL),
    Case("trl", 'SFTTrainer, packing, strategy "wrapped"', lambda: packed("wrapped"),
         'yes: "ignores sequence boundaries" (pack_dataset)', "", TRL),
    Case("lightning", "accumulate_grad_batches, training_step returns a mean", of_recipe("lightning_trainer", "broken"),
         NOT_SAID, "Lightning-AI/pytorch-lightning#20350 (open in 2026-07)", NEW),
    Case("lightning", "the last window of an epoch, 2 or 3 micro-batches instead of 4", last_window, NOT_SAID,
         "Lightning-AI/pytorch-lightning#19987 (open in 2026-07)", NEW),
    Case("accelerate", "accumulate(), a mean in each micro-batch", of_recipe("accelerate_loop", "broken"),
         "yes: a chapter of its own", "huggingface/accelerate#3193", NEW),
    Case("accelerate", "accumulate(), sums over the total count", of_recipe("accelerate_loop", "repaired"), YES, "",
         NEW),
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
    if any(fault.kind == "not a sum" for fault in report.faults):
        return f"no weighted sum of its items: {report.residual:.2f} of a gradient is left over"
    names, rules = " or ".join(report.divides_by) or "an unknown number", " or ".join(report.pieces_by[:2]) or "unknown"
    names += "" if abs(report.factor - 1) < 1e-3 else f", times a constant {report.factor:.3g}"
    if report.split_error is None:
        return names
    if report.split_error < 1e-4:
        return f"{names}; the same in every cut"
    return f"{names}; pieces: {rules}; off by up to {report.split_error:.2f}"


def installed(library):
    """The version of a library such as "transformers 5"; None where there is none, or another version."""
    name, _, begins = library.partition(" ")
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    return version if version.startswith(begins) else None


def measure():
    """The rows of whatever is installed."""
    for case in CASES:
        name, *others = (library.split()[0] for library in (case.library, *case.needs))
        version, *versions = map(installed, (case.library, *case.needs))
        if None in (version, *versions) or name not in (sys.argv[1:] or [name]):
            continue
        print(name, version, case.setting, file=sys.stderr)
        report = case.report()
        yield {"library": name, "version": version, "setting": case.setting, "verdict": verdict(report),
               "same_in_every_cut": not {fault.kind for fault in report.faults} & {"pieces", "not a sum"},
               "with": dict(zip(others, versions)), "date": date.today().isoformat()}


def case_of(row):
    return next(case for case in CASES if case.is_of(row))


def told(row):
    """The row, with what the documentation says and the issue."""
    case = case_of(row)
    documented = YES if case.documented == SAME and row["same_in_every_cut"] else case.documented
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
    rows = sorted(map(told, rows.values()), key=lambda row: (CASES.index(case_of(row)), row["version"]))
    write(RECORD, json.dumps(rows, indent=1) + "\n")
    write(PAGE, with_table(PAGE.read_text(encoding="utf-8"), rows))


if __name__ == "__main__":
    main()

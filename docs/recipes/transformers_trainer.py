"""Hugging Face's Trainer: does each token weigh the same, whatever the gradient accumulation steps?

The Trainer runs for one step of the optimiser, cut as `examine` asks. An optimiser that only records stands for yours.
"""

import tempfile

import torch
from items import IGNORED, SYMBOLS, keep, length, make_items, padded, show, tokens
from torch.nn.functional import cross_entropy
from transformers import BertConfig, BertForTokenClassification, PrinterCallback, Trainer, TrainingArguments

from lstmlib.weighing import examine


class Recording(torch.optim.SGD):
    """An optimiser that changes nothing and keeps the gradients that it was given."""

    def step(self, closure=None):
        if closure is not None:
            closure()
        self.seen = [None if p.grad is None else p.grad.clone() for g in self.param_groups for p in g["params"]]


def cut(trainer_class):
    """The Trainer, with micro-batches that are given."""
    class Cut(trainer_class):
        def get_train_dataloader(self):
            return self.accelerator.prepare(torch.utils.data.DataLoader(
                self.train_dataset, batch_sampler=self.micro_batches, collate_fn=self.data_collator))
    return Cut


def gradient_of(model, collate, trainer_class=Trainer, config=TrainingArguments, dataset=list, arguments=None, **more):
    """The function that `examine` calls; `arguments` and `more` are those of your own Trainer."""
    def gradient(pieces):
        items = [item for piece in pieces for item in piece]
        numbers, recording = iter(range(len(items))), Recording(model.parameters(), lr=0)
        with tempfile.TemporaryDirectory() as folder:
            args = config(folder, gradient_accumulation_steps=len(pieces), max_steps=1, max_grad_norm=0,  # 0: no clip
                          per_device_train_batch_size=1, use_cpu=True, bf16=False, report_to=[], save_strategy="no",
                          disable_tqdm=True, logging_strategy="no", remove_unused_columns=False, **arguments or {})
            trainer = cut(trainer_class)(model, args, collate, dataset(items), **more, optimizers=(
                recording, torch.optim.lr_scheduler.ConstantLR(recording)))
            trainer.remove_callback(PrinterCallback)
            trainer.micro_batches = [[next(numbers) for _ in piece] for piece in pieces]
            trainer.train()
        return recording.seen
    return gradient


def collate(items):
    return {key: torch.tensor(rows) for key, rows in padded(items).items()}


def tagger():
    torch.manual_seed(0)
    return BertForTokenClassification(BertConfig(
        vocab_size=SYMBOLS, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        num_labels=SYMBOLS, hidden_dropout_prob=0, attention_probs_dropout_prob=0))  # no dropout: the Trainer trains


def divided_once(outputs, labels, num_items_in_batch):
    """The summed loss over the number of labels in all micro-batches."""
    return cross_entropy(outputs.logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED,
                         reduction="sum") / num_items_in_batch


def reports():
    def examined(**more):
        return examine(gradient_of(tagger(), collate, **more), make_items(), tokens, length, keep, means="tokens",
                       empty=False)

    return {"broken": examined(), "repaired": examined(compute_loss_func=divided_once)}


if __name__ == "__main__":
    show(reports())

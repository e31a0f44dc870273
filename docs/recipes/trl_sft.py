"""trl's SFTTrainer with completion masks: does each token of the answers weigh the same?"""

import torch
from datasets import Dataset, disable_progress_bars
from items import IGNORED, SHIFTED, SYMBOLS, make_items, show
from tokenizers import Tokenizer, models
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers_trainer import gradient_of
from trl import SFTConfig, SFTTrainer

from lstmlib.weighing import examine


def llama():
    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(vocab_size=SYMBOLS, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
                                        intermediate_size=16, max_position_embeddings=32, pad_token_id=0))


def tokenizer():
    words = {"<pad>": 0, "<eos>": 1} | {f"w{k}": k for k in range(2, SYMBOLS)}
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel(words, "<eos>")), pad_token="<pad>",
                                   eos_token="<eos>")


def answers(items):
    """Prompts and answers as trl wants them: symbols, and a mask that is 1 on the answer."""
    return Dataset.from_list([{"input_ids": item["input_ids"], "completion_mask": [
        int(label != IGNORED) for label in item["labels"]]} for item in items])


class MeanOfEach(SFTTrainer):
    """A loss of one's own that forgets the other micro-batches."""

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        labels = inputs.pop("labels")
        return cross_entropy(model(**inputs).logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(),
                             ignore_index=IGNORED)


def reports():
    disable_progress_bars()

    def examined(trainer_class):
        gradient = gradient_of(llama(), None, trainer_class, SFTConfig, answers, {"completion_only_loss": True},
                               processing_class=tokenizer())
        return examine(gradient, make_items(), **SHIFTED, means="tokens", empty=False)

    return {"broken": examined(MeanOfEach), "repaired": examined(SFTTrainer)}


if __name__ == "__main__":
    show(reports())

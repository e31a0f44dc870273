"""A question that the reader answers before the notebook does."""

import html
from numbers import Integral

import traitlets

from ..show.svg import with_fallback
from .base import made_here
from .controls import STYLE, Part, script


class Prediction(Part):
    """A question, the reader's prediction, and beside it what came.

    question  what is asked
    choices   a list of texts to choose from; float or int: a number is typed
    truth     a function without arguments, called when the reader has predicted: the true choice or number, or a pair
              of it and a sentence that says what came
    because   why, said afterwards
    """

    texts = traitlets.List(traitlets.Unicode()).tag(sync=True)
    step = traitlets.Unicode().tag(sync=True)
    because = traitlets.Unicode().tag(sync=True)
    predicted = traitlets.Unicode().tag(sync=True)
    outcome = traitlets.Dict().tag(sync=True)  # truth and words, or error

    _esm, _css = script("prediction"), STYLE

    def __init__(self, question, choices, truth, because=""):
        typed = choices in (float, int)
        texts = [] if typed else list(choices)
        if not typed and (len(texts) < 2 or isinstance(choices, str) or not all(isinstance(t, str) for t in texts)):
            raise ValueError(f"choices must be float, int or two texts or more, got {choices!r}")
        if not callable(truth):
            raise TypeError(f"truth must be a function without arguments, got {truth!r}")
        self._truth = truth
        super().__init__(label=question, texts=texts, step="1" if choices is int else "any", because=because)
        made_here(self)

    def told(self):
        """{"truth": text, "words": sentence}: what came."""
        came = self._truth()
        truth, words = came if isinstance(came, tuple) else (came, "")
        text = str(truth) if isinstance(truth, str | Integral) else f"{truth:.4g}"
        if self.texts and text not in self.texts:
            raise ValueError(f"truth must return one of {', '.join(self.texts)}, got {truth!r}")
        return {"truth": text, "words": words}

    @traitlets.observe("predicted")
    def _predicted(self, _):
        try:
            self.outcome = self.told()
        except Exception as error:
            self.outcome = {"error": f"This question could not be answered. {type(error).__name__}: {error}"}
            raise

    def _repr_mimebundle_(self, **kwargs):
        boxes = "".join(f"<br>☐ {html.escape(text)}" for text in self.texts) or " ________"
        poster = f"<p><b>{html.escape(self.label)}</b>{boxes}</p>"
        data, metadata = with_fallback(self, super()._repr_mimebundle_(**kwargs), poster)
        asked = {"label": self.label, "texts": self.texts, "step": self.step, "because": self.because}
        return data, metadata | {"lstm_prediction": asked | {"outcome": self.told()}}

    def __repr__(self):
        return f"Prediction({self.label!r}: {' / '.join(self.texts) or 'a number'})"

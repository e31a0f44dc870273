"""An explorer with hostile text in every place; imported by the tests and by their notebook's kernel."""

from dataclasses import dataclass

from lstmlib.explorers import Explorer, Slider
from lstmlib.show import svg

HOSTILE = ("""<img src=x onerror="window.harm='img'"></svg></text><script>window.harm='script'</script>"""
           """]]>&quot;"'> onload=""")


@dataclass(frozen=True)
class State:
    n: int = 0


def hostile_explorer():
    def numbers(state):
        if state.n == 2:
            raise ValueError(HOSTILE)

    def draw(state, numbers):
        return (svg.panel(HOSTILE, 90, 40, svg.text(5, 20, HOSTILE, data_name=HOSTILE, font_family=HOSTILE),
                          words=HOSTILE),)

    return Explorer(HOSTILE, State(), {"n": Slider(HOSTILE, [0, 1, 2], labels=[HOSTILE] * 3)}, numbers, draw,
                    lambda state, numbers: HOSTILE, presets={HOSTILE: {"n": 1}}, poster=("Reset", HOSTILE))

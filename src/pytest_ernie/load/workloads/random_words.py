"""
Random words: prompts of one length, for tuning and for looking at a server's limits.
"""

from __future__ import annotations

import random

from pytest_ernie.load.protocol import Prompt

WORDS = (
    "air arm art bad bag bank bar base bed big bird boat body book box boy car card case cat cause "
    "chair city class clear club coat cold cook cost cup cut dark day deal dear deep dog door dry "
    "ear east easy edge egg end eye face fact fair fall farm fast fear field film fine fire fish "
    "floor food foot form free full game gas girl glass gold good green hair hall hand hard hat "
    "head heart heat high hill home hope horse hot hour house ice jack job key kind king lady lake "
    "land law lead leg life light line list long lord loss lot love low main man map mark mass meat "
    "mind moon mouth music name neck news night north nose note oil open page pain pair park part "
    "past path peace piece place plan plant point poor post press price queen race rain rate real "
    "red rest rice rich ring rise river road rock role roof room rose round rule salt sand scale "
    "sea seat seed ship shop short show sign size skin sky sleep snow soft soil song sound south "
    "space sport star step stone store storm sun table tail tax tea team test time top town trade "
    "train tree truth type unit view voice walk wall war warm watch water wave way week west white "
    "wide wife wild wind wine wing wood word work world year young zero"
)
"""Short and common, so that nearly every tokenizer has a token for each with the space before it."""


def random_words(
    prompts: int, *, input_tokens: int, output_tokens: int, seed: int
) -> tuple[Prompt, ...]:
    """
    Return prompts of ``input_tokens`` words, about one token each, and answers of one length.

    What a tokenizer makes of them isn't counted, so they can tune a server but certify nothing.
    """
    words = WORDS.split()
    draw_from = random.Random(f"random words {seed}")
    return tuple(
        Prompt(text=" ".join(draw_from.choices(words, k=input_tokens)), output_tokens=output_tokens)
        for _ in range(prompts)
    )

"""How bad a life in the small world is to be, drawn from its seed."""

import random

from tests.simulation.coordinator import Weather
from tests.simulation.topic import Trouble


def some_weather(rng: random.Random) -> Weather:
    bad = rng.choice([0.0, 0.02, 0.15])
    return Weather(
        slow=rng.choice([0.0, 0.3]),
        unavailable=bad,
        timeout=rng.choice([0.0, bad]),
        read_timeout=bad / 200,
        third_never=rng.choice([0.0, 0.5]),
    )


def some_trouble(rng: random.Random) -> Trouble:
    often = rng.choice([0.0, 0.05, 0.3])
    return Trouble(
        lost=rng.choice([0.0, 0.0, 0.05, 0.3]),
        doubled=often,
        swapped=rng.choice([0.0, often, 0.5]),
        crash=rng.choice([0.0, 0.01, 0.05]),
        commit_fails=rng.choice([0.0, 0.2]),
    )

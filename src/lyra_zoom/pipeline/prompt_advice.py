"""Advice on prompts for the diffusion model; it never refuses one and never changes one.

The model was trained on scenes that stand still and on descriptions of 80 to 100 words. Words
for the camera's way forward do no harm; where it really goes is the trajectory's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

BEST_WORDS = range(80, 101)
"""How long the descriptions were that the model was trained on."""

GOOD_WORDS = range(60, 141)
"""Lengths nobody is told about: close enough."""

WORDS_READ = 380
"""About what fits into the 512 tokens that the text encoder reads."""

MOST_NAMED = 4
"""Words of the prompt that one line of advice repeats at most."""

STILL = re.compile(
    r"\b(frozen|freeze|still|stillness|motionless|static|stationary|unmoving|immobile|"
    r"statuesque|statue|tableau|fixed|rigid|paralyzed|paralysed|suspended|"
    r"unchanging|standstill|(nothing|no one|nobody|no \w+) moves|"
    r"(no|no object|zero) (motion|movement)|without (any )?(motion|movement))\b",
    re.IGNORECASE,
)
"""That the scene stands still, in so many words."""

_LIVING = (
    r"people|persons?|m[ae]n|wom[ae]n|child(?:ren)?|boys?|girls?|crowds?|tourists?|villagers?|"
    r"pedestrians?|couples?|kids|someone|figures?|dogs?|cats?|horses?|birds?|seagulls?|gulls|"
    r"ducks|fish|butterfl(?:y|ies)|cows?|sheep|riders?|cyclists?"
)
_VEHICLES = r"cars?|traffic|boats?|ships?|trains?|trams?|buses|bicycles?|planes?"
_WATER = r"water|waters|waves?|rivers?|streams?|sea|ocean|surf|waterfalls?|fountains?|lava"
_AIR = r"smoke|steam|mist|fog|clouds?|snow|snowflakes|rain|leaves|petals|dust|embers|sparks"
_PLANTS = r"trees?|branches|palms?|grass|grasses|reeds|flowers?|flags?|curtains?|sails?|hair"

_GOES = r"walk|run|runn|stroll|march|danc|play|swim|swimm|fl(?:y|ie)|jump|mov|pass|rid|hurr|wav"
_DRIVES = r"driv|mov|pass|speed|rush|hurr|drift|rock|bob|bobb"
_FLOWS = r"flow|rush|roll|crash|mov|lap|lapp|pour|tumbl|gush|splash|rippl|run|runn|churn"
_BLOWS = r"ris|drift|mov|roll|fall|blow|swirl|billow|rac|gather|float|scatter"
_SWAYS = r"sway|wav|mov|flutter|bend|rustl|flap|flapp|billow|trembl"


def _does(who: str, what: str) -> str:
    """Whoever moves, and how: `people are walking`, `rain falls`."""
    between = r"(?:(?:is|are|that|which|slowly|gently|softly)\s+)*"
    return rf"(?:{who})\s+{between}(?:{what})(?:e?s|ing|e)?"


MOTION = re.compile(
    r"\b(?:"
    + "|".join(
        (
            _does(_LIVING, _GOES),
            _does(_VEHICLES, _DRIVES),
            _does(_WATER, _FLOWS),
            _does(_AIR, _BLOWS),
            _does(_PLANTS, _SWAYS),
            rf"(?:flow|rush|crash|mov|pour|gush|splash|lapp|churn|runn)ing\s+(?:{_WATER})",
            rf"(?:fall|ris|drift|mov|blow|swirl)ing\s+(?:{_AIR})",
            rf"(?:mov|pass|speed)ing\s+(?:{_VEHICLES})",
            r"(?:sway|flutter|flicker|gallop|danc)(?:ing|e?s)|(?:jump|spinn|whirl)ing",
            r"in (?:slow )?motion|in the wind|in the breeze",
        )
    )
    + r")\b",
    re.IGNORECASE,
)
"""Things that move; only what is hardly ever said of things at rest (not `rolling hills`)."""

CAMERA = re.compile(
    r"\b(?:"
    r"(?:camera|shot|view|lens)\s+(?:\w+\s+){0,2}?"
    r"(?:pan|tilt|orbit|circle|rotate|spin|turn|zoom|shake|retreat|reverse|swing|whip)(?:s|ning|ing)?"
    r"|(?:camera|shot|view)\s+(?:\w+\s+){0,2}?(?:pulls?|pulling|moves?|moving|backs?)\s+"
    r"(?:back|away|backwards?|left|right|up|down|sideways)"
    r"|zoom(?:s|ing)?\s+(?:in|out)|hand-?held|shaky|time-?lapse|hyper-?lapse|slow[ -]motion"
    r"|dolly zoom|whip pan|cuts? to|fades? (?:in|out|to)"
    r")\b",
    re.IGNORECASE,
)
"""Ways of filming that the request's trajectory decides, or that one shot cannot have."""

_PIECES = re.compile(r"[.;:!?\n]+|,?\s+\b(?:while|whilst|as|but)\b", re.IGNORECASE)
_DENIED = re.compile(r"\b(?:no|not|never|nor|without|zero|nothing|nobody|isn't|aren't)\b", re.I)


def advice_on(prompt: str) -> tuple[str, ...]:
    """What to change so that the diffusion model does better; nothing when all is well."""
    return tuple(_advice(prompt))


def _advice(prompt: str) -> Iterator[str]:
    words = len(prompt.split())
    if words > WORDS_READ:
        yield f"of the prompt's {words} words about the first {WORDS_READ} are read"
    elif words not in GOOD_WORDS:
        yield (
            f"the prompt has {words} word{'' if words == 1 else 's'}; {BEST_WORDS[0]} to "
            f"{BEST_WORDS[-1]} that describe the picture, near and far, and its light serve "
            "this model best"
        )
    if not STILL.search(prompt):
        yield (
            "the prompt does not say that the scene stands still; this model knows only scenes "
            'frozen in time ("every element is perfectly still")'
        )
    if moving := _named(MOTION, prompt):
        yield f"nothing can move in this model's scenes, but the prompt says: {moving}"
    if filming := _named(CAMERA, prompt):
        yield f"the camera goes where the trajectory says, whatever the prompt says: {filming}"


def _named(pattern: re.Pattern[str], prompt: str) -> str:
    """The places that match, each once, but not where the sentence denies them."""
    found = dict.fromkeys(
        " ".join(match[0].lower().split())
        for piece in _PIECES.split(prompt)
        if not _DENIED.search(piece) and not STILL.search(piece)
        for match in pattern.finditer(piece)
    )
    return ", ".join(list(found)[:MOST_NAMED])

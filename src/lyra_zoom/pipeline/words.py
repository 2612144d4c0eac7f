"""What people read about the making of a video, on a terminal or in a request's log."""

from __future__ import annotations

from lyra_zoom.contract.zoom import ZoomInput
from lyra_zoom.pipeline.prompt_advice import advice_on

STAGE_WORDS = {
    "decode": "reading the photograph",
    "compile": "compiling, once: some 30 s",
    "warm up": "getting ready",
    "depth": "seeing depth",
    "layers": "building layers",
    "frames": "drawing frames",
    "prompt": "reading the prompt",
    "look back": "looking back at earlier frames",
    "denoise": "denoising",
}
"""What a person reads for the stages that engines report."""

WORTH_A_WORD_S = 0.5

ONLY_DIFFUSION = ("use_dmd", "guidance_scale", "num_inference_steps")


def time_left(eta_s: float | None) -> str:
    """How long it will take, or nothing when that is not known or not worth a word."""
    if eta_s is None or eta_s < WORTH_A_WORD_S:
        return ""
    minutes, seconds = divmod(max(1, round(eta_s)), 60)
    return f"{minutes} min {seconds} s left" if minutes else f"{seconds} s left"


def without_effect(request: ZoomInput) -> str:
    """Which given fields the embedded engine does not use."""
    given = [name for name in ONLY_DIFFUSION if name in request.model_fields_set]
    return f"without effect in the embedded engine: {', '.join(['prompt', *given])}"


def notes_on(request: ZoomInput, engine: str) -> tuple[str, ...]:
    """What the person who asked should know about the fields, given who makes the video."""
    return (without_effect(request),) if engine == "embedded" else advice_on(request.prompt)

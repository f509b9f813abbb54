"""What a data set asks of a system: spectra of subbands, what y leaves unknown, condition numbers, step bounds."""

from wavegen.analysis.condition import condition_number, step_bound
from wavegen.analysis.figures import draw_plan
from wavegen.analysis.spectra import BandSpectrum, Rings, model_spectrum, residual_spectra, wiener_residual

__all__ = [
    "BandSpectrum",
    "Rings",
    "condition_number",
    "draw_plan",
    "model_spectrum",
    "residual_spectra",
    "step_bound",
    "wiener_residual",
]

"""Statistics of data: spectra, Gaussianity, sparsity and conditioning of subbands, and their uncertainty given y."""

from wavegen.analysis.condition import condition_number, step_bound
from wavegen.analysis.controls import Control
from wavegen.analysis.evidence import BandEvidence, Evidence, band_evidence
from wavegen.analysis.figures import draw_plan
from wavegen.analysis.measures import correlation_length, gini, hoyer, ks_distance, negentropy
from wavegen.analysis.spectra import BandSpectrum, Rings, model_spectrum, residual_spectra, wiener_residual
from wavegen.analysis.verdict import sentences, tendency

__all__ = [
    "BandEvidence",
    "BandSpectrum",
    "Control",
    "Evidence",
    "Rings",
    "band_evidence",
    "condition_number",
    "correlation_length",
    "draw_plan",
    "gini",
    "hoyer",
    "ks_distance",
    "model_spectrum",
    "negentropy",
    "residual_spectra",
    "sentences",
    "step_bound",
    "tendency",
    "wiener_residual",
]

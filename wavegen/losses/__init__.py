"""What training minimises: loss terms as registered components, and the objective of a pipeline's stages."""

from wavegen.losses.bands import Bands, Diversity, Energy
from wavegen.losses.base import BandLoss, CoarseCall, CoarseLoss, CriticLoss, ImageLoss, Terms, TransformLoss
from wavegen.losses.coarse import Distillation, Regression
from wavegen.losses.image import (
    FourierAmplitude,
    MeanAbsoluteError,
    MeanSquaredError,
    PerceptualDistance,
    ScoreOfDraws,
    StructuralDissimilarity,
)
from wavegen.losses.objective import Objective
from wavegen.losses.reconstruction import Reconstruction
from wavegen.losses.scores import packet_score
from wavegen.losses.times import draw_times

__all__ = [
    "BandLoss",
    "Bands",
    "CoarseCall",
    "CoarseLoss",
    "CriticLoss",
    "Distillation",
    "Diversity",
    "Energy",
    "FourierAmplitude",
    "ImageLoss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Objective",
    "PerceptualDistance",
    "Reconstruction",
    "Regression",
    "ScoreOfDraws",
    "StructuralDissimilarity",
    "Terms",
    "TransformLoss",
    "draw_times",
    "packet_score",
]

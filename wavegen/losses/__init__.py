"""What training minimises: the loss terms of a stage, for any pipeline."""

from wavegen.losses.objective import Objective, Terms

__all__ = ["Objective", "Terms"]

"""Optimisers, as components of the kind ``optimizer``: they are given a pipeline's parameters by role."""

from wavegen.optimizers.adamw import adamw
from wavegen.optimizers.muon import Muon
from wavegen.optimizers.roles import Roles, roles_of
from wavegen.optimizers.schedule_free import ScheduleFree
from wavegen.optimizers.soap import Soap

__all__ = ["Muon", "Roles", "ScheduleFree", "Soap", "adamw", "roles_of"]

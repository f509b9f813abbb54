"""Checks of every kind of component, for plug-ins and for the library's own: ``check_component(kind, factory)``."""

from wavegen.testing.base import ContractError
from wavegen.testing.component import check_component

__all__ = ["ContractError", "check_component"]

"""The command line. Modules here import nothing heavy before a command runs."""

from wavegen.cli.app import app, main

__all__ = ["app", "main"]

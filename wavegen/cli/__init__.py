"""The command line. Nothing here imports a heavy module before a command runs."""

from wavegen.cli.app import app, main

__all__ = ["app", "main"]

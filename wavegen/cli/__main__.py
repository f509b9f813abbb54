"""``python -m wavegen.cli`` is ``wavegen``."""

from wavegen.cli.app import main

main()

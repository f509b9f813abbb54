"""``python -m wavegen.cli`` is ``wavegen``."""

from wavegen.cli.app import main

if __name__ == "__main__":
    main()

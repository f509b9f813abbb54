"""``python -m wavegen`` is ``wavegen``."""

import signal


def main() -> None:
    """The program: until it has handlers of its own, and when it is done, signals end it without a traceback."""
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from wavegen.cli import main as run

    run()


if __name__ == "__main__":
    main()

"""How it is run: keys, training, execution, workers, stored scores. Imports ``spec`` and ``judge``."""

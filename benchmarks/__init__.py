"""What the documentation measures: transforms, restoration, degradations, input and output, training, memory, peers.

Not part of the wheel. From the repository: ``python -m benchmarks NAME``, or ``wavegen bench NAME``.
"""

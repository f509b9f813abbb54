"""What ``wavegen bench`` times: training, sampling, transforms, degradations."""

"""What is done with a trained pipeline: files restored, scores, the demonstration."""

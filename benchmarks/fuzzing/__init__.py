"""Damaged files for every reader: seeds, mutations, and a worker with limits on time and memory."""

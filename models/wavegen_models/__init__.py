"""More trained pipelines for wavegen: one folder each, found by ``wavegen.Pipeline.from_pretrained(NAME)``."""

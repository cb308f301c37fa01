"""How good a model is, said with intervals: metrics, plots, gates and the model card."""

"""The models: one spec each in `models`, one module per verb (train, promote, score, evaluate)."""

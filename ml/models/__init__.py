"""One spec per model: `SPEC` in a module named like the model."""

"""MLflow: runs, logged models and the registry, and the files that may be in it."""

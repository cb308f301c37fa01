"""Models of plain files: one JSON document and MLflow's MLmodel with signature and example. No code, no pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml.errors import ArtefactRefused

PLAIN, EXAMPLE = "model.json", "input_example.json"


def save_plain(
    folder: Path, document: Mapping[str, Any], inputs: Mapping[str, str], outputs: Mapping[str, str], example: Any
) -> None:
    """Write the model into the new `folder`; `inputs` and `outputs` are names with MLflow's types (`double`)."""
    from mlflow.models import Model, ModelSignature
    from mlflow.types import ColSpec, Schema

    folder.mkdir(parents=True)
    signature = ModelSignature(
        Schema([ColSpec(kind, name, required=False) for name, kind in inputs.items()]),
        Schema([ColSpec(kind, name) for name, kind in outputs.items()]),
    )
    made = Model(signature=signature, flavors={"bankmart": {"technique": document["technique"], "data": PLAIN}})
    made.saved_input_example_info = {"artifact_path": EXAMPLE, "type": "json_object"}
    made.save(str(folder / "MLmodel"))
    (folder / EXAMPLE).write_text(json.dumps(example, ensure_ascii=False), encoding="utf-8")
    (folder / PLAIN).write_text(json.dumps(document, ensure_ascii=False, allow_nan=False), encoding="utf-8")


def load_plain(folder: Path, technique: str) -> dict[str, Any]:
    """The document that `save_plain` wrote. Raises ArtefactRefused where it isn't there or of another technique."""
    try:
        document: dict[str, Any] = json.loads((folder / PLAIN).read_text(encoding="utf-8"))
        if document["technique"] != technique:
            raise ValueError(f"it is of the technique {document['technique']}, not {technique}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise refused(error) from error
    return document


def refused(error: Exception) -> ArtefactRefused:
    """What to raise where a model's files don't fit together."""
    return ArtefactRefused(f"The model's files can't be read: {error}. Train and promote again.")

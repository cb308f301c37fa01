"""The reference that is made from the code: what is published, derived, delivered, scheduled and typed."""

from __future__ import annotations

import argparse
import ast
import importlib
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bankmart import settings
from bankmart.governance import derived
from bankmart.governance.indicators import wide
from bankmart.governance.indicators.families import indicator_names
from bankmart.governance.masking import data_classes
from bankmart.governance.policy import LAYERS, Node, is_tag_model, layer, models
from bankmart.sources import contract

FOLDER = "docs/reference"
MADE = "<!-- Made by `make docs`; change the code instead. -->\n\n"
HELP_WIDTH = 100


def pages(manifest: Node) -> dict[str, str]:
    """Path in the checkout → text, for every page of the reference and every YAML that is made."""
    made = {
        "dictionary": dictionary(manifest),
        "indicators-and-tags": indicators_and_tags(manifest),
        "sources": sources(),
        "dags": dags(settings.ROOT / "dags"),
        "commands": commands(),
    }
    texts = {f"{FOLDER}/{name}.md": MADE + text.rstrip() + "\n" for name, text in made.items()}
    return texts | {wide.PATH: wide.text(manifest)}


def findings(manifest: Node) -> list[str]:
    """Pages that are not what the code says."""
    made = {settings.ROOT / path: text for path, text in pages(manifest).items()}
    stale = [path for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    stale += [path for path in (settings.ROOT / FOLDER).glob("*.md") if path not in made]
    return [f"{path.relative_to(settings.ROOT)}: it is not what the code says; run `make docs`" for path in stale]


def dictionary(manifest: Node) -> str:
    """What readers of schema `published` see, and what its classes mean."""
    classes = data_classes()
    text = "# Dictionary\n\nThe views of schema `published`, by layer. "
    text += "Grades as JR/T 0197-2020: 1 may be public, 5 is the most sensitive.\n"
    published = [node for node in models(manifest) if node["config"]["meta"].get("published")]
    for node in sorted(published, key=lambda node: LAYERS.index(layer(node))):
        meta = node["config"]["meta"]
        rows = []
        for name, column in node["columns"].items():
            about = column["config"]["meta"]
            grade = classes[about["class"]]["grade"]
            rows.append([f"`{name}`", about["zh"], column["description"], column["data_type"], about["class"], grade])
        text += (
            f"\n## {node['name']} {meta['zh']}\n\n{node['description']} Layer {layer(node)}, owner {meta['owner']}; "
        )
        text += "the newest date only.\n\n" if meta["published"] == "current" else "all published dates.\n\n"
        text += _table(["column", "中文", "meaning", "type", "class", "grade"], rows)
    rows = [[f"`{name}`", *(each[key] for key in each)] for name, each in classes.items()]
    heads = [name.replace("_", " ") for name in next(iter(classes.values()))]
    return text + "\n## Data classes\n\n" + _table(["class", *heads], rows)


def indicators_and_tags(manifest: Node) -> str:
    """The catalogue that marketers choose from."""
    families, tags = [], []
    for node in models(manifest):
        meta = node["config"]["meta"]
        for family in meta.get("families", ()):
            names = ", ".join(f"`{name}`" for name in indicator_names(family))
            facts = [family[key] for key in ("zh", "en", "aggregate", "unit", "direction", "owner")]
            families.append([names, *facts, f"`{node['name']}`"])
        for name, column in node["columns"].items() if is_tag_model(node) else ():
            about = column["config"]["meta"]
            if about["class"] in derived.NO_TAG:
                continue
            values = ", ".join(map(_word, about["values"]))
            facts = [about[key] for key in ("kind", "status", "version", "review_date")]
            tags.append([f"`{name}`", about["zh"], column["description"], values, _word(about["default"]), *facts])
            tags[-1].append(meta["owner"])
    text = "# Indicators and tags\n\n## Indicators\n\nDirection says which way is good for the bank.\n\n"
    text += _table(["columns", "中文", "meaning", "aggregate", "unit", "direction", "owner", "model"], families)
    heads = ["tag", "中文", "meaning", "values", "default", "kind", "status", "version", "review", "owner"]
    return text + "\n## Tags\n\n" + _table(heads, tags)


def sources() -> str:
    """What each system delivers."""
    text = "# Source contract\n\nWhat each system delivers, one folder per business date: `<system>/<table>/<date>/`.\n"
    for system, tables in contract.load().items():
        text += f"\n## {system}\n"
        for table in tables.values():
            needed = "required" if table.is_required else "optional"
            text += (
                f"\n### {system}.{table.name} {table.zh}\n\n{table.description} Extract: {table.extract}, {needed}; "
            )
            text += f"at most {table.quarantine_limit:.1%} of its rows may break the contract.\n\n"
            rows = [
                [f"`{column.name}`", column.zh, column.description, column.data_type, column.data_class, _rules(column)]
                for column in table.columns
            ]
            text += _table(["column", "中文", "meaning", "type", "class", "rules"], rows)
    return text


def dags(folder: Path) -> str:
    """Every DAG's operator's page: its docstring, one heading level down."""
    text = "# DAGs\n"
    for path in sorted(folder.glob("*.py")):
        page = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        text += "\n" + re.sub("^#", "##", page, flags=re.MULTILINE) + "\n"
    return text


def commands() -> str:
    """The help of every command."""
    from bankmart.__main__ import COMMANDS

    text = "# Commands\n\n`bankmart` is `.bankmart/venv/bin/bankmart`, or `python -m bankmart` in its environment.\n"
    for name, (module, about) in COMMANDS.items():
        parser = argparse.ArgumentParser(f"bankmart {name}", description=about)
        importlib.import_module(module).add_arguments(parser)
        text += f"\n## bankmart {name}\n\n```\n{_help(parser)}```\n"
    return text


def _help(parser: argparse.ArgumentParser) -> str:
    # argparse asks the environment for the width.
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(HELP_WIDTH)
    try:
        return parser.format_help()
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before


def _rules(column: contract.Column) -> str:
    rules = ["key"] if column.is_key else []
    rules += ["may be empty"] if column.is_nullable else []
    rules += ["summed in the manifest"] if column.is_total else []
    rules += [f"one of {', '.join(column.values)}"] if column.values else []
    rules += [f"at least {column.minimum:g}"] if column.minimum is not None else []
    rules += [f"at most {column.maximum:g}"] if column.maximum is not None else []
    rules += [f"a known {column.references}"] if column.references else []
    return "; ".join(rules)


def _word(value: Any) -> str:
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    cells = ([str(cell).replace("|", "\\|") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)

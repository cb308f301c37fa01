"""Columns as dbt's manifest describes them, for models of a test's own."""


def column(data_class, data_type="text"):
    """A column of a class."""
    return {"description": "A column.", "data_type": data_type, "config": {"meta": {"class": data_class, "zh": "列"}}}

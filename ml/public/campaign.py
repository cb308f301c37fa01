"""A campaign's contacts out of the warehouse's marts, as the response question wants them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml.errors import DataPrerequisite
from ml.public.contacts import Contacts

if TYPE_CHECKING:
    from psycopg2.extensions import connection

_QUERY = Path(__file__).with_suffix(".sql")
_CATEGORICAL = ("occupation", "education", "line", "month", "weekday", "earlier_outcome")


def read_campaign(link: connection, build_id: int, campaign: str) -> Contacts:
    """The campaign's contacts with an outcome, oldest first; contacts of one day are of one moment.

    Raises DataPrerequisite where the build has none.
    """
    with closing(link.cursor()) as cursor:
        cursor.execute(_QUERY.read_text(encoding="utf-8"), {"build": build_id, "campaign": campaign})
        names = [column.name for column in cursor.description or ()]
        rows = cursor.fetchall()
    if not rows:
        raise DataPrerequisite(
            f"Build {build_id} has no contact of campaign {campaign} with an outcome: load campaign.contact and"
            " campaign.response.",
            {"tables_needed": ["campaign.contact", "campaign.response"], "contacts": 0},
        )
    frame = pd.DataFrame(rows, columns=names)
    indicators = pd.DataFrame([values or {} for values in frame.pop("indicators")], index=frame.index)
    categorical = frame[list(_CATEGORICAL)].astype(object)
    numeric = frame.drop(columns=[*_CATEGORICAL, "moment", "is_bought"])
    numeric = pd.concat([numeric, indicators.reindex(columns=sorted(indicators.columns))], axis=1).astype(np.float64)
    return Contacts(
        moment=frame["moment"].to_numpy(np.float64),
        label=frame["is_bought"].to_numpy(np.int8),
        numeric=numeric,
        categorical=categorical.where(categorical.notna(), None),
        positive="bought",
        left_out=dict.fromkeys(("age", "marital_status"), "a protected attribute is never a feature")
        | {"default": "the contract has no place for it", "duration": "known only when the call has ended"},
    )

from __future__ import annotations

from datetime import date

import pytest

from ml import compare, promote, score, shadow, train
from ml.errors import DataError

TODAY = date(2025, 10, 31)


def test_a_version_scores_in_the_shadow_before_it_is_compared_and_the_report_says_whose_band_changes(bank, registry):
    bank.training()
    train.run("churn", TODAY)
    first = promote.run("churn", TODAY)
    assert "Not scored in the shadow" in first["report"]
    assert "is the champion already" in shadow.run("churn", TODAY, int(first["version"]))["skipped"]
    bank.training(seed=7)
    rival = int(train.run("churn", TODAY)["version"])
    assert "no daily build is published" in shadow.run("churn", TODAY, rival)["skipped"]

    build = bank.daily()
    bank.execute("update governance.build set status = 'published' where build_id = %s", build)
    assert "no champion has scored that build" in shadow.run("churn", TODAY, rival)["says"]
    score.run("churn", TODAY)
    champions = bank.scores().query("is_champion")
    found = shadow.run("churn", TODAY, rival)
    both = bank.scores().pivot(index="customer_id", columns="version", values="band")
    changed = int((both[first["version"]] != both[str(rival)]).sum())
    assert (found["compared"], found["moved"], found["champion"]) == (len(champions), changed, first["version"])
    assert changed > 0
    again = bank.scores()
    assert shadow.run("churn", TODAY, rival) == found
    assert bank.scores().equals(again), "the same again is the same"
    assert bank.scores().query("is_champion").equals(again.query("is_champion"))
    told = compare.run("churn", TODAY, version=rival)
    assert f"{changed} of {len(champions)} (" in told["report"]
    assert compare.run("churn", TODAY, version=rival) == told

    bank.execute("update features.ftr_customer set aum_amount = 'infinity' where build_id = %s", build)
    with pytest.raises(DataError, match="in the shadow, so it isn't compared with the champion: .*aum_amount"):
        shadow.run("churn", TODAY, rival)
    assert bank.scores().equals(again)

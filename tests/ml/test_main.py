from __future__ import annotations

import pytest

from ml.__main__ import main


def test_a_skip_is_success_and_an_error_a_sentence(bank, registry, capsys):
    assert main(["train", "churn", "--as-of", "2025-10-31"]) == 0
    assert "churn is skipped: there is no training build" in capsys.readouterr().out
    assert main(["train", "churn", "--as-of", "2025-10-31", "--build-id", "7"]) == 1
    assert "no build 7" in capsys.readouterr().err
    assert main(["score", "weather", "--as-of", "2025-10-31"]) == 1
    assert "Known: anomaly, churn" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["guess", "churn"], ["train", "churn"], ["score", "churn", "--as-of", "today"]])
def test_a_wrong_command_is_refused(words):
    with pytest.raises(SystemExit):
        main(words)

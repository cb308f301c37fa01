from __future__ import annotations

import json

import pytest

import ml.bench
from ml.__main__ import main


def test_a_module_in_the_folder_is_a_command_with_its_own_options(tmp_path, monkeypatch, capsys):
    (tmp_path / "counting.py").write_text(
        "import json\n"
        "def add_arguments(parser):\n    parser.add_argument('--upto', type=int)\n"
        "def run(args):\n    print(json.dumps(list(range(args.upto))))\n    return 3\n"
    )
    monkeypatch.setattr(ml.bench, "__path__", [str(tmp_path)])
    assert main(["bench", "counting", "--upto", "2"]) == 3
    assert json.loads(capsys.readouterr().out) == [0, 1]
    with pytest.raises(SystemExit):
        main(["bench", "weather"])

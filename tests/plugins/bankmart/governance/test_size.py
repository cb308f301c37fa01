"""What grows past its limit is found, and so is an exception that nothing needs."""

from pathlib import PurePosixPath

import pytest

from bankmart import settings
from bankmart.governance import size


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("dags/mart_daily.py", 80),
        ("plugins/bankmart/db.py", 300),
        ("plugins/bankmart/governance/commands/check.py", 300),
        ("tests/dags/test_dags.py", 300),
        ("dbt_project/models/tags/value/tag_value.sql", 150),
        ("dbt_project/models/tags/value/tag_value.yml", 200),
    ],
)
def test_a_file_at_and_past_its_limit(path, limit):
    assert size.judge({PurePosixPath(path): limit}, {}) == []
    assert size.judge({PurePosixPath(path): limit + 1}, {}) == [
        f"{path}: has {limit + 1} lines, at most {limit} are allowed; split it"
    ]


def test_a_pair_counts_once_and_a_full_folder_is_found():
    pairs = [f"dbt_project/models/marts/party/dim_{n}" for n in range(15)]
    sizes = {PurePosixPath(f"{pair}.{kind}"): 9 for pair in pairs for kind in ("sql", "yml")}
    sizes[PurePosixPath("dbt_project/models/marts/party/__init__.py")] = 0
    assert size.judge(sizes, {}) == []
    sizes[PurePosixPath("dbt_project/models/marts/party/dim_15.sql")] = 9
    (finding,) = size.judge(sizes, {})
    assert finding.startswith("dbt_project/models/marts/party: holds 16 files or pairs")


def test_exceptions_have_a_reason_and_a_need():
    sizes = {PurePosixPath("ml/a.py"): 301, PurePosixPath("ml/b.py"): 301, PurePosixPath("ml/c.py"): 3}
    found = size.judge(sizes, {"ml/a.py": "one table of numbers", "ml/b.py": " ", "ml/c.py": "it was large"})
    assert found == [
        "pyproject.toml: ml/c.py needs no size exception; remove it",
        "pyproject.toml: say why ml/b.py may be large",
    ]


def test_the_rooms_are_listed_with_and_without_git(tmp_path):
    listed = size.files(settings.ROOT)
    assert PurePosixPath("plugins/bankmart/governance/size.py") in listed
    assert {path.parts[0] for path in listed} == set(size.ROOMS)
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "a.py").write_text("\n" * 81)
    (tmp_path / "dags" / ".cache").mkdir()
    (tmp_path / "dags" / ".cache" / "b.py").write_text("\n" * 81)
    (tmp_path / "pyproject.toml").write_text('[tool.bankmart.size_exceptions]\n"ml" = "it holds the models"\n')
    assert size.findings(tmp_path) == [
        "dags/a.py: has 81 lines, at most 80 are allowed; split it",
        "pyproject.toml: ml needs no size exception; remove it",
    ]

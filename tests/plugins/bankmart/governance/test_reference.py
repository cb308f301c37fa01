"""The reference says what the code says; a page that doesn't is found."""

import pytest

from bankmart import dbt, settings
from bankmart.governance import reference


@pytest.fixture(scope="module")
def manifest():
    return dbt.manifest()


@pytest.fixture(scope="module")
def pages(manifest):
    return reference.pages(manifest)


def test_the_committed_reference_is_up_to_date(manifest):
    assert reference.findings(manifest) == []


def test_a_stale_and_a_forgotten_page_are_found(manifest, pages, monkeypatch, tmp_path):
    monkeypatch.setattr(reference, "pages", lambda _: pages)
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    for path, text in pages.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert reference.findings(manifest) == []
    (tmp_path / reference.FOLDER / "dags.md").write_text("what it once was")
    (tmp_path / reference.FOLDER / "old.md").write_text("a page of old")
    assert sorted(reference.findings(manifest)) == [
        "docs/reference/dags.md: it is not what the code says; run `make docs`",
        "docs/reference/old.md: it is not what the code says; run `make docs`",
    ]


def test_the_pages_say_what_there_is(pages):
    dictionary = pages["docs/reference/dictionary.md"]
    assert "| `id_number` | 证件号码 | Number of the identity document. | text | identity.id_number | 4 |" in dictionary
    assert "`call_count_30d`, `call_count_90d`" in pages["docs/reference/indicators-and-tags.md"]
    assert "### core_banking.customer 客户" in pages["docs/reference/sources.md"]
    assert "### Triage" in pages["docs/reference/dags.md"]
    assert "usage: bankmart build [-h] --date DATE" in pages["docs/reference/commands.md"]


def test_no_page_names_a_place_on_this_machine(pages):
    for path, text in pages.items():
        assert str(settings.ROOT) not in text, path
        assert str(settings.state_dir()) not in text, path

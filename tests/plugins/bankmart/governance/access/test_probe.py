"""The gate of masks stops a mask that fails or shows a whole value."""

from datetime import date

import pytest

from bankmart import db
from bankmart.governance import masking
from bankmart.governance.access import probe
from bankmart.governance.build import Build
from bankmart.governance.gate import GateStopped
from bankmart.vault.tokenise import Tokens

BUILD = Build(7, date(2026, 11, 2), "daily", 7, (), ())


def manifest(data_type="text", data_class="account.number", name="dim_person"):
    column = {"data_type": data_type, "config": {"meta": {"class": data_class}}}
    node = {
        "name": name, "resource_type": "model", "schema": "marts", "columns": {"mobile": column},
        "original_file_path": "models/marts/party/dim_person.sql",
        "config": {"materialized": "state", "meta": {"published": "all", "owner": "data-platform"}},
    }  # fmt: skip
    return {"nodes": {"m": node}}


def judge(*values, data_type="text", data_class="account.number"):
    with db.connect("platform") as link, link.cursor() as cursor:
        cursor.execute(f"create table if not exists marts.dim_person (mobile {data_type}, build_id bigint)")
        cursor.execute("truncate marts.dim_person")
        for value in values:
            cursor.execute("insert into marts.dim_person values (%s, 7)", (value,))
        # Another build's rows are not this one's business.
        cursor.execute("insert into marts.dim_person values (null, 8)")
        probe.judge(cursor, manifest(data_type, data_class), BUILD)


def test_good_masks_pass(warehouse):
    judge("13812345678", "", "1", None)


def test_a_value_that_is_masked_already_is_stopped(warehouse):
    with pytest.raises(GateStopped, match="mobile shows 1 whole values"):
        judge("6222021234567890", "*******")


def test_tokens_pass_and_clear_values_are_stopped(warehouse):
    """Of a clear value that another program put where a token belongs the mask would show the beginning."""
    tokens = Tokens(bytes(32), "contact.mobile").of(["13812345678", "1", "000000", " ", None])
    judge(*tokens, "erased", data_class="contact.mobile")
    for clear in ("13812345678", "1", "13***78", "x" * 39, "0" * 14):
        with pytest.raises(GateStopped, match="mobile shows 1 whole values, or clear ones"):
            judge(clear, *tokens, data_class="contact.mobile")


def test_a_mask_that_shows_everything_is_stopped(warehouse, monkeypatch):
    monkeypatch.setitem(masking.MASKS, "ends", "{column}")
    with pytest.raises(GateStopped, match="mobile shows 2 whole values"):
        judge("13812345678", "1")


def test_a_mask_that_fails_is_stopped(warehouse):
    with pytest.raises(GateStopped, match="function length"):
        judge(1, data_type="bigint")


def test_a_mask_for_another_type_fails_the_check():
    (found,) = probe.findings(manifest("bigint"))
    assert "is bigint, but its class has mask ends, which is for text" in found
    assert probe.findings(manifest()) == []


def test_an_event_that_shows_its_account_fails_the_check():
    (found,) = probe.findings(manifest(data_class="account.number", name="fct_person"))
    assert "use class account.reference" in found
    assert probe.findings(manifest(data_class="account.number")) == []
    assert probe.findings(manifest(data_class="account.reference", name="fct_person")) == []

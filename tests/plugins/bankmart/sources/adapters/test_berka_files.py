from __future__ import annotations

from pathlib import Path

import pytest

from bankmart.sources.adapters import berka
from bankmart.sources.adapters.berka_files import FILES, BerkaError, read_all


def edit(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / f"{name}.asc"
    text = path.read_bytes()
    assert text.count(old.encode()) >= 1
    path.write_bytes(text.replace(old.encode(), new.encode(), 1))


def test_every_field_arrives_as_text_with_its_line_number(tiny: Path) -> None:
    raw = read_all(tiny)

    assert set(raw) == set(FILES)
    assert raw["trans"].loc[8, ["trans_id", "k_symbol", "account"]].tolist() == ["7", " ", "0"]
    assert raw["district"].loc[3, "A12"] == "?"
    assert list(raw["client"].index) == [2, 3, 4, 5]


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("client", "birth_number", "born", r"client\.asc, line 1: the header"),
        ("loan", '"account_id";"date"', '"date";"account_id"', r"loan\.asc, line 1: the header"),
        ("account", "10;1;", "10,1;", r"account\.asc, line 2: 3 fields instead of 4"),
        ("order", '20.00;"LEASING"', '20.00;"LEASING";1', r"order\.asc, line 5: 7 fields instead of 6"),
        ("disp", "\r\n101;2", "\r\n\r\n101;2", r"disp\.asc, line 3, column disp_id: '' is not"),
        ("trans", "4019.50;", "4,019.50;", r"trans\.asc, line 3, column amount: '4,019\.50' is not"),
        ("trans", ";9000.00;9000.00", ";-9000.00;9000.00", r"trans\.asc, line 2, column amount: '-9000\.00'"),
        ("trans", "0.07", "0.075", r"trans\.asc, line 18, column amount: '0\.075'"),
        ("trans", ";930102;", ";19930102;", r"trans\.asc, line 3, column date: '19930102'"),
        ("trans", ";930112;", ";930231;", r"trans\.asc, line 18, column date: '930231' is not a date"),
        ("account", "971229", "971329", r"account\.asc, line 4, column date: '971329' is not a date"),
        (
            "card",
            "981229 00",
            "981232 00",
            r"card\.asc, line 4, column issued: '981232 00:00:00' is not a date",
        ),
        ("client", "706213", "701313", r"client\.asc, line 2, column birth_number: 7\*\*\*3 holds no date"),
        ("client", "706213", "706313", r"client\.asc, line 2, column birth_number: 7\*\*\*3 holds no date"),
        ("client", "400229", "410229", r"client\.asc, line 4, column birth_number: 4\*\*\*9 holds no date"),
        ("client", "400229", "40022", r"client\.asc, line 4, column birth_number: 4\*\*\*2 is not what"),
        (
            "trans",
            '"VYBER KARTOU"',
            '"SEK"',
            r"trans\.asc, line 12, column operation: 'SEK' is not a known code",
        ),
        ("trans", '"SANKC. UROK"', '"SANKC"', r"trans\.asc, line 9, column k_symbol: 'SANKC' is not a known"),
        ("trans", '"PRIJEM";"VKLAD";10', '"IN";"VKLAD";10', r"trans\.asc, line 14, column type: 'IN'"),
        ("account", "PO OBRATU", "ROCNE", r"account\.asc, line 4, column frequency: 'POPLATEK ROCNE'"),
        ("disp", "DISPONENT", "GUEST", r"disp\.asc, line 3, column type: 'GUEST' is not a known code"),
        ("loan", '"D"', '"E"', r"loan\.asc, line 5, column status: 'E' is not a known code"),
        ("card", "gold", "black", r"card\.asc, line 4, column type: 'black' is not a known code"),
        ("order", "LEASING", "RENT", r"order\.asc, line 5, column k_symbol: 'RENT' is not a known code"),
        ("loan", ";36;", ";0;", r"loan\.asc, line 4, column duration: '0' is not what"),
        ("district", ";85677;", ";85677.5;", r"district\.asc, line 2, column A15: '85677\.5' is not a whole"),
        ("district", ";100.0;", ";100.1;", r"district\.asc, line 2, column A10: '100\.1' is above 100"),
        ("trans", "17;11;", "1;11;", r"trans\.asc, line 18, column trans_id: '1' is given twice"),
        (
            "trans",
            "17;11;",
            "17;99;",
            r"trans\.asc, line 18, column account_id: \*\*\* is not in account\.asc",
        ),
        ("client", '"096231";70', '"096231";71', r"client\.asc, line 5, column district_id: '71' is not in"),
        (
            "disp",
            '"DISPONENT"',
            '"OWNER"',
            r"disp\.asc, line 3, column account_id: \*\*\* has a second OWNER",
        ),
        (
            "disp",
            '12;"OWNER"',
            '12;"DISPONENT"',
            r"account\.asc, line 4, column account_id: \*\*\* has no OWNER",
        ),
        ("disp", "101;2;10", "101;1;10", r"disp\.asc, line 3, column account_id: 1\*\*\*1 "),
        (
            "disp",
            '101;2;10;"DISPONENT"',
            '101;3;10;"DISPONENT"',
            r"client\.asc, line 3, column client_id: \*\*\* has no",
        ),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(
    tiny: Path, landing: Path, name: str, old: str, new: str, says: str
) -> None:
    edit(tiny, name, old, new)

    with pytest.raises(BerkaError, match=says) as caught:
        berka.convert(tiny, landing)

    assert str(caught.value).endswith(".")
    assert not landing.exists()


def test_a_missing_file_is_named(tiny: Path, landing: Path) -> None:
    (tiny / "card.asc").unlink()
    (tiny / "loan.asc").unlink()

    with pytest.raises(BerkaError, match=r"has no loan\.asc, card\.asc\. Give the folder with all eight"):
        berka.convert(tiny, landing)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", r"trans\.asc, line 1: the header is ''"),
        (b'"trans_id";"account_id"\r\n', r"trans\.asc, line 1: the header is"),
        (b"\x00\x00", r"trans\.asc, line 1: the header is"),
    ],
)
def test_a_file_that_is_no_berka_file_is_named(tiny: Path, landing: Path, content: bytes, says: str) -> None:
    (tiny / "trans.asc").write_bytes(content)

    with pytest.raises(BerkaError, match=says):
        berka.convert(tiny, landing)


def test_transactions_with_a_header_only_are_refused(tiny: Path, landing: Path) -> None:
    path = tiny / "trans.asc"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])

    with pytest.raises(BerkaError, match=r"trans\.asc has a header and no lines"):
        berka.convert(tiny, landing)


def test_another_encoding_is_refused(tiny: Path, landing: Path) -> None:
    path = tiny / "district.asc"
    path.write_bytes(path.read_bytes().replace(b"Jesenik", "Jeseník".encode("latin2")))

    with pytest.raises(BerkaError, match=r"district\.asc can't be read as UTF-8"):
        berka.convert(tiny, landing)


def test_a_byte_order_mark_does_no_harm(tiny: Path) -> None:
    path = tiny / "client.asc"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

    assert read_all(tiny)["client"]["client_id"].tolist() == ["1", "2", "3", "4"]

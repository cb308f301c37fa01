"""A Berka set small enough to read, with every code in it, and the real one where it is at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bankmart import settings

TINY = {
    "district": """A1;A2;A3;A4;A5;A6;A7;A8;A9;A10;A11;A12;A13;A14;A15;A16
1;"Hl.m. Praha";"Prague";1204953;0;0;0;1;1;100.0;12541;0.29;0.43;167;85677;99107
69;"Jesenik";"north Moravia";42821;4;13;5;1;3;48.4;8173;?;7.01;124;?;1358
70;"Unknown";"north Moravia";?;4;13;5;1;3;?;?;1.50;?;?;12;?
""",
    "client": """"client_id";"birth_number";"district_id"
1;"706213";69
2;"450204";1
3;"400229";1
4;"096231";70
""",
    "account": """"account_id";"district_id";"frequency";"date"
10;1;"POPLATEK MESICNE";930101
11;69;"POPLATEK TYDNE";930215
12;70;"POPLATEK PO OBRATU";971229
""",
    "disp": """"disp_id";"client_id";"account_id";"type"
100;1;10;"OWNER"
101;2;10;"DISPONENT"
102;3;11;"OWNER"
103;4;12;"OWNER"
""",
    "loan": """"loan_id";"account_id";"date";"amount";"duration";"payments";"status"
1000;10;930105;96396;12;8033.00;"A"
1001;10;930106;1200;24;50.00;"B"
1002;11;930301;1200;36;33.33;"C"
1003;12;980101;1200;60;20.00;"D"
""",
    "card": """"card_id";"disp_id";"type";"issued"
2000;100;"classic";930110 00:00:00
2001;101;"junior";930111 00:00:00
2002;103;"gold";981229 00:00:00
""",
    "order": """"order_id";"account_id";"bank_to";"account_to";"amount";"k_symbol"
3000;10;"YZ";"87144583";2452.00;"SIPO"
3001;10;"ST";"89597016";3372.70;"UVER"
3002;11;"QR";"1";10.50;"POJISTNE"
3003;11;"QR";"2";20.00;"LEASING"
3004;11;"QR";"3";30.00;" "
""",
    "trans": '"trans_id";"account_id";"date";"type";"operation";"amount";"balance";'
    """"k_symbol";"bank";"account"
1;10;930101;"PRIJEM";"VKLAD";9000.00;9000.00;"";;
2;10;930102;"PRIJEM";"PREVOD Z UCTU";4019.50;13019.50;"DUCHOD";"AB";"5"
3;10;930102;"PRIJEM";"PREVOD Z UCTU";100;13119.50;"";"AB";"5"
4;10;930105;"VYDAJ";"PREVOD NA UCET";2452.00;10667.50;"SIPO";"YZ";"87144583"
5;10;930105;"VYDAJ";"PREVOD NA UCET";3372.7;7294.80;"UVER";"ST";"89597016"
6;10;930106;"VYDAJ";"VYBER";14.60;7080.20;"SLUZBY";;
7;10;930106;"VYDAJ";"VYBER";200.00;7094.80;" ";;"0"
8;10;930107;"VYDAJ";"VYBER";0.10;7080.10;"SANKC. UROK";;
9;10;930107;"PRIJEM";"";25.40;7105.50;"UROK";;
10;10;930108;"VYBER";"VYBER";500.00;6605.50;"";;
11;10;930109;"VYDAJ";"VYBER KARTOU";400.00;6205.50;"";;"0"
12;10;930110;"VYDAJ";"VYBER";116.00;6089.50;"SIPO";;"0"
13;11;930110;"PRIJEM";"VKLAD";10.00;10.00;"";;
14;11;930110;"VYDAJ";"PREVOD NA UCET";10.50;-0.50;"POJISTNE";"QR";"1"
15;11;930110;"VYDAJ";"PREVOD NA UCET";31.00;-31.50;" ";"QR";"3"
16;11;930111;"VYDAJ";"PREVOD NA UCET";30.00;-61.50;"";"QR";"3"
17;11;930112;"PRIJEM";"";0.07;-61.40;"";;
""",
}


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    folder = tmp_path / "berka"
    folder.mkdir()
    for name, text in TINY.items():
        (folder / f"{name}.asc").write_bytes(text.replace("\n", "\r\n").encode())
    return folder


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    return tmp_path / "landing"


@pytest.fixture(scope="session")
def berka() -> Path:
    folder = Path(os.environ.get("BANKMART_BERKA_DIR") or settings.ROOT.parent / "shared" / "data" / "berka")
    if not (folder / "trans.asc").is_file():
        pytest.skip(f"no Berka files at {folder}: set BANKMART_BERKA_DIR to the folder that has them")
    return folder

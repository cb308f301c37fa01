"""The databases and roles that every start makes sure of."""

import psycopg2
import pytest

from bankmart import db, settings
from bankmart.runtime import provision


def test_provision_is_safe_to_run_again(warehouse):
    with db.connect("loader") as link, link.cursor() as cursor:
        cursor.execute(
            "insert into governance.load (system, table_name, business_date, file_name, status)"
            " values ('a', 'b', '2026-01-01', 'c', 'loaded')"
        )
    provision.provision()
    with db.connect("loader") as link, link.cursor() as cursor:
        cursor.execute("select count(*) from governance.load")
        assert cursor.fetchone() == (1,)


def test_a_wrong_password_is_refused(postgres):
    at = settings.server()
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(host=at.host, port=at.port, user="platform", dbname="bankmart", password="wrong")


@pytest.mark.parametrize("schema", ["sources", "marts", "profile", "governance"])
def test_bi_reader_reaches_published_only(warehouse, schema):
    with db.connect("bi_reader") as link, link.cursor() as cursor:
        cursor.execute(
            "select has_schema_privilege(%s, 'usage'), has_schema_privilege('published', 'usage')", (schema,)
        )
        assert cursor.fetchone() == (False, True)


def test_secrets_are_readable_by_their_owner_only(postgres, state):
    for name in ("secrets.json", "pgpass"):
        assert (state / name).stat().st_mode & 0o077 == 0

"""Makes the first administrator of Airflow (FAB) from the environment; one that exists is left as it is."""

from __future__ import annotations

import os
import sys

from bankmart import settings


def arguments() -> list[str]:
    """The command `airflow users create`; the password is in this process only, not in the process list."""
    user = os.environ["BANKMART_ADMIN_USER"]
    options = {
        "--username": user,
        "--email": os.environ["BANKMART_ADMIN_EMAIL"],
        "--firstname": user,
        "--lastname": "administrator",
        "--role": "Admin",
        "--password": settings.secret("airflow_admin"),
    }
    return ["airflow", "users", "create", *(part for option in options.items() for part in option)]


if __name__ == "__main__":
    sys.argv = arguments()
    from airflow.__main__ import main

    main()

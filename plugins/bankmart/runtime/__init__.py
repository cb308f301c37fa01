"""The servers of one checkout: Postgres, Airflow and MLflow, started, watched and stopped."""

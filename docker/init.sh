#!/bin/sh
# Makes what the servers stand on: roles, databases and schemas, Airflow's tables and pools, the first administrator.
# Safe to run again: what is there stays, passwords of database roles follow the environment.
set -eu
python -c 'from bankmart.runtime import provision; provision.provision()'
mkdir -p "${AIRFLOW_HOME:?where Airflow keeps its configuration}"
python -m bankmart.runtime.airflow
python "$(dirname "$0")/first_admin.py"

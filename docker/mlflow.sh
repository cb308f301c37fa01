#!/bin/sh
# Starts the MLflow server with a login; its users live in MLflow's own database, nobody may do anything by default.
set -eu
umask 077
: "${MLFLOW_HOSTS:?the host names that clients may use}"
secrets=${BANKMART_STATE_DIR:?where this container keeps its state}/secrets
store=${MLFLOW_STORE:-postgresql+psycopg2://mlflow@postgres:5432/mlflow}
export MLFLOW_AUTH_CONFIG_PATH="$BANKMART_STATE_DIR/mlflow_auth.ini"
{
    printf '[mlflow]\ndefault_permission = NO_PERMISSIONS\n'
    printf 'authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n'
    # A password check costs 50 ms and more; a run logs a hundred times.
    printf 'auth_cache_ttl_seconds = 300\n'
    printf 'database_uri = %s\nadmin_username = bankmart\n' "$store"
    printf 'admin_password = %s\n' "$(cat "$secrets/mlflow_user")"
} >"$MLFLOW_AUTH_CONFIG_PATH"
MLFLOW_FLASK_SERVER_SECRET_KEY=$(cat "$secrets/mlflow_flask_key")
export MLFLOW_FLASK_SERVER_SECRET_KEY
exec mlflow server --app-name basic-auth --host "${MLFLOW_LISTEN:-0.0.0.0}" --port "${MLFLOW_PORT:-5000}" --workers 1 \
    --backend-store-uri "$store" --artifacts-destination "${MLFLOW_ARTIFACTS:-/var/lib/mlflow}" \
    --allowed-hosts "$MLFLOW_HOSTS"

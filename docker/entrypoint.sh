#!/bin/sh
# Moves secrets from the environment (BANKMART_SECRET_<NAME>) into files in memory that only this user reads,
# then runs the command without them: a task's environment is not masked in logs, so it holds none.
# Writes secrets.json (bankmart.settings) and secrets/<name> (Airflow's *_CMD) in the state folder, and PGPASSFILE (libpq).
set -eu
umask 077

roles='bankmart_admin platform loader scorer eraser vault bi_reader airflow mlflow'

refuse() {
    printf 'bankmart: %s. Nothing was started. Make a new .env with docker/new-env.sh or correct the value.\n' "$1" >&2
    exit 78
}

check() { # NAME value
    case $(printf '%s' "$2" | tr '[:upper:]' '[:lower:]') in
        '') refuse "$1 is empty" ;;
        *change*me* | *password* | *placeholder* | *example* | *secret*) refuse "$1 is a placeholder" ;;
    esac
    case $2 in
        *[!A-Za-z0-9_=,-]*) refuse "$1 has characters other than letters, digits, - _ = and ," ;;
    esac
    case $1 in *_KEY) shortest=43 ;; *) shortest=20 ;; esac
    case $1 in *_JWT_KEY) shortest=64 ;; esac
    [ "${#2}" -ge "$shortest" ] || refuse "$1 is shorter than $shortest characters"
}

state=${BANKMART_STATE_DIR:?where this container keeps its state}
url=${BANKMART_DATABASE_URL:?connection string of the administrator without a password}
address=${url#*://}
case ${address%%@*} in *:*) refuse 'BANKMART_DATABASE_URL holds a password: it would show in logs' ;; esac
address=${address#*@}
address=${address%%/*}
case $address in *:*) ;; *) address=$address:5432 ;; esac

mkdir -p "$state/secrets"
names=$(env | sed -n 's/^BANKMART_SECRET_\([A-Z0-9_]*\)=.*/\1/p')
draft=$state/.draft.$$
separator=
printf '{' >"$draft.json"
: >"$draft.pgpass"
for name in $names; do
    eval "value=\$BANKMART_SECRET_$name"
    check "BANKMART_SECRET_$name" "$value"
    key=$(printf '%s' "$name" | tr '[:upper:]' '[:lower:]')
    printf '%s' "$value" >"$state/secrets/$key"
    printf '%s"%s": "%s"' "$separator" "$key" "$value" >>"$draft.json"
    separator=', '
    case " $roles " in
        *" $key "*) printf '%s:*:%s:%s\n' "$address" "$key" "$value" >>"$draft.pgpass" ;;
    esac
    if [ "$key" = redis ]; then
        printf 'redis://:%s@%s/0' "$value" "${BANKMART_REDIS:-redis:6379}" >"$state/secrets/broker_url"
        printf 'redis://:%s@%s/1' "$value" "${BANKMART_REDIS:-redis:6379}" >"$state/secrets/result_url"
    fi
    unset "BANKMART_SECRET_$name"
done
printf '}\n' >>"$draft.json"
mv "$draft.json" "$state/secrets.json"
mv "$draft.pgpass" "${PGPASSFILE:?where libpq finds the passwords}"
unset value

# Airflow's own events of lineage go where dbt's go (bankmart.lineage): to the endpoint, or to the file.
if [ -z "${OPENLINEAGE_URL:-}" ]; then
    unset OPENLINEAGE_URL
    [ -z "${BANKMART_LINEAGE_DIR:-}" ] || export AIRFLOW__OPENLINEAGE__TRANSPORT="{\"type\": \"file\",\
 \"log_file_path\": \"$BANKMART_LINEAGE_DIR/events.jsonl\", \"append\": true}"
fi

exec "$@"

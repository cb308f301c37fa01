#!/bin/sh
# Makes .env from .env.example with a fresh random value for every secret. Never overwrites one.
# Usage: sh docker/new-env.sh [FILE]
set -eu
umask 077
target=${1:-.env}
[ ! -e "$target" ] || { printf '%s exists: move it away first, its secrets may be in use.\n' "$target" >&2; exit 1; }
while IFS= read -r line; do
    case $line in
        # A Fernet key is exactly 32 bytes in URL-safe base64; Airflow's token key wants at least 64 bytes.
        BANKMART_SECRET_FERNET_KEY=) bytes=32 ;;
        BANKMART_SECRET_*_KEY=) bytes=66 ;;
        BANKMART_SECRET_*=) bytes=24 ;;
        *) bytes=0 ;;
    esac
    if [ "$bytes" -gt 0 ]; then
        line=$line$(head -c "$bytes" /dev/urandom | base64 -w 0 | tr '+/' '-_')
    fi
    printf '%s\n' "$line"
done <"$(dirname "$0")/../.env.example" >"$target.draft"
mv "$target.draft" "$target"
printf 'Made %s, readable by you only. Fill in the lines that are still empty.\n' "$target"

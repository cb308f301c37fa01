#!/bin/sh
# Starts Redis with its password on standard input: the process list doesn't show it.
set -eu
: "${REDISCLI_AUTH:?the password of Redis is missing}"
exec redis-server - --dir "${REDIS_DIR:-/data}" --port "${REDIS_PORT:-6379}" <<CONFIG
requirepass $REDISCLI_AUTH
appendonly yes
maxmemory-policy noeviction
CONFIG

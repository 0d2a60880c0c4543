#!/usr/bin/env bash
# Starts the server on models that wait, throw and fail, and ensembles of them, and treats it badly.
# Exit status 0 when it kept its promises: right replies to who behaves, no lease left open, flat memory.
#
#   benchmarks/chaos.sh [DURATION] [SEED]        10m and 1 by default
set -euo pipefail
cd "$(dirname "$0")/.."

MODELS=benchmarks/chaos/models
HTTP_PORT=18100 GRPC_PORT=18101 METRICS_PORT=18102 GATEWAY_PORT=18103
work=$(mktemp -d)
server=
trap 'stop_server; rm -rf "$work"' EXIT
SERVER_CORE=${SERVER_CORE:-0-$(($(nproc) - 1))} CLIENT_CORE=${CLIENT_CORE:-0-$(($(nproc) - 1))}

. benchmarks/measure.sh

need curl taskset awk
start_server "$MODELS"
bench chaos -u "127.0.0.1:$HTTP_PORT" --grpc-url "127.0.0.1:$GRPC_PORT" \
  --metrics-url "http://127.0.0.1:$METRICS_PORT/metrics" -m steady,chain,fork \
  --failing-model throwing,failing,broken_chain,broken_fork -d "${1:-10m}" --seed "${2:-1}"

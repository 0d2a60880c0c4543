#!/usr/bin/env bash
# What dynamic batching brings: requests per second of the server's processor time for the MLP with
# 64 requests in flight over gRPC, with `dynamic_batching { }` and without it, and their ratio. The
# two are measured in turn, so that a busy machine weighs on both alike.
#
#   benchmarks/batching.sh [ROUNDS]              3 by default
#
# Needs h2load (Debian: apt-get install nghttp2-client) and curl. Settings, from the environment:
#
#   WARMUP=20 DURATION=10     seconds before and of each measurement
#   IN_FLIGHT=64 MODEL=mlp MODELS=benchmarks/models
#   SERVER_CORE=0 CLIENT_CORE=1
set -euo pipefail
cd "$(dirname "$0")/.."

WARMUP=${WARMUP:-20} DURATION=${DURATION:-10} CHECKED=${CHECKED:-2000}
IN_FLIGHT=${IN_FLIGHT:-64} MODEL=${MODEL:-mlp} MODELS=${MODELS:-benchmarks/models}
SERVER_CORE=${SERVER_CORE:-0} CLIENT_CORE=${CLIENT_CORE:-1}
HTTP_PORT=${HTTP_PORT:-18100} GRPC_PORT=${GRPC_PORT:-18101}
METRICS_PORT=${METRICS_PORT:-18102} GATEWAY_PORT=${GATEWAY_PORT:-18103}
work=$(mktemp -d)
server=
trap 'stop_server; rm -rf "$work"' EXIT

. benchmarks/measure.sh

# repository MODE: the model with or without dynamic batching, otherwise as it is.
repository() {
  mkdir -p "$work/$1/$MODEL"
  ln -s "$(realpath "$MODELS/$MODEL")"/[0-9]* "$work/$1/$MODEL/"
  if [ "$1" = on ]; then
    cp "$MODELS/$MODEL/config.pbtxt" "$work/$1/$MODEL/"
  else
    sed '/^dynamic_batching *{ *}$/d' "$MODELS/$MODEL/config.pbtxt" > "$work/$1/$MODEL/config.pbtxt"
    ! grep -q dynamic_batching "$work/$1/$MODEL/config.pbtxt" || die "$MODEL: dynamic_batching cannot be taken out"
  fi
}

# mean_batch: of all executions so far.
mean_batch() {
  curl -sf "http://127.0.0.1:$METRICS_PORT/metrics" | awk '
    /^nv_inference_count\{/ { items += $NF } /^nv_inference_exec_count\{/ { runs += $NF }
    END { printf "%.1f", runs ? items / runs : 0 }'
}

need h2load curl taskset awk sed
for mode in on off; do repository $mode; done
echo "| round | batching | us of CPU for a request | requests for a second of CPU | mean batch |"
echo "|---|---|---|---|---|"
for ((round = 1; round <= ${1:-3}; round++)); do
  for mode in on off; do
    start_server "$work/$mode"
    check_content grpc "$MODEL" "$IN_FLIGHT"
    make_body grpc "$MODEL"
    press grpc "$IN_FLIGHT" "$WARMUP" > /dev/null
    cpu_per_request grpc "$IN_FLIGHT"
    echo "$mode $micros" >> "$work/results"
    echo "| $round | $mode | $micros | $(awk "BEGIN { printf \"%.0f\", 1e6 / $micros }") | $(mean_batch) |"
    stop_server
  done
done
sort "$work/results" | awk '
  { n[$1]++; all[$1, n[$1]] = $2; if (!($1 in best) || $2 < best[$1]) best[$1] = $2 }
  END { printf "\nBatching on against off: %.1f times the requests for a second of server CPU (best of each; the bar is 3)\n",
        best["off"] / best["on"] }'

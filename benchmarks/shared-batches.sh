#!/usr/bin/env bash
# Shows that pictures of all sizes, sent at the same time by clients of all kinds, are computed
# together: 32 clients in processes of their own, over REST, v2 HTTP and v2 gRPC, at the demo
# repository as it is shipped. Then, that it makes no difference to the batches whether the 32 share
# one gRPC channel, four, have one each or even open one for each call, and what else differs.
#
#   benchmarks/shared-batches.sh
#
# Settings, from the environment:
#
#   DURATION=10               seconds of each run, after 5 of warm-up
#   DEMO=models               the repository
#   PICTURES=samples          the folder with pictures
set -euo pipefail
cd "$(dirname "$0")/.."

DURATION=${DURATION:-10}
DEMO=${DEMO:-models}
PICTURES=${PICTURES:-samples}
SERVER_CORE=${SERVER_CORE:-0-$(($(nproc) - 1))} CLIENT_CORE=${CLIENT_CORE:-0-$(($(nproc) - 1))}
HTTP_PORT=${HTTP_PORT:-18100} GRPC_PORT=${GRPC_PORT:-18101}
METRICS_PORT=${METRICS_PORT:-18102} GATEWAY_PORT=${GATEWAY_PORT:-18103}
work=$(mktemp -d)
server=
trap 'stop_server; rm -rf "$work"' EXIT

. benchmarks/measure.sh
. benchmarks/processes.sh

# batches MODEL: "size executions" for each batch size that was run.
batches() {
  curl -sf "http://127.0.0.1:$HTTP_PORT/v2/models/$1/stats" |
    grep -o '"batch_size":"*[0-9]*"*,"compute_input":{"count":"*[0-9]*' |
    sed 's/[^0-9]*\([0-9]*\)[^0-9]*\([0-9]*\)$/\1 \2/'
}

# histogram MODEL: what was run since the file of that name was written, its mean, and the share of
# inferences in batches above 4.
histogram() {
  batches "$1" | awk -v model="$1" '
    NR == FNR { before[$1] = $2; next }
    { n = $2 - before[$1]; if (n > 0) { runs += n; items += n * $1; if ($1 > 4) big += n * $1; text = text " " $1 "x" n } }
    END { printf "| %s | %.1f | %.0f %% |%s |\n", model, items / runs, 100 * big / items, text }' "$work/$1" -
}

press_pictures() { # WHO PROTOCOL PORT CALLERS [OPTION]...
  local who=$1 protocol=$2 port=$3 callers=$4
  shift 4
  bench -i "$protocol" -u "127.0.0.1:$port" -m embed --images "$PICTURES" --image-mode mixed -c "$callers" \
    -w 0s -d "${seconds}s" -q --metrics-url none "$@" > "$work/$who.txt" 2>&1 || die "$(cat "$work/$who.txt")"
}

three_protocols() {
  press_pictures rest image "$GATEWAY_PORT" 11 & local first=$!
  press_pictures http http "$HTTP_PORT" 11 & local second=$!
  press_pictures grpc grpc "$GRPC_PORT" 10 & local third=$!
  wait $first && wait $second && wait $third
}

one_channel() { over_channels shared; }
four_channels() { over_channels 4; }
many_channels() { over_channels per-client; }
a_channel_per_call() { over_channels per-call; }

over_channels() {
  local before
  before=$(cpu_micros "$server_java")
  press_pictures grpc grpc "$GRPC_PORT" 32 --channels "$1" --json "$work/grpc.json"
  cpu=$(($(cpu_micros "$server_java") - before))
}

# seen: what else there is to say of the calls over gRPC.
seen() {
  local json=$work/grpc.json completed
  completed=$(counted "$json" completed)
  echo
  echo "$(grep -o '"connections" *: *[0-9]*' "$json" | head -n 1 | tr -dc 0-9) connections at a time," \
    "$(grep -o '"connections_opened" *: *[0-9]*' "$json" | head -n 1 | tr -dc 0-9) opened meanwhile," \
    "$(awk "BEGIN { printf \"%.0f\", $completed / $DURATION }") requests/s," \
    "p50 $(millis "$(latency "$json" p50)"), p99 $(millis "$(latency "$json" p99)")," \
    "$(awk "BEGIN { printf \"%.2f\", $cpu / 1000 / $completed }") ms of server CPU for each, $(counted "$json" failed) failed"
}

# measure TITLE COMMAND
measure() {
  local model
  seconds=5
  "$2"
  for model in embed_preprocess shapes_embedder; do batches "$model" > "$work/$model"; done
  seconds=$DURATION
  "$2"
  echo
  echo "$1"
  echo
  echo '| step | mean batch | in batches above 4 | executions by size |'
  echo '|---|---|---|---|'
  for model in embed_preprocess shapes_embedder; do histogram "$model"; done
}

need curl taskset awk grep sed
machine "$PICTURES to embed, $DURATION s each."
start_server "$DEMO"
measure '32 clients: 11 over REST, 11 over v2 HTTP, 10 over v2 gRPC' three_protocols
measure '32 clients over v2 gRPC on one channel' one_channel
seen
measure '32 clients over v2 gRPC on four channels' four_channels
seen
measure '32 clients over v2 gRPC, one channel each' many_channels
seen
measure '32 clients over v2 gRPC, a channel for each call' a_channel_per_call
seen

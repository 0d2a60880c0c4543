#!/usr/bin/env bash
# Whether a server gives back the memory of models that are unloaded: a model is loaded over the HTTP
# repository API, asked once, and unloaded, 300 times. Prints the resident memory before the first load,
# on the way, and after the last unload, of two servers one after the other:
#
#   heap in memory   the Java heap is small and wholly in memory from the start, so that what is seen is
#                    everything else: weights, arenas, threads, code, buffers. Memory after the last
#                    200 cycles is compared with that before them; in the first 100 code is compiled and
#                    libraries make their own
#   by default       as ./nereid starts it: memory of the Java heap counts once garbage has lain in it,
#                    and is used again, not given back, when that is collected
#
#   benchmarks/load-cycles.sh                    in about eight minutes
#
# Needs curl and awk. Settings, from the environment:
#
#   CYCLES=300 WARM=100                the second counts from the first; a report after each WARM
#   HEAP=64m                           of the first server
#   MODEL=shapes_detector MODELS=models   with an FP32 input INPUT=images of SHAPE=1,3,640,640, INPUT_BYTES=4915200
#   SERVER_CORE=0
set -euo pipefail
cd "$(dirname "$0")/.."

CYCLES=${CYCLES:-300} WARM=${WARM:-100} HEAP=${HEAP:-64m}
MODEL=${MODEL:-shapes_detector} MODELS=${MODELS:-models}
INPUT=${INPUT:-images} SHAPE=${SHAPE:-1,3,640,640} INPUT_BYTES=${INPUT_BYTES:-4915200}
SERVER_CORE=${SERVER_CORE:-0}
HTTP_PORT=${HTTP_PORT:-18180} GRPC_PORT=${GRPC_PORT:-18181}
METRICS_PORT=${METRICS_PORT:-18182} GATEWAY_PORT=${GATEWAY_PORT:-18183}
work=$(mktemp -d)
server=
serve_flags=(--model-control-mode=explicit --access-log=off)

. benchmarks/measure.sh
. benchmarks/processes.sh

trap 'stop_server; rm -rf "$work"' EXIT

# ask load|unload
ask() {
  curl -s -o "$work/answer" -w '%{http_code}' -X POST \
    "http://127.0.0.1:$HTTP_PORT/v2/repository/models/$MODEL/$1" | grep -q 200 || die "$1: $(cat "$work/answer")"
}

make_request() {
  local json
  json="{\"inputs\":[{\"name\":\"$INPUT\",\"datatype\":\"FP32\",\"shape\":[$SHAPE],\"parameters\":{\"binary_data_size\":$INPUT_BYTES}}],\"parameters\":{\"binary_data_output\":true}}"
  printf '%s' "$json" > "$work/request"
  head -c "$INPUT_BYTES" /dev/zero >> "$work/request"
  json_bytes=${#json}
}

infer() {
  curl -sf -o /dev/null --data-binary "@$work/request" -H "Inference-Header-Content-Length: $json_bytes" \
    "http://127.0.0.1:$HTTP_PORT/v2/models/$MODEL/infer" || die "the model does not answer"
}

# Megabytes in memory: the least of three seconds, since what is unloaded is freed a moment later.
resident() {
  local i
  for ((i = 0; i < 30; i++)); do
    awk '/^VmRSS:/ { printf "%.1f\n", $2 / 1000 }' "/proc/$server_java/status"
    sleep 0.1
  done | sort -n | head -n 1
}

# run_cycles FILE: a line for each report.
run_cycles() {
  local cycle
  start_server "$MODELS"
  resident > "$1"
  for ((cycle = 1; cycle <= CYCLES; cycle++)); do
    ask load
    infer
    ask unload
    [ "$cycle" != 1 ] && [ $((cycle % WARM)) != 0 ] || resident >> "$1"
  done
  stop_server
}

need curl awk taskset
make_request
NEREID_JAVA_OPTS="-Xms$HEAP -Xmx$HEAP -XX:+AlwaysPreTouch" run_cycles "$work/fixed"
run_cycles "$work/default"
machine "$CYCLES cycles of loading $MODEL ($(wc -c < "$MODELS/$MODEL/1/model.onnx") bytes), one inference, unloading."
echo
echo "| resident memory after | heap in memory ($HEAP) | by default |"
echo '|---|---|---|'
{
  echo 'the start, nothing loaded'
  echo 'the first cycle'
  for ((cycle = WARM; cycle <= CYCLES; cycle += WARM)); do echo "cycle $cycle"; done
} | paste -d '\t' - "$work/fixed" "$work/default" |
  awk -F '\t' -v warm="cycle $WARM" '{ printf "| %s | %s MB | %s MB |\n", $1, $2, $3 }
    $1 == warm { first = $2 } { last = $2 }
    END { printf "\nWith the heap in memory, from %s to the last: %+.1f %% (the bar is 5 %%).\n", warm, 100 * (last / first - 1) }'

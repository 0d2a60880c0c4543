#!/usr/bin/env bash
# What it costs that the models run in another process: the same pictures to /embed of a gateway that
# does everything itself, and of one in front of a server on this machine that gets the picture as it
# is, its pixels as UINT8 or FP16, or the network's input as FP32. First all must answer the same.
#
#   benchmarks/remote-cost.sh
#
# CPU is that of both processes, one request after the other (-c 1) and with 16 under way. Settings,
# from the environment:
#
#   WARMUP=40 DURATION=20     seconds before and of each measurement
#   SERVER_CORE=0 CLIENT_CORE=1
#   PICTURE=samples/scene.jpg
#   BASE_PORT=18160
set -euo pipefail
cd "$(dirname "$0")/.."

WARMUP=${WARMUP:-40} DURATION=${DURATION:-20}
SERVER_CORE=${SERVER_CORE:-0} CLIENT_CORE=${CLIENT_CORE:-1}
PICTURE=${PICTURE:-samples/scene.jpg}
BASE_PORT=${BASE_PORT:-18160}
work=$(mktemp -d)
server=
declare -A java=()

. benchmarks/measure.sh
. benchmarks/processes.sh

trap finish EXIT
gateway=http://127.0.0.1:$BASE_PORT
network=shapes_embedder

# The repository of a server whose network takes its input in that type.
make_repository() {
  local type=$1 folder=$work/$1
  mkdir -p "$folder"
  if [ "$type" = fp32 ]; then
    cp -r models/$network "$folder/"
    return
  fi
  cp -r models/$network "$folder/inner"
  sed -i "s/^name: \"$network\"/name: \"inner\"/" "$folder/inner/config.pbtxt"
  cp -r "benchmarks/protocols/demo/cast_$type" "$folder/"
  mkdir -p "$folder/$network/1"
  cat > "$folder/$network/config.pbtxt" << CONFIG
name: "$network"
platform: "ensemble"
max_batch_size: 32
input [{ name: "images" data_type: TYPE_${type^^} dims: [3, 224, 224] }]
output [{ name: "embedding" data_type: TYPE_FP32 dims: [128] }]
ensemble_scheduling {
  step [
    {
      model_name: "cast_$type"
      model_version: -1
      input_map { key: "pixels" value: "images" }
      output_map { key: "images" value: "cast" }
    },
    {
      model_name: "inner"
      model_version: -1
      input_map { key: "images" value: "cast" }
      output_map { key: "embedding" value: "embedding" }
    }
  ]
}
CONFIG
}

start_server_of() {
  start server serve --model-repository="$1" --allow-http=false --allow-metrics=false --allow-gateway=false \
    --grpc-address=127.0.0.1 --grpc-port=$((BASE_PORT + 1))
}

start_gateway() {
  start gateway "$@" --model-repository=models --gateway-address=127.0.0.1 --gateway-port="$BASE_PORT"
}

embedding() {
  curl -sf --data-binary "@$PICTURE" -H 'content-type: image/jpeg' "$gateway/embed" |
    sed 's/.*"embedding":\[\([^]]*\)\].*/\1/'
}

# The cosine of the answer with that of the process that does everything.
check_same() {
  embedding > "$work/here"
  [ -f "$work/right" ] || cp "$work/here" "$work/right"
  paste -d' ' <(tr , '\n' < "$work/right") <(tr , '\n' < "$work/here") |
    awk '{ dot += $1 * $2; a += $1 * $1; b += $2 * $2 }
      END { c = dot / sqrt(a * b); printf "%.5f\n", c; exit !(c >= 0.999) }' || die "$1: another embedding"
}

load() { # NAME CALLERS SECONDS
  bench -u "$gateway/embed" --images "$PICTURE" -c "$2" -w 0s -d "$3s" -q --metrics-url none \
    --json "$work/$1.json" > "$work/$1.txt" 2>&1 || die "$(tail -n 3 "$work/$1.txt")"
}

cpu() {
  local sum=0 process
  for process in "${java[@]}"; do sum=$((sum + $(cpu_micros "$process"))); done
  echo "$sum"
}

# measure CALLERS: the processor time of a request in $micros; the run is in load.json.
measure() {
  local before after
  before=$(cpu)
  load load "$1" "$DURATION"
  after=$(cpu)
  [ "$(counted "$work/load.json" failed)" = 0 ] || die "requests failed"
  micros=$(awk "BEGIN { printf \"%.0f\", ($after - $before) / $(counted "$work/load.json" completed) }")
}

row() { # TITLE BYTES
  local same alone p50 p99
  same=$(check_same "$1")
  load warm 16 "$WARMUP"
  measure 1
  alone=$micros
  p50=$(latency "$work/load.json" p50)
  p99=$(latency "$work/load.json" p99)
  measure 16
  [ -n "${first_alone:-}" ] || first_alone=$alone first_many=$micros first_p50=$p50
  echo "| $1 | $2 | $same | $(millis "$alone") | $(millis $((alone - first_alone))) | $(millis "$micros") |" \
    "$(millis $((micros - first_many))) | $(millis "$p50") |" \
    "$(millis "$(awk "BEGIN { print $p50 - $first_p50 }")") | $(millis "$p99") |"
}

need curl taskset awk sed paste
machine "$PICTURE to /embed, ${WARMUP} s of warm-up, ${DURATION} s each."
echo
echo '| models | bytes to the server | cosine | CPU, alone | added | CPU, 16 at once | added | p50, alone | added | p99, alone |'
echo '|---|---|---|---|---|---|---|---|---|---|'
start_gateway serve --allow-http=false --allow-grpc=false --allow-metrics=false
row 'in this process' 0
stop gateway
start_server_of models
start_gateway gateway --upstream="127.0.0.1:$((BASE_PORT + 1))"
row 'remote, the picture' "$(wc -c < "$PICTURE")"
stop gateway
stop server
for type in uint8 fp16 fp32; do
  make_repository "$type"
  start_server_of "$work/$type"
  start_gateway gateway --upstream="127.0.0.1:$((BASE_PORT + 1))"
  case $type in uint8) bytes=1 ;; fp16) bytes=2 ;; fp32) bytes=4 ;; esac
  row "remote, $type" $((3 * 224 * 224 * bytes))
  stop gateway
  stop server
done

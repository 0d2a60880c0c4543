#!/usr/bin/env bash
# Presses one server with h2load or wrk and with `nereid bench`, the same requests and as many in flight,
# and prints what each says of its throughput. Where the server is the bottleneck they must agree
# within 5 %; the exit status is 1 where they do not.
#
#   benchmarks/agree.sh [row...]      rows by name or first words; all when none
#
# Needs h2load and wrk (Debian: apt-get install nghttp2-client wrk), curl, and two cores that do
# nothing else. Settings, from the environment:
#
#   WARMUP=20 DURATION=10 ROUNDS=3    seconds before and of each measurement, measurements of each tool
#   SERVER_CORE=0 CLIENT_CORE=1
#   MODELS=benchmarks/models          repository with mlp and slice
set -euo pipefail
cd "$(dirname "$0")/.."

WARMUP=${WARMUP:-20}
DURATION=${DURATION:-10}
ROUNDS=${ROUNDS:-3}
CHECKED=1000
SERVER_CORE=${SERVER_CORE:-0}
CLIENT_CORE=${CLIENT_CORE:-1}
MODELS=${MODELS:-benchmarks/models}
HTTP_PORT=18120 GRPC_PORT=18121 METRICS_PORT=18122 GATEWAY_PORT=18123

work=$(mktemp -d)
server=
finish() {
  stop_server
  rm -rf "$work"
}
trap finish EXIT

. benchmarks/measure.sh

# name | transport | model | in flight
rows='
mlp-grpc-16   | grpc | mlp   | 16
mlp-grpc-64   | grpc | mlp   | 64
mlp-http-16   | http | mlp   | 16
mlp-http-64   | http | mlp   | 64
slice-grpc-16 | grpc | slice | 16
slice-http-16 | http | slice | 16
'

# The median of the numbers given.
median() {
  printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

chosen() {
  [ $# -eq 1 ] && return 0
  local name=$1 word
  shift
  for word in "$@"; do
    case $name in "$word"*) return 0 ;; esac
  done
  return 1
}

measure_row() {
  local name=$1 transport=$2 model=$3 in_flight=$4 port=$GRPC_PORT other=() ours=() round tool=h2load cost busy
  [ "$transport" = grpc ] || { port=$HTTP_PORT tool=wrk; }
  start_server "$MODELS" "$model"
  check_content "$transport" "$model" "$in_flight"
  make_body "$transport" "$model"
  press "$transport" "$in_flight" "$WARMUP" > /dev/null
  for ((round = 0; round < ROUNDS; round++)); do
    other+=("$(($(press "$transport" "$in_flight" "$DURATION") / DURATION))")
    bench -u "127.0.0.1:$port" -i "$transport" -m "$model" -c "$in_flight" -w 8s -d "${DURATION}s" -q --inputs 1 \
      --metrics-url "http://127.0.0.1:$METRICS_PORT/metrics" --json "$work/run.json" > /dev/null
    ours+=("$(figure throughput)")
  done
  cost=$(figure client_cpu_per_request)
  busy=$(figure client_busiest_thread)
  stop_server
  local a b ratio
  a=$(median "${other[@]}")
  b=$(median "${ours[@]}")
  ratio=$(awk "BEGIN { printf \"%.3f\", $b / $a }")
  local verdict=agree
  awk "BEGIN { exit !($ratio < 0.95 || $ratio > 1.05) }" && verdict=DIFFER && differ=1
  echo "| $name | $tool $a/s | $(printf %.0f "$b")/s | $ratio | $verdict | $(printf %.1f "$cost") us |" \
    "$(awk "BEGIN { printf \"%.0f\", 100 * $busy }") % |"
}

# A figure of the run that bench has just written.
figure() {
  sed -n "s/^ *\"$1\" *: *\([0-9.E+-]*\),*$/\1/p" "$work/run.json" | head -n 1
}

need h2load wrk curl taskset
echo "Machine: $(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo), $(nproc) cores, $(uname -sr);" \
  "date: $(date -u +%F); commit: $(git describe --always --dirty 2> /dev/null || echo unknown);" \
  "warm-up ${WARMUP} s, median of $ROUNDS times ${DURATION} s."
echo
echo '| load | the other tool | bench | ratio | verdict | bench, CPU per request | its busiest thread |'
echo '|---|---|---|---|---|---|---|'
differ=0
while IFS='|' read -r name transport model in_flight; do
  name=$(xargs <<<"$name")
  [ -n "$name" ] || continue
  chosen "$name" "$@" || continue
  measure_row "$name" "$(xargs <<<"$transport")" "$(xargs <<<"$model")" "$(xargs <<<"$in_flight")"
done <<<"$rows"
exit $differ

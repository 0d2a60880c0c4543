#!/usr/bin/env bash
# Presses one server with h2load, wrk or perf_analyzer, with `nereid bench`, and with the first again, the same requests
# and as many in flight, and prints what each says of its throughput, and how busy it kept the server and
# itself. Where both kept the server's core busy, the server was the bottleneck, and they must agree
# within 5 %; the exit status is 1 where they do not. Elsewhere the table shows whose core was full.
# What drifts meanwhile drifts for both tools. bench goes on in one process, whose compilers are done
# after its first run, which does not count.
#
#   benchmarks/agree.sh [row...]      rows by name or first words; all when none (under 8 minutes)
#
# Needs h2load and wrk (Debian: apt-get install nghttp2-client wrk), curl, and two cores that do
# nothing else. Settings, from the environment:
#
#   WARMUP=6 DURATION=4 ROUNDS=2      seconds before the first measurement and of each; measurements of
#                                     bench, and of the other tool before and after it
#   SERVER_CORE=0 CLIENT_CORE=1
#   MODELS=benchmarks/models          repository with mlp and slice
#   DEMO=models                       repository with shapes_classifier
#   PERF_ANALYZER=                    the program, for the rows that begin with pa, which are left out without it
set -euo pipefail
cd "$(dirname "$0")/.."

WARMUP=${WARMUP:-6}
DURATION=${DURATION:-4}
ROUNDS=${ROUNDS:-2}
SERVER_CORE=${SERVER_CORE:-0}
CLIENT_CORE=${CLIENT_CORE:-1}
MODELS=${MODELS:-benchmarks/models}
DEMO=${DEMO:-models}
PERF_ANALYZER=${PERF_ANALYZER:-}
HTTP_PORT=18120 GRPC_PORT=18121 METRICS_PORT=18122 GATEWAY_PORT=18123
FULL=95
TIMEFORMAT='%U %S'

work=$(mktemp -d)
server=
finish() {
  stop_server
  rm -rf "$work"
}
trap finish EXIT

. benchmarks/measure.sh

# name | transport | model | rows in a request | in flight | replies checked
rows='
shapes-grpc-8   | grpc | shapes_classifier | 1  | 8  | 100
shapes-http-8   | http | shapes_classifier | 1  | 8  | 100
mlp64-grpc-16   | grpc | mlp               | 64 | 16 | 1000
mlp64-http-16   | http | mlp               | 64 | 16 | 1000
slice-grpc-16   | grpc | slice             | 1  | 16 | 1000
slice-http-16   | http | slice             | 1  | 16 | 1000
mlp-grpc-64     | grpc | mlp               | 1  | 64 | 1000
mlp-http-64     | http | mlp               | 1  | 64 | 1000
'
[ -z "$PERF_ANALYZER" ] || rows+='
pa-grpc-8       | grpc | shapes_classifier | 1  | 8  | 100
pa-http-8       | http | shapes_classifier | 1  | 8  | 100
pa-mlp64-grpc-16 | grpc | mlp              | 64 | 16 | 1000
'

# The median of the numbers given; of an even number the mean of the middle two.
median() {
  printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 } END {
    print (v[int((NR + 1) / 2)] + v[int((NR + 2) / 2)]) / 2 }'
}

# spread FILE: its least and its most requests per second.
spread() {
  sort -n "$work/$1" | awk 'NR == 1 { least = $1 } END { print least, $1 }'
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

# Each of these adds lines "requests/s server-busy tool-busy server-us" to a file, one for each
# measurement; busy is the share of a core in per cent.
press_other() {
  local begun before completed
  before=$(cpu_micros "$server_java")
  begun=$(date +%s%N)
  { time press "$transport" "$in_flight" "$DURATION" > "$work/completed"; } 2> "$work/time"
  local wall=$((($(date +%s%N) - begun) / 1000)) after
  after=$(cpu_micros "$server_java")
  completed=$(cat "$work/completed")
  [ "${completed:-0}" -gt 0 ] || die "no request was completed: $(cat "$work/press.txt")"
  tail -n 1 "$work/time" | awk -v done="$completed" -v seconds="$DURATION" -v wall="$wall" \
    -v server="$((after - before))" '{
      printf "%.0f %.0f %.0f %.1f\n", done / seconds, 100 * server / wall, 1e8 * ($1 + $2) / wall, server / done }' \
    >> "$work/other"
}

# It ends when three windows are there; what was busy is read in the middle of them.
press_perf_analyzer() {
  local pid began server_before tool_before busy
  taskset -c "$CLIENT_CORE" "$PERF_ANALYZER" -m "$model" -i "$transport" -u "127.0.0.1:$port" -b "$batch" \
    --concurrency-range "$in_flight" -p $((DURATION * 500)) -s 999 > "$work/press.txt" 2>&1 &
  pid=$!
  sleep 1
  began=$(date +%s%N)
  server_before=$(cpu_micros "$server_java")
  tool_before=$(cpu_micros "$pid")
  sleep $((DURATION > 2 ? DURATION - 1 : 1))
  busy="$((($(cpu_micros "$server_java") - server_before))) $((($(cpu_micros "$pid") - tool_before)))"
  busy="$busy $((($(date +%s%N) - began) / 1000))"
  wait "$pid" || die "perf_analyzer: $(tail -n 3 "$work/press.txt")"
  awk -v rows="$batch" -v busy="$busy" '/^Concurrency: .* throughput: / {
      split(busy, b, " ")
      sub(/.*throughput: /, "")
      rate = $1 / rows
      printf "%.0f %.0f %.0f %.1f\n", rate, 100 * b[1] / b[3], 100 * b[2] / b[3], 1e6 * b[1] / b[3] / rate
    }' "$work/press.txt" >> "$work/other"
}

press_ours() {
  bench -u "127.0.0.1:$port" -i "$transport" -m "$model" -b "$batch" -c "$in_flight" -w "${DURATION}s" \
    -d "${DURATION}s" --repeat $((ROUNDS + 1)) -q --inputs 1 --csv "$work/runs.csv" \
    --metrics-url "http://127.0.0.1:$METRICS_PORT/metrics" > /dev/null
  awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i }
    NR > 2 {
      rate = $column["throughput"]
      server = $column["server_cpu_per_request"]
      tool = $column["client_cpu_per_request"]
      printf "%.0f %.0f %.0f %.1f\n", rate, rate * server / 1e4, rate * tool / 1e4, server
    }' "$work/runs.csv" > "$work/ours"
}

# column FILE NUMBER: the median over the rounds.
column() {
  # shellcheck disable=SC2046
  median $(awk -v n="$2" '{ print $n }' "$work/$1")
}

# verdict RATIO: on the medians of both tools.
verdict() {
  awk -v ratio="$1" -v full=$FULL -v other="$(column other 2)" -v ours="$(column ours 2)" \
    -v other_tool="$(column other 3)" -v our_tool="$(column ours 3)" 'BEGIN {
      if (other >= full && ours >= full) {
        print (ratio >= 0.95 && ratio <= 1.05) ? "agree" : "DIFFER"
      } else if (our_tool >= 90 || other_tool >= 90) {
        print "not judged: the core of " (our_tool >= other_tool ? "bench" : "the other tool") " is full"
      } else {
        print "not judged: neither core is full all the time"
      }
    }'
}

measure_row() {
  local name=$1 transport=$2 model=$3 batch=$4 in_flight=$5 CHECKED=$6 port=$GRPC_PORT tool=h2load round
  local press_other=press_other
  [ "$transport" = grpc ] || { port=$HTTP_PORT tool=wrk; }
  case $name in pa-*) tool=perf_analyzer press_other=press_perf_analyzer ;; esac
  say "$name: $(date -u +%T)"
  rm -f "$work/other" "$work/ours"
  check_content "$transport" "$model" "$in_flight"
  make_body "$transport" "$model" "$batch"
  press "$transport" "$in_flight" "$WARMUP" > /dev/null
  for ((round = 0; round < 2 * ROUNDS; round++)); do
    [ $round != $ROUNDS ] || press_ours
    $press_other
  done
  say "  $tool: $(paste -sd';' "$work/other"); bench: $(paste -sd';' "$work/ours")"
  local ratio spread verdict
  ratio=$(awk -v ours="$(column ours 1)" -v other="$(column other 1)" 'BEGIN { printf "%.3f", ours / other }')
  spread=$(awk -v ours="$(spread ours)" -v other="$(spread other)" 'BEGIN {
    split(ours, a, " ")
    split(other, b, " ")
    printf "%.3f to %.3f", a[1] / b[2], a[2] / b[1] }')
  verdict=$(verdict "$ratio")
  [ "$verdict" != DIFFER ] || differ=1
  echo "| $name | $tool | $(described other) | $(described ours) | $ratio ($spread) | $verdict |"
}

# described FILE: the medians over the rounds.
described() {
  echo "$(column "$1" 1)/s, $(column "$1" 2) % + $(column "$1" 3) %, $(column "$1" 4) us"
}

need h2load wrk curl taskset
mkdir "$work/models"
for model in "$MODELS/mlp" "$MODELS/slice" "$DEMO/shapes_classifier"; do
  [ -d "$model" ] || die "$model: no such model"
  ln -s "$(realpath "$model")" "$work/models/"
done
echo "Machine: $(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo), $(nproc) cores, $(uname -sr);" \
  "date: $(date -u +%F); commit: $(git describe --always --dirty 2> /dev/null || echo unknown);" \
  "server on one core, the tool on another; ${DURATION} s for each measurement, $ROUNDS of bench between $((2 * ROUNDS)) of the other tool, medians."
echo
cat << 'TEXT'
Of each tool: requests per second; how busy the server's core was with the server, and the tool's core with the tool;
the server's processor time for a request. The ratio is bench over the other tool, and at least and at most what single
measurements make of it. Where the server was not busy for 95 % of the time the tools are compared with each other, not
with the server.
TEXT
echo
echo '| load | the other tool | its figures | those of bench | ratio | verdict |'
echo '|---|---|---|---|---|---|'
differ=0
start_server "$work/models"
while IFS='|' read -r name transport model batch in_flight checked; do
  name=$(xargs <<<"$name")
  [ -n "$name" ] || continue
  chosen "$name" "$@" || continue
  measure_row "$name" "$(xargs <<<"$transport")" "$(xargs <<<"$model")" "$(xargs <<<"$batch")" \
    "$(xargs <<<"$in_flight")" "$(xargs <<<"$checked")"
done <<<"$rows"
exit $differ

#!/usr/bin/env bash
# One gateway in front of three servers, each a process on an address of its own, at a constant rate of
# pictures, while one server after the other is killed, started, frozen, slowed and restarted. Prints
# when /connections told of it, what failed, and the p99 before and from three seconds afterwards.
#
#   benchmarks/upstreams.sh [row...]      killed, started, frozen, slow, restarted; all when none
#
# Each row needs a minute. Two loads are sent at once: one throughout, whose failures are counted, and
# one before and one after the mishap, whose latencies are. Settings, from the environment:
#
#   RATE=50 SAMPLE=100        requests a second of both
#   DEMO=models               the repository of all three
#   PICTURE=samples/tiny.jpg  ROUTE=/classify
#   BASE_PORT=18140
set -euo pipefail
cd "$(dirname "$0")/.."

RATE=${RATE:-50} SAMPLE=${SAMPLE:-100}
DEMO=${DEMO:-models}
PICTURE=${PICTURE:-samples/tiny.jpg} ROUTE=${ROUTE:-/classify}
BASE_PORT=${BASE_PORT:-18140}
SERVER_CORE=${SERVER_CORE:-0-$(($(nproc) - 1))} CLIENT_CORE=${CLIENT_CORE:-0-$(($(nproc) - 1))}
work=$(mktemp -d)
server= brake=
declare -A java=()

. benchmarks/measure.sh
. benchmarks/processes.sh

gateway=http://127.0.0.1:$BASE_PORT
trap '[ -z "$brake" ] || kill "$brake" 2> /dev/null || true; finish' EXIT

address() { echo "127.0.0.$((10 + $1))"; }

start_one() {
  start "$1" serve --model-repository="$DEMO" --allow-http=false --allow-metrics=false --allow-gateway=false \
    --grpc-address="$(address "$1")" --grpc-port=$((BASE_PORT + $1))
}

# told N: what /connections says of that server: its state and its answered requests.
told() {
  curl -s -m 2 "$gateway/connections" | sed 's/{"target":/\n&/g' |
    sed -n 's/^{"target":"'"$(address "$1")"':[0-9]*","state":"\([A-Z]*\)".*"answered":\([0-9]*\).*/\1 \2/p'
}

# await_state N STATE: prints the seconds that it took.
await_state() {
  local begun now i
  begun=$(date +%s%N)
  for ((i = 0; i < 600; i++)); do
    case $(told "$1") in "$2 "*)
      now=$(date +%s%N)
      awk "BEGIN { printf \"%.1f\", ($now - $begun) / 1e9 }"
      return
      ;;
    esac
    sleep 0.05
  done
  echo never
}

press() { # NAME RATE WARMUP SECONDS
  bench -u "$gateway$ROUTE" --images "$PICTURE" -r "$2" --arrivals constant -w "$3s" -d "$4s" -q \
    --metrics-url none --json "$work/$1.json" > "$work/$1.txt" 2>&1
}

spread() {
  local i
  for i in 1 2 3; do told "$i" | cut -d' ' -f2; done | xargs
}

# row TITLE SERVER STATE COMMAND...
row() {
  local title=$1 which=$2 state=$3 seen at before after
  shift 3
  press whole "$RATE" 3 45 & local whole=$!
  sleep 4
  press before "$SAMPLE" 1 12 || die "$(tail -n 3 "$work/before.txt")"
  at=$(date +%s%N)
  "$@"
  await_state "$which" "$state" > "$work/seen" & local waiting=$!
  # What the tool needs to start, and its second of warm-up, are the third second.
  sleep "$(awk "BEGIN { left = 1 - ($(date +%s%N) - $at) / 1e9; print (left > 0) ? left : 0 }")"
  before=($(spread))
  press after "$SAMPLE" 1 12 || die "$(tail -n 3 "$work/after.txt")"
  after=($(spread))
  wait "$waiting"
  seen=$(cat "$work/seen")
  wait "$whole" || die "$(tail -n 3 "$work/whole.txt")"
  local answered=0 failed=0 run
  for run in whole before after; do
    answered=$((answered + $(counted "$work/$run.json" completed)))
    failed=$((failed + $(counted "$work/$run.json" failed)))
  done
  echo "| $title | $state after $seen s | $answered | $failed | $(millis "$(latency "$work/whole.json" max)") |" \
    "$(millis "$(latency "$work/before.json" p99)") | $(millis "$(latency "$work/after.json" p99)") |" \
    "$((after[0] - before[0])) / $((after[1] - before[1])) / $((after[2] - before[2])) |"
}

kill_one() {
  kill -9 "${java[$1]}"
  gone "${java[$1]}"
}

restart_one() {
  kill "${java[$1]}"
  gone "${java[$1]}"
  start_one "$1"
}

# Runs for a tenth of the time.
slow_one() {
  (
    while :; do
      kill -STOP "$1"
      sleep 0.45
      kill -CONT "$1"
      sleep 0.05
    done
  ) &
  brake=$!
}

release() {
  kill "$brake"
  wait "$brake" 2> /dev/null || true
  brake=
  kill -CONT "${java[$1]}"
}

chosen() {
  [ $# -eq 1 ] && return 0
  local name=$1 word
  shift
  for word in "$@"; do
    [ "$name" = "$word" ] && return 0
  done
  return 1
}

need curl taskset awk sed
for i in 1 2 3; do start_one "$i"; done
start gateway gateway --model-repository="$DEMO" --gateway-address=127.0.0.1 --gateway-port="$BASE_PORT" \
  --upstream="$(address 1):$((BASE_PORT + 1)),$(address 2):$((BASE_PORT + 2)),$(address 3):$((BASE_PORT + 3))"
press warm "$SAMPLE" 0 20 || die "$(tail -n 3 "$work/warm.txt")"

machine "$((RATE + SAMPLE)) requests/s, $PICTURE to $ROUTE."
echo
echo '| server | seen | answered | failed | slowest | p99 before | p99 from 3 s on | answered from then on |'
echo '|---|---|---|---|---|---|---|---|'
if chosen killed "$@" || chosen started "$@"; then
  row '1 killed' 1 UNREACHABLE kill_one 1
  row '1 started again' 1 LIVE start_one 1
fi
if chosen frozen "$@"; then
  row '2 frozen' 2 STUCK kill -STOP "${java[2]}"
  kill -CONT "${java[2]}"
  await_state 2 LIVE > /dev/null
fi
if chosen slow "$@"; then
  row '3 slowed ten times' 3 SLOW slow_one "${java[3]}"
  release 3
fi
if chosen restarted "$@"; then
  row '2 restarted' 2 LIVE restart_one 2
fi

#!/usr/bin/env bash
# Four times as much as a gateway and the server behind it can do, for a minute: what is still answered,
# how quickly the rest is refused, whether urgent requests notice, and whether anything is executed that
# nobody waits for any more.
#
#   benchmarks/overload.sh
#
# The capacity is measured first, with twice as many callers as are let through, who wait for their
# answers. Then, after some overload that does not count, in an open loop: urgent requests (a fifth of
# the capacity) alone, and with four times the capacity beside them, each with a deadline of a second.
# Settings, from the environment:
#
#   WARMUP=40 DURATION=60 TIMES=4
#   SERVER_CORE=0 CLIENT_CORE=1
#   PICTURE=samples/scene.jpg ROUTE=/embed MODEL=shapes_embedder
#   IN_FLIGHT=2              what the gateway lets through at a time: enough to keep the server busy, and as
#                            much as an urgent request may find ahead of it
#   HTML=overload.html        where a page with plots of the minute goes; none by default
#   BASE_PORT=18180
set -euo pipefail
cd "$(dirname "$0")/.."

WARMUP=${WARMUP:-40} DURATION=${DURATION:-60} TIMES=${TIMES:-4}
SERVER_CORE=${SERVER_CORE:-0} CLIENT_CORE=${CLIENT_CORE:-1}
PICTURE=${PICTURE:-samples/scene.jpg} ROUTE=${ROUTE:-/embed} MODEL=${MODEL:-shapes_embedder}
IN_FLIGHT=${IN_FLIGHT:-2}
BASE_PORT=${BASE_PORT:-18180}
work=$(mktemp -d)
server=
declare -A java=()

. benchmarks/measure.sh
. benchmarks/processes.sh

trap finish EXIT
gateway=http://127.0.0.1:$BASE_PORT
metrics=http://127.0.0.1:$((BASE_PORT + 2))/metrics

load() { # NAME PRIORITY SECONDS OPTION...
  local name=$1 priority=$2 seconds=$3
  shift 3
  bench -u "$gateway$ROUTE?priority=$priority" --images "$PICTURE" -d "${seconds}s" -w 0s -q --metrics-url none \
    --json "$work/$name.json" "$@" > "$work/$name.txt" 2>&1 || die "$(tail -n 3 "$work/$name.txt")"
}

executed() {
  curl -sf "$metrics" | awk -v model="model=\"$MODEL\"" \
    '/^nv_inference_count\{/ && index($0, model) { sum += $NF } END { printf "%.0f\n", sum }'
}

# Asks one after the other, and writes the status and the milliseconds of each.
look_on() {
  while [ -e "$work/running" ]; do
    curl -s -o /dev/null -m 5 -w '%{http_code} %{time_total}\n' --data-binary "@$PICTURE" \
      -H 'content-type: image/jpeg' "$gateway$ROUTE?priority=batch" || true
  done > "$work/looked"
}

# kinds NAME: what failed, by kind.
kinds() {
  awk '/"failures"/ { if (/}/) exit; inside = 1; next } inside && /}/ { exit }
    inside { gsub(/[",]/, ""); sub(/^ */, ""); sub(/ *: */, " "); printf "%s%s", separator, $0; separator = ", " }
    END { if (!separator) printf "nothing" }' "$work/$1.json"
}

# quantile SHARE: of the refusals.
quantile() {
  awk -v share="$1" '{ v[NR] = $1 } END { if (NR) printf "%.1f ms\n", v[int(share * (NR - 1)) + 1]; else print "-" }' \
    "$work/refused"
}

need curl taskset awk sed
start server serve --model-repository=models --allow-http=false --allow-gateway=false --grpc-address=127.0.0.1 \
  --grpc-port=$((BASE_PORT + 1)) --metrics-address=127.0.0.1 --metrics-port=$((BASE_PORT + 2))
start gateway gateway --model-repository=models --gateway-address=127.0.0.1 --gateway-port="$BASE_PORT" \
  --upstream="127.0.0.1:$((BASE_PORT + 1))" --upstream-max-in-flight="$IN_FLIGHT"
load warm normal "$WARMUP" -c $((2 * IN_FLIGHT))
load capacity normal "$WARMUP" -c $((2 * IN_FLIGHT))
capacity=$(awk "BEGIN { printf \"%.0f\", $(counted "$work/capacity.json" completed) / $WARMUP }")
urgent=$((capacity / 5 + 1))
load flooded batch "$WARMUP" -r $((TIMES * capacity)) --arrivals constant --deadline 1s
load alone high "$DURATION" -r "$urgent" --arrivals constant
say "capacity $capacity/s; $((TIMES * capacity))/s follow for $DURATION s"

touch "$work/running"
look_on & asking=$!
first=$(executed)
load urgent high "$DURATION" -r "$urgent" --arrivals constant --deadline 1s & high=$!
load flood batch "$DURATION" -r $((TIMES * capacity)) --arrivals constant --deadline 1s ${HTML:+--html "$HTML"}
wait $high
rm "$work/running"
wait $asking
last=$(executed)

awk '$1 == 429 { print 1000 * $2 }' "$work/looked" | sort -n > "$work/refused"
answered=$(($(counted "$work/flood.json" completed) + $(counted "$work/urgent.json" completed) +
  $(grep -c '^200 ' "$work/looked" || true)))
goodput=$(awk "BEGIN { printf \"%.0f\", $answered / $DURATION }")
machine "$PICTURE to $ROUTE, $IN_FLIGHT let through at a time, $DURATION s."
echo
echo '| figure | value |'
echo '|---|---|'
echo "| capacity | $capacity/s |"
echo "| asked for | $((TIMES * capacity + urgent))/s |"
echo "| answered | $goodput/s, $(awk "BEGIN { printf \"%.0f\", 100 * $goodput / $capacity }") % of the capacity |"
echo "| of the flood failed | $(kinds flood) |"
echo "| refusals, $(wc -l < "$work/refused") others looked at | p50 $(quantile 0.5), p90 $(quantile 0.9), p99 $(quantile 0.99) |"
for name in alone urgent; do
  echo "| urgent ones, $([ $name = alone ] && echo alone || echo meanwhile) | p50 $(millis "$(latency "$work/$name.json" p50)")," \
    "p90 $(millis "$(latency "$work/$name.json" p90)"), p99 $(millis "$(latency "$work/$name.json" p99)")," \
    "slowest $(millis "$(latency "$work/$name.json" max)"); failed: $(kinds $name) |"
done
echo "| inferences executed, beyond those answered | $((last - first - answered)) |"

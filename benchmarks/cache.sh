#!/usr/bin/env bash
# What the result cache makes of a picture's answer: the same picture, one request after the other, with
# no cache, from the gateway's own memory, and from Redis; then Redis is killed and started again under a
# constant load of many pictures, and what failed is counted.
#
#   benchmarks/cache.sh
#
# Needs redis-server (Debian: apt-get install redis-server) and curl. Settings, from the environment:
#
#   WARMUP=15 DURATION=10     seconds before and of each measurement
#   RATE=100                  requests a second while Redis is killed and started
#   PICTURE=samples/scene.jpg ROUTE=/detect
#   SERVER_CORE=0 CLIENT_CORE=1
#   BASE_PORT=18200
set -euo pipefail
cd "$(dirname "$0")/.."

WARMUP=${WARMUP:-15} DURATION=${DURATION:-10} RATE=${RATE:-100}
PICTURE=${PICTURE:-samples/scene.jpg} ROUTE=${ROUTE:-/detect}
SERVER_CORE=${SERVER_CORE:-0} CLIENT_CORE=${CLIENT_CORE:-1}
BASE_PORT=${BASE_PORT:-18200}
REDIS_PORT=$((BASE_PORT + 1))
work=$(mktemp -d)
server= redis=
declare -A java=()

. benchmarks/measure.sh
. benchmarks/processes.sh

trap '[ -z "$redis" ] || kill "$redis" 2> /dev/null || true; finish' EXIT
gateway=http://127.0.0.1:$BASE_PORT

# Redis is beside the load tool, so that the gateway's core is the gateway's.
start_redis() {
  taskset -c "$CLIENT_CORE" redis-server --port "$REDIS_PORT" --bind 127.0.0.1 --save '' --dir "$work" \
    > "$work/redis.log" 2>&1 &
  redis=$!
  disown "$redis"
}

start_gateway() { # CACHE OPTION...
  local cache=$1
  shift
  start gateway serve --model-repository=models --allow-http=false --allow-grpc=false --gateway-address=127.0.0.1 --gateway-port="$BASE_PORT" \
    --result-cache="$cache" "$@"
}

load() { # NAME SECONDS OPTION...
  local name=$1 seconds=$2
  shift 2
  bench -u "$gateway$ROUTE" -d "${seconds}s" -w 0s -q --metrics-url none --json "$work/$name.json" "$@" \
    > "$work/$name.txt" 2>&1 || die "$(tail -n 3 "$work/$name.txt")"
}

# asked SOURCE: requests since the start that were answered by a run (miss), from memory (hit) or from Redis (shared).
asked() {
  curl -sf "$gateway/metrics" | awk -v source="source=\"$1\"" \
    '/^nereid_result_cache_requests_total\{/ && index($0, source) { sum += $NF } END { printf "%.0f\n", sum }'
}

row() { # TITLE CACHE OPTION...
  local title=$1 before after name
  shift
  start_gateway "$@"
  load warm "$WARMUP" --images "$PICTURE" -c 1
  before=$(cpu_micros "${java[gateway]}")
  load row "$DURATION" --images "$PICTURE" -c 1
  after=$(cpu_micros "${java[gateway]}")
  echo "| $title | $(millis "$(latency "$work/row.json" p50)") | $(millis "$(latency "$work/row.json" p99)")" \
    "| $(awk "BEGIN { printf \"%.2f ms\", ($after - $before) / 1000 / $(counted "$work/row.json" completed) }") |"
  stop gateway
}

need curl taskset awk redis-server
machine "$PICTURE to $ROUTE, one request after the other."
echo
echo '| answers | p50 | p99 | processor time of the gateway |'
echo '|---|---|---|---|'
row 'by the models' off
row "from the gateway's memory" local
start_redis
row 'from Redis' "redis://127.0.0.1:$REDIS_PORT" --result-cache-size=1

start_gateway "redis://127.0.0.1:$REDIS_PORT" --result-cache-size=1
load warm "$WARMUP" --images samples -c 4
load under $((3 * DURATION)) --images samples -r "$RATE" --arrivals constant & loading=$!
sleep "$DURATION"
kill -KILL "$redis"
say 'Redis killed'
sleep "$DURATION"
start_redis
say 'Redis started again'
wait $loading
echo
echo "Redis killed after a third and started again after two thirds of $((3 * DURATION)) s of $RATE requests/s:" \
  "$(counted "$work/under.json" completed) answered, $(counted "$work/under.json" failed) failed," \
  "slowest $(millis "$(latency "$work/under.json" max)"); answered by runs $(asked miss), from Redis $(asked shared)."

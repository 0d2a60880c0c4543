#!/usr/bin/env bash
# What a small gRPC request costs the load tool itself, by how many are in flight: it presses a bare echo,
# on a core of its own, and prints its processor time for each request, of the whole process and of its
# sending threads, and how busy the busiest of them was.
#
#   benchmarks/tool-cost.sh            under two minutes
#
# Needs two cores that do nothing else. Settings, from the environment:
#
#   IN_FLIGHT=1,16,64,1000
#   WARMUP=4 DURATION=4 ROUNDS=3      seconds before each measurement and of each; medians of so many
#   SERVER_CORE=0 CLIENT_CORE=1
#   GRPC_PORT=18131
set -euo pipefail
cd "$(dirname "$0")/.."

IN_FLIGHT=${IN_FLIGHT:-1,16,64,1000}
WARMUP=${WARMUP:-4} DURATION=${DURATION:-4} ROUNDS=${ROUNDS:-3}
SERVER_CORE=${SERVER_CORE:-0} CLIENT_CORE=${CLIENT_CORE:-1}
GRPC_PORT=${GRPC_PORT:-18131}
work=$(mktemp -d)
server=
trap 'stop_server; rm -rf "$work"' EXIT

. benchmarks/measure.sh

# column NAME IN_FLIGHT: of the report, a line for each round, the least first.
column() {
  awk -F, -v wanted="$1" -v in_flight="$2" '
    NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i }
    NR > 1 && $column["concurrency"] == in_flight { print $column[wanted] }' "$work/runs.csv" | sort -g
}

median() {
  awk '{ v[NR] = $1 } END { printf "%.2f", (v[int((NR + 1) / 2)] + v[int((NR + 2) / 2)]) / 2 }'
}

need taskset
taskset -c "$SERVER_CORE" ./nereid bench echo-server --grpc-port="$GRPC_PORT" --http-port=0 \
  > "$work/server.log" 2>&1 &
server=$!
for ((i = 0; i < 300; i++)); do
  ! grep -qs '^echo: ' "$work/server.log" || break
  sleep 0.1
done
server_java=$(java_of "$server")
echo "Machine: $(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo), $(nproc) cores, $(uname -sr);" \
  "date: $(date -u +%F); commit: $(git describe --always --dirty 2> /dev/null || echo unknown);" \
  "a bare echo on one core, the tool on another; ${DURATION} s for each measurement, medians of $ROUNDS."
echo
echo '| in flight | requests/s | tool, of each request | its sending threads | busiest thread ran, of the time | at most 15 us |'
echo '|---|---|---|---|---|---|'
bench -u "127.0.0.1:$GRPC_PORT" -m mlp -c "$IN_FLIGHT" -w "${WARMUP}s" -d "${DURATION}s" --repeat "$ROUNDS" \
  --inputs 16 --metrics-url none -q --csv "$work/runs.csv" > /dev/null
for in_flight in ${IN_FLIGHT//,/ }; do
  cost=$(column client_cpu_per_request "$in_flight" | median)
  echo "| $in_flight | $(column throughput "$in_flight" | median) | $cost us |" \
    "$(column client_threads_cpu_per_request "$in_flight" | median) us |" \
    "$(column client_busiest_thread "$in_flight" | median) |" \
    "$(awk -v cost="$cost" 'BEGIN { print cost <= 15 ? "yes" : "no" }') |"
done

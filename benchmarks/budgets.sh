#!/usr/bin/env bash
# Measures the server's budgets: CPU time of the server's process per request, the server pinned to
# one core and the client to another. Prints a Markdown table with the ratio to NVIDIA's server.
#
#   benchmarks/budgets.sh [--list] [row...]      rows by name or first words; all when none
#
# Each row is kept in a folder when it is done: started again with the same RESULTS, the script goes
# on where it was stopped. Exit status 1 when a row could not be measured.
#
# Needs h2load and wrk (Debian: apt-get install nghttp2-client wrk), curl, and two cores that do
# nothing else. Settings, from the environment:
#
#   WARMUP=60 DURATION=20     seconds before and of each measurement
#   CHECKED=10000             replies checked for content before each measurement
#   SERVER_CORE=0 CLIENT_CORE=1
#   MODELS=benchmarks/models  repository with mlp, slice and echo, and (tools/export_models.py) resnet50
#   DEMO=models               the demo repository, for pictures and for the start
#   ECHO=0                    1: also the cost of a bare echo on the same transports
#   RESULTS=                  the folder for finished rows; by default one for each commit, .nereid/budgets-COMMIT
#   KEEP=                     a folder for logs and bodies, otherwise removed
#   HTTP_PORT, GRPC_PORT, METRICS_PORT, GATEWAY_PORT, ECHO_HTTP_PORT, ECHO_GRPC_PORT
set -euo pipefail
cd "$(dirname "$0")/.."

WARMUP=${WARMUP:-60}
DURATION=${DURATION:-20}
CHECKED=${CHECKED:-10000}
SERVER_CORE=${SERVER_CORE:-0}
CLIENT_CORE=${CLIENT_CORE:-1}
MODELS=${MODELS:-benchmarks/models}
DEMO=${DEMO:-models}
ECHO=${ECHO:-0}
HTTP_PORT=${HTTP_PORT:-18100} GRPC_PORT=${GRPC_PORT:-18101} METRICS_PORT=${METRICS_PORT:-18102} GATEWAY_PORT=${GATEWAY_PORT:-18103}
ECHO_HTTP_PORT=${ECHO_HTTP_PORT:-18110} ECHO_GRPC_PORT=${ECHO_GRPC_PORT:-18111}

commit=$(git describe --always --dirty 2> /dev/null || echo unknown)
results=${RESULTS:-.nereid/budgets-$commit-echo$ECHO}
work=${KEEP:-$(mktemp -d)}
server=
finish() {
  stop_server
  [ -n "${KEEP:-}" ] || rm -rf "$work"
}
trap finish EXIT

. benchmarks/measure.sh

# name | work | transport | model | in flight | NVIDIA's us | at most | goal
rows='
mlp-grpc-1     | MLP 64-128-128-10, gRPC, 1 in flight       | grpc | mlp   | 1     | 87  | 50  | 40
mlp-grpc-16    | MLP, gRPC, 16 in flight                    | grpc | mlp   | 16    | 27  | 15  | 12
mlp-grpc-64    | MLP, gRPC, 64 in flight                    | grpc | mlp   | 64    | 19  | 11  | 9
mlp-grpc-1000  | MLP, gRPC, 1,000 in flight                 | grpc | mlp   | 1000  | 22  | 13  | 10
mlp-grpc-10000 | MLP, gRPC, 10,000 in flight                | grpc | mlp   | 10000 | 38  | 18  | 12
mlp-http-1     | MLP, HTTP binary, 1 connection             | http | mlp   | 1     | 64  | 36  | 30
mlp-http-16    | MLP, HTTP binary, 16 connections           | http | mlp   | 16    | 42  | 22  | 18
mlp-http-64    | MLP, HTTP binary, 64 connections           | http | mlp   | 64    | 33  | 18  | 15
slice-grpc-16  | 602,112 B in, 40 B out, gRPC, 16 in flight | grpc | slice | 16    | 250 | 215 | 180
slice-http-16  | the same, HTTP binary, 16 connections      | http | slice | 16    | 395 | 175 | 150
echo-grpc-8    | 602,112 B echo, gRPC, 8 in flight          | grpc | echo  | 8     | 455 | 330 | 260
echo-http-8    | 602,112 B echo, HTTP binary, 8 connections | http | echo  | 8     | 700 | 245 | 200
'
others='resnet-json resnet-ceiling jpeg-tensor jpeg-boxes start memory'

if [ "${1:-}" = --list ]; then
  awk -F'|' 'NF > 1 { gsub(/ /, "", $1); print $1 }' <<<"$rows"
  tr ' ' '\n' <<<"$others"
  exit
fi
chosen=("$@")

wanted() {
  [ ${#chosen[@]} -eq 0 ] && return 0
  local name
  for name in "${chosen[@]}"; do
    [[ $1 == "$name" || $1 == "$name"-* ]] && return 0
  done
  return 1
}

need h2load wrk curl taskset awk
mkdir -p "$work" "$results"
failed=0
./nereid version > /dev/null # builds what is missing, on all cores
print_heading

row_of_table() {
  start_server "$MODELS" "$model"
  check_content "$transport" "$model" "$in_flight"
  make_body "$transport" "$model"
  press "$transport" "$in_flight" "$WARMUP" > /dev/null
  cpu_per_request "$transport" "$in_flight"
  stop_server
  print_row "$work_done" "${nvidia// /}" "${most// /}" "${goal// /}" "$micros" "$transport" "$in_flight"
}

while IFS='|' read -r -u3 name work_done transport model in_flight nvidia most goal; do
  [ -n "${name// /}" ] || continue
  name=${name// /} transport=${transport// /} model=${model// /} in_flight=${in_flight// /}
  wanted "$name" || continue
  record "$name" row_of_table
done 3<<<"$rows"

for name in $others; do
  ! wanted "$name" || record "$name" "row_${name//-/_}"
done
[ "$failed" = 0 ]

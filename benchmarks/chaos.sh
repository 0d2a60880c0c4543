#!/usr/bin/env bash
# Starts the server on models that wait, throw and fail, ensembles of them, and pictures, and treats
# it badly over v2 gRPC, v2 HTTP and the gateway. Exit status 0 when it kept its promises: right
# replies to who behaves, no lease left open, flat memory.
#
#   benchmarks/chaos.sh [DURATION] [SEED]        10m and 1 by default
set -euo pipefail
cd "$(dirname "$0")/.."

DURATION=${1:-10m} SEED=${2:-1}
DEMO=${DEMO:-models}
PICTURE=${PICTURE:-samples/portrait.jpg}
GATEWAY_CALLERS=${GATEWAY_CALLERS:-4}
HTTP_PORT=${HTTP_PORT:-18100} GRPC_PORT=${GRPC_PORT:-18101}
METRICS_PORT=${METRICS_PORT:-18102} GATEWAY_PORT=${GATEWAY_PORT:-18103}
work=$(mktemp -d)
server=
trap 'stop_server; rm -rf "$work"' EXIT
SERVER_CORE=${SERVER_CORE:-0-$(($(nproc) - 1))} CLIENT_CORE=${CLIENT_CORE:-0-$(($(nproc) - 1))}
# A heap that has its full size from the start: what grows then is a leak.
export NEREID_JAVA_OPTS="${NEREID_JAVA_OPTS:-} -Xms384m -Xmx384m -XX:+AlwaysPreTouch"

. benchmarks/measure.sh

gateway=http://127.0.0.1:$GATEWAY_PORT

# embedding FILE [CURL OPTION]...: the answer's numbers, or its status when it is none.
embedding() {
  local file=$1
  shift
  curl -s -w '%{http_code}' --data-binary "@$file" -H 'content-type: image/jpeg' "$@" "$gateway/embed" |
    sed -n 's/.*"embedding":\(\[[^]]*\]\).*/\1/p; t; s/.*\([0-9][0-9][0-9]\)$/\1/p'
}

# expect WHAT GOT WANTED...: a violation when it is none of them.
expect() {
  local what=$1 got=$2 wanted
  shift 2
  for wanted in "$@"; do
    if [ "$got" = "$wanted" ]; then
      echo "$what: as expected" >> "$work/gateway.$BASHPID"
      return
    fi
  done
  echo "VIOLATION: gateway, $what: ${got:0:80} (expected: ${*:0:80})" >> "$work/gateway.$BASHPID"
}

# One caller of the gateway, for as long as the file "running" is there.
treat_gateway_badly() {
  RANDOM=$1
  while [ -e "$work/running" ]; do
    case $((RANDOM % 8)) in
      0 | 1 | 2) expect 'a picture' "$(embedding "$PICTURE")" "$right" ;;
      3) expect 'hardly any time' "$(embedding "$PICTURE" -H "X-Request-Timeout-Ms: $((1 + RANDOM % 8))")" 504 "$right" ;;
      4) expect 'a damaged picture' "$(embedding "$work/damaged.jpg")" 422 ;;
      5) expect 'no picture' "$(embedding benchmarks/chaos.sh)" 415 422 ;;
      6) curl -s -o /dev/null --max-time "0.00$((RANDOM % 10))" --data-binary "@$PICTURE" "$gateway/embed" || true ;;
      7) # Half a request.
        {
          printf 'POST /embed HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n'
          head -c $((RANDOM % 5000)) "$PICTURE"
        } 2> /dev/null > "/dev/tcp/127.0.0.1/$GATEWAY_PORT" || true ;;
    esac
  done
}

need curl taskset awk sed
mkdir "$work/models"
ln -s "$PWD"/benchmarks/chaos/models/* "$(realpath "$DEMO")"/embed* "$(realpath "$DEMO")"/shapes_embedder "$work/models/"
start_server "$work/models"
right=$(embedding "$PICTURE")
head -c 3000 "$PICTURE" > "$work/damaged.jpg"
case $right in \[*) ;; *) die "embed answered $right before anything was done to it" ;; esac

touch "$work/running"
for ((i = 0; i < GATEWAY_CALLERS; i++)); do treat_gateway_badly "$((SEED * 1000 + i))" & done
status=0
bench chaos -u "127.0.0.1:$HTTP_PORT" --grpc-url "127.0.0.1:$GRPC_PORT" \
  --metrics-url "http://127.0.0.1:$METRICS_PORT/metrics" -m steady,chain,fork \
  --failing-model throwing,failing,broken_chain,broken_fork -d "$DURATION" --seed "$SEED" &
chaos=$!
# They stop a little before the end, so that all is quiet when leases are counted.
case $DURATION in *m) seconds=$((${DURATION%m} * 60)) ;; *) seconds=${DURATION%s} ;; esac
sleep "$((seconds - 1))"
rm "$work/running"
wait "$chaos" || status=$?
cat "$work"/gateway.* | sort | uniq -c | sed 's/^/gateway /'
! grep -q VIOLATION "$work"/gateway.* || status=1
exit $status

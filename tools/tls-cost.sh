#!/usr/bin/env bash
# What TLS costs: the same requests in plain text and over TLS, server on core 0, h2load on core 1, connections kept.
# Prints server CPU per request for both. Usage: tools/tls-cost.sh [SECONDS]   Needs openssl, h2load, taskset.
set -euo pipefail
seconds=${1:-30}
home=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost -keyout "$work/key" -out "$work/crt" 2>/dev/null
mkdir -p "$work/models/echo/1"
cat >"$work/models/echo/config.pbtxt" <<'MODEL'
backend: "identity"
max_batch_size: 0
input { name: "x" data_type: TYPE_FP32 dims: [ -1 ] }
output { name: "y" data_type: TYPE_FP32 dims: [ -1 ] }
MODEL
floats() { # COUNT: a binary request of so many floats; prints the length of its JSON text
  local json
  json='{"inputs":[{"name":"x","datatype":"FP32","shape":['$1'],"parameters":{"binary_data_size":'$((4 * $1))'}}],"parameters":{"binary_data_output":true}}'
  printf %s "$json" >"$work/body"
  head -c $((4 * $1)) /dev/zero >>"$work/body"
  printf %s "${#json}"
}
ticks() { awk '{print $14 + $15}' "/proc/$server/stat"; }
run() { # SCHEME FLAGS...
  local scheme=$1 port=18143
  shift
  taskset -c 0 "$home/nereid" serve --model-repository="$work/models" --http-port=$port --allow-grpc=false \
    --allow-metrics=false --allow-gateway=false --access-log=off "$@" >"$work/log" 2>&1 &
  server=$!
  until curl -fsk "$scheme://localhost:$port/v2/health/ready" >/dev/null 2>&1; do sleep 0.2; done
  for count in 16 150528; do
    local text before after done
    text=$(floats $count)
    for phase in warm measured; do
      before=$(ticks)
      done=$(taskset -c 1 h2load --h1 -c 8 -D "$seconds" -d "$work/body" \
        -H "inference-header-content-length: $text" "$scheme://localhost:$port/v2/models/echo/infer" |
        awk '/^requests:/ {print $8}')
      after=$(ticks)
    done
    echo "$scheme, $((4 * count)) bytes: $(((after - before) * 1000000 / $(getconf CLK_TCK) / done)) us of CPU per request"
  done
  kill "$server"
  wait "$server" || true
}
run http
run https --http-use-ssl=true --http-server-cert="$work/crt" --http-server-key="$work/key"

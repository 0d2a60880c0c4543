#!/usr/bin/env bash
# What the extras cost, as server CPU per request beside that of the same request without them, taken
# in one run and in turn, so that a busy machine weighs on both alike:
#
#   cache      an answer from the response cache instead of one that is executed
#   ensemble   an ensemble of one step over the model alone: what each further step costs
#   tls        TLS over plain text, HTTP and gRPC
#
#   benchmarks/costs.sh [NAME...]                all of them by default, in under five minutes
#
# Each request is checked for content first. Needs h2load, wrk, openssl (Debian: apt-get install
# nghttp2-client wrk openssl) and curl, and two cores that do nothing else. Settings, from the environment:
#
#   ROUNDS=2 WARMUP=4 DURATION=3       seconds of each measurement; the best round counts. Before the
#                                      first there is one that does not, with so many seconds for each
#   CHECKED=200                        replies that are compared with that to the same request alone
#   MODELS=benchmarks/models           with mlp and slice (602,112 bytes in, 40 out)
#   SERVER_CORE=0 CLIENT_CORE=1
#   BASE_PORT=18140                    and the five after it
set -euo pipefail
cd "$(dirname "$0")/.."

ROUNDS=${ROUNDS:-2} WARMUP=${WARMUP:-4} DURATION=${DURATION:-3} CHECKED=${CHECKED:-200}
MODELS=${MODELS:-benchmarks/models}
SERVER_CORE=${SERVER_CORE:-0} CLIENT_CORE=${CLIENT_CORE:-1}
BASE_PORT=${BASE_PORT:-18140}
IN_FLIGHT=16
work=$(mktemp -d)
server=
declare -A java=() least=()

. benchmarks/measure.sh
. benchmarks/processes.sh

trap finish EXIT

# repository: each model as it is, with a cache, and behind an ensemble that does nothing else.
make_repository() {
  local model dims
  for model in mlp slice; do
    [ -d "$MODELS/$model" ] || die "$MODELS/$model: no such model"
    mkdir -p "$work/models/${model}_cached" "$work/models/${model}_step/1"
    ln -s "$(realpath "$MODELS/$model")" "$work/models/$model"
    ln -s "$(realpath "$MODELS/$model")/1" "$work/models/${model}_cached/1"
    {
      sed "s/^name:.*/name: \"${model}_cached\"/" "$MODELS/$model/config.pbtxt"
      echo 'response_cache { enable: true }'
    } > "$work/models/${model}_cached/config.pbtxt"
    dims=$(sed -n 's/^ *dims: *\[ *\([0-9]*\) *\].*/\1/p' "$MODELS/$model/config.pbtxt" | tr '\n' ' ')
    cat > "$work/models/${model}_step/config.pbtxt" << CONFIG
platform: "ensemble"
max_batch_size: $(sed -n 's/^max_batch_size: *//p' "$MODELS/$model/config.pbtxt")
input [{ name: "x" data_type: TYPE_FP32 dims: [${dims%% *}] }]
output [{ name: "y" data_type: TYPE_FP32 dims: [$(echo "$dims" | cut -d' ' -f2)] }]
ensemble_scheduling {
  step [
    {
      model_name: "$model"
      model_version: -1
      input_map { key: "x" value: "x" }
      output_map { key: "y" value: "y" }
    }
  ]
}
CONFIG
  done
}

# A certificate on a curve, as docs/security.md has it.
make_certificate() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$work/key" -out "$work/crt" 2> /dev/null
}

# start_one NAME PORT FLAG...: a server of all models on that port and the next two.
start_one() {
  local name=$1 port=$2
  shift 2
  start "$name" serve --model-repository="$work/models" --cache-config=local,size=67108864 --allow-gateway=false \
    --http-port="$port" --grpc-port=$((port + 1)) --metrics-port=$((port + 2)) "$@"
}

# over NAME: what follows goes to that server.
over() {
  local port=$BASE_PORT
  SCHEME=http
  [ "$1" = plain ] || port=$((BASE_PORT + 3))
  [ "$1" = plain ] || SCHEME=https
  HTTP_PORT=$port GRPC_PORT=$((port + 1)) METRICS_PORT=$((port + 2))
  server_java=${java[$1]}
}

# use_body MODEL TRANSPORT: as press wants it; made, and its replies checked, when it is first used.
use_body() {
  local kept=$work/body-$1-$2
  if [ ! -f "$kept" ]; then
    over plain
    rm -f "$work/body" "$work/body.lua"
    check_content "$2" "$1" $IN_FLIGHT
    make_body "$2" "$1"
    mv "$work/body" "$kept"
    [ ! -f "$work/body.lua" ] || sed "s:$work/body:$kept:" "$work/body.lua" > "$kept.lua"
  fi
  ln -sf "$kept" "$work/body"
  ln -sf "$kept.lua" "$work/body.lua"
}

# measure MODEL TRANSPORT SERVER ROUND: the least over the rounds goes to $least; round 0 is for warming up.
measure() {
  local key="$1 $2 $3"
  use_body "$1" "$2"
  over "$3"
  if [ "$4" = 0 ]; then
    say "warming up: $1 over $2, $3"
    press "$2" $IN_FLIGHT "$WARMUP" > /dev/null
    return
  fi
  press "$2" $IN_FLIGHT 1 > /dev/null
  cpu_per_request "$2" $IN_FLIGHT
  say "round $4 of $ROUNDS: $1 over $2, $3: $micros us"
  least[$key]=$(awk "BEGIN { print ($micros < ${least[$key]:-1e9}) ? $micros : ${least[$key]:-1e9} }")
}

# row WORK BASE_KEY EXTRA_KEY
row() {
  awk -v work="$1" -v base="${least[$2]}" -v extra="${least[$3]}" 'BEGIN {
    printf "| %s | %.2f | %.2f | %.2f | %+.2f |\n", work, base, extra, extra / base, extra - base }'
}

has() {
  [[ " $wanted " == *" $1 "* ]]
}

wanted=${*:-cache ensemble tls}
for name in $wanted; do
  case $name in
    cache | ensemble | tls) ;;
    *) die "$name: no such cost (expected: cache, ensemble or tls)" ;;
  esac
done
need h2load wrk openssl curl taskset awk sed
make_repository
make_certificate
start_one plain "$BASE_PORT"
if has tls; then
  start_one tls $((BASE_PORT + 3)) --http-use-ssl=true --grpc-use-ssl=true --grpc-server-cert="$work/crt" \
    --grpc-server-key="$work/key"
fi

for ((round = 0; round <= ROUNDS; round++)); do
  for transport in grpc http; do
    for model in mlp slice; do
      measure $model $transport plain $round
      if has cache; then measure ${model}_cached $transport plain $round; fi
      if has ensemble; then measure ${model}_step $transport plain $round; fi
      if has tls; then measure $model $transport tls $round; fi
    done
  done
done

machine "$IN_FLIGHT in flight, best of $ROUNDS rounds of ${DURATION} s, no access log."
echo
echo '| work | us of CPU without | with | ratio | difference |'
echo '|---|---|---|---|---|'
for transport in grpc http; do
  for model in mlp slice; do
    base="$model $transport plain"
    if has cache; then row "$model over $transport, from the cache" "$base" "${model}_cached $transport plain"; fi
    if has ensemble; then row "$model over $transport, through an ensemble" "$base" "${model}_step $transport plain"; fi
    if has tls; then row "$model over $transport, TLS" "$base" "$model $transport tls"; fi
  done
done

#!/usr/bin/env bash
# What the extras cost, as server CPU per request beside that of the same request without them, both
# taken in one run and in turn, so that a busy machine weighs on both alike:
#
#   cache      an answer from the response cache over one that is executed
#   ensemble   an ensemble of one step over the model alone: what each further step costs
#   tls        TLS over plain text, HTTP and gRPC
#
#   benchmarks/costs.sh [NAME...]                all of them by default
#
# Needs h2load, wrk, openssl (Debian: apt-get install nghttp2-client wrk openssl) and curl, and two
# cores that do nothing else. Settings, from the environment:
#
#   ROUNDS=3 WARMUP=20 DURATION=10     seconds before and of each measurement; the best round counts
#   MODELS=benchmarks/models           with mlp and slice (602,112 bytes in, 40 out)
#   SERVER_CORE=0 CLIENT_CORE=1
set -euo pipefail
cd "$(dirname "$0")/.."

ROUNDS=${ROUNDS:-3} WARMUP=${WARMUP:-20} DURATION=${DURATION:-10} CHECKED=${CHECKED:-2000}
MODELS=${MODELS:-benchmarks/models}
SERVER_CORE=${SERVER_CORE:-0} CLIENT_CORE=${CLIENT_CORE:-1}
HTTP_PORT=${HTTP_PORT:-18100} GRPC_PORT=${GRPC_PORT:-18101}
METRICS_PORT=${METRICS_PORT:-18102} GATEWAY_PORT=${GATEWAY_PORT:-18103}
SCHEME=http
work=$(mktemp -d)
server=
trap 'stop_server; rm -rf "$work"' EXIT

. benchmarks/measure.sh

plain_models() {
  mkdir -p "$work/plain"
  local model
  for model in mlp slice; do
    [ -d "$MODELS/$model" ] || die "$MODELS/$model: no such model"
    ln -sfn "$(realpath "$MODELS/$model")" "$work/plain/$model"
  done
}

# The same models, whose answers may be kept.
cached_models() {
  local model
  for model in mlp slice; do
    mkdir -p "$work/cached/$model"
    ln -sfn "$(realpath "$MODELS/$model")"/1 "$work/cached/$model/1"
    { cat "$MODELS/$model/config.pbtxt"; echo 'response_cache { enable: true }'; } > "$work/cached/$model/config.pbtxt"
  done
}

# An ensemble in front of each model, which does nothing else.
ensemble_models() {
  local model dims
  for model in mlp slice; do
    dims=$(sed -n 's/^ *dims: *\[ *\([0-9]*\) *\].*/\1/p' "$MODELS/$model/config.pbtxt" | tr '\n' ' ')
    mkdir -p "$work/ensembles/${model}_step/1"
    ln -sfn "$(realpath "$MODELS/$model")" "$work/ensembles/$model"
    cat > "$work/ensembles/${model}_step/config.pbtxt" << CONFIG
platform: "ensemble"
max_batch_size: $(sed -n 's/^max_batch_size: *//p' "$MODELS/$model/config.pbtxt")
input { name: "x" data_type: TYPE_FP32 dims: ${dims%% *} }
output { name: "y" data_type: TYPE_FP32 dims: $(echo "$dims" | cut -d' ' -f2) }
ensemble_scheduling {
  step {
    model_name: "$model"
    input_map { key: "x" value: "x" }
    output_map { key: "y" value: "y" }
  }
}
CONFIG
  done
}

certificate() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$work/key" -out "$work/crt" 2> /dev/null
}

# measure REPOSITORY MODEL TRANSPORT IN_FLIGHT: into $micros. The body is made in plain text.
measure() {
  local flags=(${serve_flags[@]+"${serve_flags[@]}"}) scheme=$SCHEME
  if [ "$scheme" = https ]; then
    SCHEME=http serve_flags=()
    start_server "$1"
    make_body "$3" "$2"
    stop_server
    SCHEME=$scheme serve_flags=("${flags[@]}")
    start_server "$1"
  else
    start_server "$1"
    check_content "$3" "$2" "$4"
    make_body "$3" "$2"
  fi
  press "$3" "$4" "$WARMUP" > /dev/null
  cpu_per_request "$3" "$4"
  stop_server
}

# compare WORK MODEL WITH_REPOSITORY WITH_MODEL TRANSPORT IN_FLIGHT FLAG...
compare() {
  local work_name=$1 model=$2 repository=$3 with=$4 transport=$5 in_flight=$6 round base= extra= scheme=http
  shift 6
  [[ $work_name != TLS* ]] || scheme=https
  for ((round = 0; round < ROUNDS; round++)); do
    SCHEME=http serve_flags=()
    measure "$work/plain" "$model" "$transport" "$in_flight"
    base=$(least "$base" "$micros")
    SCHEME=$scheme serve_flags=("$@")
    measure "$work/$repository" "$with" "$transport" "$in_flight"
    extra=$(least "$extra" "$micros")
  done
  SCHEME=http serve_flags=()
  awk -v work="$work_name, $model, $transport, $in_flight in flight" -v base="$base" -v extra="$extra" 'BEGIN {
    printf "| %s | %s | %s | %.2f | %+.2f |\n", work, base, extra, extra / base, extra - base }'
}

least() {
  [ -n "$1" ] && awk "BEGIN { print ($1 < $2) ? $1 : $2 }" || echo "$2"
}

cost_cache() {
  local transport
  cached_models
  for transport in grpc http; do
    compare 'from the cache' mlp cached mlp $transport 16 --cache-config=local,size=67108864
    compare 'from the cache' slice cached slice $transport 16 --cache-config=local,size=67108864
  done
}

cost_ensemble() {
  local transport
  ensemble_models
  for transport in grpc http; do
    compare 'through an ensemble' mlp ensembles mlp_step $transport 16
    compare 'through an ensemble' slice ensembles slice_step $transport 16
  done
}

cost_tls() {
  certificate
  local flags=("--grpc-server-cert=$work/crt" "--grpc-server-key=$work/key")
  compare 'TLS' mlp plain mlp http 16 --http-use-ssl=true "${flags[@]}"
  compare 'TLS' slice plain slice http 16 --http-use-ssl=true "${flags[@]}"
  compare 'TLS' mlp plain mlp grpc 16 --http-use-ssl=true --grpc-use-ssl=true "${flags[@]}"
  compare 'TLS' slice plain slice grpc 16 --http-use-ssl=true --grpc-use-ssl=true "${flags[@]}"
}

need h2load wrk openssl curl taskset awk sed
plain_models
echo "Machine: $(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo), $(nproc) cores, $(uname -sr);" \
  "date: $(date -u +%F); commit: $(git describe --always --dirty 2> /dev/null || echo unknown);" \
  "best of $ROUNDS, warm-up ${WARMUP} s, measured ${DURATION} s."
echo
echo '| work | us of CPU without | with | ratio | difference |'
echo '|---|---|---|---|---|'
for name in "${@:-cache ensemble tls}"; do
  for one in $name; do
    case $one in
      cache | ensemble | tls) "cost_$one" ;;
      *) die "$one: no such cost (expected: cache, ensemble or tls)" ;;
    esac
  done
done

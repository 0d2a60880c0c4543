#!/usr/bin/env bash
# What changes of a serving server cost those it serves: a constant load of 200 requests a second
# (an open loop: latency counts from the intended start) over gRPC, undisturbed, and again while the
# model is loaded anew 50 times, gets 20 new versions, and the certificate of the HTTP port, which
# takes the calls for that, changes 10 times. Prints both p99 and their ratio, and whether any request failed or was wrong.
#
#   benchmarks/changes-under-load.sh             in under four minutes
#
# Needs curl, openssl, awk, and two cores that do nothing else. Settings, from the environment:
#
#   SECONDS_EACH=80           of each of the two measurements
#   RATE=200 RELOADS=50 VERSIONS=20 CERTIFICATES=10
#   MODEL=simple MODELS=models   two INT32 inputs of 16: what `bench` sends is checked against a run alone
#   SERVER_CORE=0 CLIENT_CORE=1
set -euo pipefail
cd "$(dirname "$0")/.."

SECONDS_EACH=${SECONDS_EACH:-80} RATE=${RATE:-200}
RELOADS=${RELOADS:-50} VERSIONS=${VERSIONS:-20} CERTIFICATES=${CERTIFICATES:-10}
MODEL=${MODEL:-simple} MODELS=${MODELS:-models}
SERVER_CORE=${SERVER_CORE:-0} CLIENT_CORE=${CLIENT_CORE:-1}
HTTP_PORT=${HTTP_PORT:-18100} GRPC_PORT=${GRPC_PORT:-18101}
METRICS_PORT=${METRICS_PORT:-18102} GATEWAY_PORT=${GATEWAY_PORT:-18103}
SCHEME=https
work=$(mktemp -d)
server= load=

. benchmarks/measure.sh
. benchmarks/processes.sh

trap 'kill $load 2> /dev/null || true; stop_server; rm -rf "$work"' EXIT

# Both files are written beside and moved into place, as a certificate manager does it.
certificate() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=change $1" \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$work/key.new" -out "$work/crt.new" 2> /dev/null
  mv "$work/key.new" "$work/key"
  mv "$work/crt.new" "$work/crt"
}

# The subject of the certificate that the HTTP port shows.
shown() {
  echo | openssl s_client -connect "127.0.0.1:$HTTP_PORT" 2> /dev/null | sed -n 's/^subject=CN *= *//p'
}

load_model() {
  curl -skf -X POST "https://127.0.0.1:$HTTP_PORT/v2/repository/models/$MODEL/load" ||
    die "the model could not be loaded anew"
}

# The load goes on over gRPC, in one process; HTTP's port is the one that changes its certificate.
press_steadily() {
  bench -u "127.0.0.1:$GRPC_PORT" -i grpc -m "$MODEL" -r "$RATE" --arrivals constant -w 10s -d "${SECONDS_EACH}s" \
    --inputs 16 --verify -q --metrics-url "http://127.0.0.1:$METRICS_PORT/metrics" --json "$work/$1.json" \
    > "$work/$1.txt" 2>&1
}

# order: the changes, one a line, each kind spread evenly over the whole.
order() {
  awk -v reload="$RELOADS" -v version="$VERSIONS" -v certificate="$CERTIFICATES" 'BEGIN {
    wanted["reload"] = reload; wanted["version"] = version; wanted["certificate"] = certificate
    all = reload + version + certificate
    for (i = 1; i <= all; i++) {
      next_one = ""
      for (kind in wanted) {
        behind = wanted[kind] * i / all - done[kind]
        if (next_one == "" || behind > most) { next_one = kind; most = behind }
      }
      done[next_one]++
      print next_one
    }
  }'
}

# Makes the changes, spread over the time of the measurement.
change() {
  local all=$((RELOADS + VERSIONS + CERTIFICATES)) i=0 version=1 certificates=0 kind begun
  begun=$(date +%s%N)
  while read -r kind; do
    case $kind in
      certificate)
        certificates=$((certificates + 1))
        certificate "$certificates"
        ;;
      version)
        version=$((version + 1))
        cp -r "$work/repository/$MODEL/1" "$work/repository/$MODEL/.staged"
        mv "$work/repository/$MODEL/.staged" "$work/repository/$MODEL/$version"
        load_model
        ;;
      reload)
        # Another configuration each time, so that the version is opened anew.
        { cat "$work/config.pbtxt"; echo "parameters { key: \"change\" value { string_value: \"$i\" } }"; } \
          > "$work/repository/$MODEL/config.new"
        mv "$work/repository/$MODEL/config.new" "$work/repository/$MODEL/config.pbtxt"
        load_model
        ;;
    esac
    i=$((i + 1))
    [ $((i % 10)) != 0 ] || say "$i of $all changes made"
    pause "$begun" "$i" "$all"
  done < <(order)
  [ "$(shown)" = "change $certificates" ] || sleep 4
  [ "$(shown)" = "change $certificates" ] || die "the port shows '$(shown)' (expected: change $certificates)"
}

# pause BEGUN MADE ALL: until the next change is due.
pause() {
  local due=$(($1 + $2 * SECONDS_EACH * 1000000000 / $3)) now
  now=$(date +%s%N)
  [ "$now" -ge "$due" ] || sleep "$(awk "BEGIN { print ($due - $now) / 1e9 }")"
}

need curl openssl awk taskset
mkdir -p "$work/repository"
cp -r "$MODELS/$MODEL" "$work/repository/"
cp "$work/repository/$MODEL/config.pbtxt" "$work/config.pbtxt"
certificate 0
serve_flags=(--model-control-mode=explicit "--load-model=$MODEL" --http-use-ssl=true
  "--http-server-cert=$work/crt" "--http-server-key=$work/key")
start_server "$work/repository"

say "undisturbed, $((SECONDS_EACH + 10)) s"
press_steadily undisturbed || die "$(cat "$work/undisturbed.txt")"
say "disturbed, $((SECONDS_EACH + 10)) s"
press_steadily disturbed &
load=$!
sleep 10
change
wait "$load" || die "$(cat "$work/disturbed.txt")"
load=

machine "$RATE requests/s of $MODEL over gRPC, ${SECONDS_EACH} s each; loaded anew $RELOADS times," \
  "$VERSIONS new versions, $CERTIFICATES new certificates; every reply compared with that to the same request alone."
echo
echo '| | answered | failed or wrong | p50 | p99 | max |'
echo '|---|---|---|---|---|---|'
for run in undisturbed disturbed; do
  file=$work/$run.json
  echo "| $run | $(counted "$file" completed) | $(counted "$file" failed) |" \
    "$(millis "$(latency "$file" p50)") | $(millis "$(latency "$file" p99)") | $(millis "$(latency "$file" max)") |"
done
awk -v a="$(latency "$work/undisturbed.json" p99)" -v b="$(latency "$work/disturbed.json" p99)" \
  'BEGIN { printf "\np99 disturbed over undisturbed: %.2f (the bar is 2)\n", b / a }'

#!/usr/bin/env bash
# What changes of a serving server cost those it serves: a constant load of 200 requests a second
# (open loops: latency counts from the intended start), undisturbed, and again while the model is
# loaded anew 50 times, gets 20 new versions, and the certificate of both ports changes 10 times. All
# of it goes over TLS: of 200 requests 85 over gRPC and 85 over HTTP on connections that last, and 15
# of each on a new connection for each request. Prints p99 of each, their ratios, and whether any
# request failed or was wrong.
#
#   benchmarks/changes-under-load.sh             in under four minutes
#
# Needs curl, openssl, awk, and two cores that do nothing else. Settings, from the environment:
#
#   SECONDS_EACH=80           of each of the two measurements
#   RATE=200 RELOADS=50 VERSIONS=20 CERTIFICATES=10   a RATE that 40 divides
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

# Who signs the certificates, and is trusted by the load.
authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=authority" \
    -keyout "$work/root.key" -out "$work/root.crt" 2> /dev/null
  printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' > "$work/names"
}

# Both files are written beside and moved into place, as a certificate manager does it.
certificate() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=change $1" \
    -keyout "$work/key.new" -out "$work/request" 2> /dev/null
  openssl x509 -req -in "$work/request" -CA "$work/root.crt" -CAkey "$work/root.key" -set_serial "$((1000 + $1))" \
    -days 2 -extfile "$work/names" -out "$work/crt.new" 2> /dev/null
  mv "$work/key.new" "$work/key"
  mv "$work/crt.new" "$work/crt"
}

# shown PORT: the subject of the certificate that it shows.
shown() {
  echo | openssl s_client -connect "127.0.0.1:$1" 2> /dev/null | sed -n 's/^subject=CN *= *//p'
}

# await_shown NUMBER: until both ports show that certificate.
await_shown() {
  local port i
  for port in "$HTTP_PORT" "$GRPC_PORT"; do
    for ((i = 0; i < 20; i++)); do
      [ "$(shown "$port")" != "change $1" ] || continue 2
      sleep 0.25
    done
    die "port $port shows '$(shown "$port")' (expected: change $1)"
  done
}

load_model() {
  curl -skf -X POST "https://127.0.0.1:$HTTP_PORT/v2/repository/models/$MODEL/load" ||
    die "the model could not be loaded anew"
}

# press_one RUN NAME PROTOCOL PORT RATE CHANNELS
press_one() {
  bench -u "127.0.0.1:$4" -i "$3" -m "$MODEL" -r "$5" --arrivals constant -w 10s -d "${SECONDS_EACH}s" \
    --channels "$6" --root-cert "$work/root.crt" --inputs 16 --verify -q \
    --metrics-url "http://127.0.0.1:$METRICS_PORT/metrics" --json "$work/$1-$2.json" > "$work/$1-$2.txt" 2>&1
}

# press_steadily RUN: everyone at once; fails when one of them does.
press_steadily() {
  local each=() one failed=0
  press_one "$1" grpc grpc "$GRPC_PORT" $((RATE * 17 / 40)) 1 & each+=($!)
  press_one "$1" http http "$HTTP_PORT" $((RATE * 17 / 40)) 4 & each+=($!)
  press_one "$1" grpc-fresh grpc "$GRPC_PORT" $((RATE * 3 / 40)) per-call & each+=($!)
  press_one "$1" http-fresh http "$HTTP_PORT" $((RATE * 3 / 40)) per-call & each+=($!)
  trap 'kill "${each[@]}" 2> /dev/null || true' TERM
  for one in "${each[@]}"; do wait "$one" || failed=1; done
  return $failed
}

# told RUN: what those said who pressed.
told() {
  tail -n 5 "$work/$1"-*.txt
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
  await_shown "$certificates"
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
authority
certificate 0
serve_flags=(--model-control-mode=explicit "--load-model=$MODEL" --http-use-ssl=true --grpc-use-ssl=true
  "--grpc-server-cert=$work/crt" "--grpc-server-key=$work/key")
start_server "$work/repository"

say "undisturbed, $((SECONDS_EACH + 10)) s"
press_steadily undisturbed || die "$(told undisturbed)"
say "disturbed, $((SECONDS_EACH + 10)) s"
press_steadily disturbed &
load=$!
sleep 10
change
wait "$load" || die "$(told disturbed)"
load=

machine "$RATE requests/s of $MODEL over gRPC and HTTP in TLS, ${SECONDS_EACH} s each; loaded anew $RELOADS times," \
  "$VERSIONS new versions, $CERTIFICATES new certificates of both ports; every reply compared with that to the same" \
  "request alone."
echo
echo '| connections | | answered | failed or wrong | p50 | p99 | max | p99 disturbed over undisturbed (the bar is 2) |'
echo '|---|---|---|---|---|---|---|---|'
for name in grpc http grpc-fresh http-fresh; do
  for run in undisturbed disturbed; do
    file=$work/$run-$name.json
    ratio=
    [ $run = undisturbed ] || ratio=$(awk -v a="$(latency "$work/undisturbed-$name.json" p99)" \
      -v b="$(latency "$file" p99)" 'BEGIN { if (a > 0 && b > 0) printf "%.2f", b / a; else print "-" }')
    echo "| $name | $run | $(counted "$file" completed) | $(counted "$file" failed) |" \
      "$(millis "$(latency "$file" p50)") | $(millis "$(latency "$file" p99)") | $(millis "$(latency "$file" max)") |" \
      "$ratio |"
  done
done

# Functions of the scripts beside it: starting, pressing and reading the server. Sourced, not run.

need() {
  local tool
  for tool in "$@"; do
    command -v "$tool" > /dev/null || {
      echo "$(basename "$0" .sh): $tool is missing (Debian: apt-get install nghttp2-client wrk curl util-linux)" >&2
      exit 1
    }
  done
}

say() {
  echo "$(basename "$0" .sh): $*" >&2
}

die() {
  say "$*"
  [ -f "$work/server.log" ] && tail -n 20 "$work/server.log" >&2
  exit 1
}

bench() {
  taskset -c "$CLIENT_CORE" ./nereid bench "$@"
}

# start_server REPOSITORY [MODEL...]: pinned, in its default configuration but for the array
# serve_flags; with models named, a repository of links to just those.
start_server() {
  local repository=$1
  shift
  if [ $# -gt 0 ]; then
    local chosen_models=$work/repository model
    rm -rf "$chosen_models"
    mkdir -p "$chosen_models"
    for model in "$@"; do
      [ -d "$repository/$model" ] || die "$repository/$model: no such model (tools/export_models.py makes it)"
      ln -s "$(realpath "$repository/$model")" "$chosen_models/$model"
    done
    repository=$chosen_models
  fi
  taskset -c "$SERVER_CORE" ./nereid serve --model-repository="$repository" --http-port=$HTTP_PORT \
    --grpc-port=$GRPC_PORT --metrics-port=$METRICS_PORT --gateway-port=$GATEWAY_PORT \
    --exit-grace-secs=0 ${serve_flags[@]+"${serve_flags[@]}"} > "$work/server.log" 2>&1 &
  server=$!
  await_ready "${SCHEME:-http}://127.0.0.1:$HTTP_PORT/v2/health/ready"
  server_java=$(java_of "$server")
}

await_ready() {
  local i
  for ((i = 0; i < 1200; i++)); do
    curl -skf -o /dev/null "$1" && return
    kill -0 "$server" 2> /dev/null || die "the server ended before it was ready"
    sleep 0.1
  done
  die "the server is not ready after two minutes"
}

stop_server() {
  [ -n "${server:-}" ] || return 0
  kill "$server" "${server_java:-$server}" 2> /dev/null || true
  wait "$server" 2> /dev/null || true
  server=
}

# The process of the JVM, which is the launcher's own or its child.
java_of() {
  if [ "$(cat "/proc/$1/comm")" = java ]; then
    echo "$1"
  else
    local child
    for child in $(cat /proc/"$1"/task/*/children); do
      java_of "$child" && return
    done
    return 1
  fi
}

# Microseconds of processor time a process has used, user and system.
cpu_micros() {
  awk -v tick="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); printf "%.0f\n", ($12 + $13) * 1e6 / tick }' "/proc/$1/stat"
}

# check_content TRANSPORT MODEL IN_FLIGHT: every reply equals the reply to the same request alone.
check_content() {
  local port=$GRPC_PORT
  [ "$1" = grpc ] || port=$HTTP_PORT
  bench -u "127.0.0.1:$port" -i "$1" -m "$2" -c "$3" -n "$CHECKED" -w 0s -d 10m --inputs 16 --verify -q \
    --metrics-url "http://127.0.0.1:$METRICS_PORT/metrics" > "$work/check.txt" ||
    die "wrong or failed replies: $(cat "$work/check.txt")"
}

# make_body TRANSPORT MODEL [ROWS]
make_body() {
  local port=$GRPC_PORT
  [ "$1" = grpc ] || port=$HTTP_PORT
  bench body -u "127.0.0.1:$port" -i "$1" -m "$2" -b "${3:-1}" --inputs 1 -o "$work/body"
}

# check_boxes IMAGE: every answer of the gateway to it has the same boxes.
check_boxes() {
  local i first= next
  for ((i = 0; i < 100; i++)); do
    next=$(curl -sf --data-binary "@$1" -H 'content-type: image/jpeg' "http://127.0.0.1:$GATEWAY_PORT/detect" |
      sed 's/.*"detections":\(\[.*\]\),"num_detections".*/\1/')
    [ -n "$first" ] || first=$next
    case $next in "[{"*) ;; *) die "no boxes: $next" ;; esac
    [ "$next" = "$first" ] || die "two answers to one picture: $first and $next"
  done
}

# press TRANSPORT IN_FLIGHT SECONDS [PORT]: prints how many requests were completed.
press() {
  local output=$work/press.txt
  case $1 in
    grpc)
      taskset -c "$CLIENT_CORE" h2load -c1 -t1 -m"$2" -D"$3" -w30 -W30 -d "$work/body" \
        -H 'content-type: application/grpc' -H 'te: trailers' \
        "${SCHEME:-http}://127.0.0.1:${4:-$GRPC_PORT}/inference.GRPCInferenceService/ModelInfer" > "$output" 2>&1 ||
        die "h2load: $(tail -n 3 "$output")"
      grep -q ' 0 failed, 0 errored, 0 timeout' "$output" || say "h2load: $(grep '^requests:' "$output")"
      awk '/^requests:/ { for (i = 2; i < NF; i++) if ($(i + 1) == "succeeded,") print $i }' "$output"
      ;;
    *)
      taskset -c "$CLIENT_CORE" wrk -t1 -c"$2" -d"$3"s --timeout 30s -s "$work/body.lua" \
        "${SCHEME:-http}://127.0.0.1:${4:-$HTTP_PORT}" > "$output" 2>&1 || die "wrk: $(tail -n 3 "$output")"
      ! grep -q 'Non-2xx' "$output" || die "wrk: $(grep 'Non-2xx' "$output")"
      awk '/requests in/ { print $1 }' "$output"
      ;;
  esac
}

# cpu_per_request TRANSPORT IN_FLIGHT [PORT]: into $micros, over $completed requests.
cpu_per_request() {
  local before after good
  good=$(inferences_done)
  before=$(cpu_micros "$server_java")
  completed=$(press "$1" "$2" "$DURATION" "${3:-}")
  after=$(cpu_micros "$server_java")
  [ "${completed:-0}" -gt 0 ] || die "no request was completed: $(cat "$work/press.txt")"
  # h2load takes every gRPC reply for a success, whatever its trailers say.
  good=$(($(inferences_done) - good))
  [ -n "${3:-}" ] || [ "$good" -ge "$completed" ] || die "$completed replies, but only $good inferences succeeded"
  micros=$(awk "BEGIN { printf \"%.2f\", ($after - $before) / $completed }")
}

# How many inferences the server has answered with success, over all models.
inferences_done() {
  { curl -sf "http://127.0.0.1:$METRICS_PORT/metrics" || true; } |
    awk '/^nv_inference_request_success\{/ { sum += $NF } END { printf "%.0f\n", sum }'
}

# bare_echo TRANSPORT IN_FLIGHT: what the transport costs with nothing behind it, into $micros.
bare_echo() {
  taskset -c "$SERVER_CORE" ./nereid bench echo-server --grpc-port=$ECHO_GRPC_PORT \
    --http-port=$ECHO_HTTP_PORT > "$work/server.log" 2>&1 &
  server=$!
  local port=$ECHO_GRPC_PORT i
  [ "$1" = grpc ] || port=$ECHO_HTTP_PORT
  for ((i = 0; i < 300; i++)); do
    grep -q '^echo: ' "$work/server.log" && break
    sleep 0.1
  done
  server_java=$(java_of "$server")
  press "$1" "$2" "$WARMUP" "$port" > /dev/null
  cpu_per_request "$1" "$2" "$port"
  stop_server
}

print_heading() {
  echo "Machine: $(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo), $(nproc) cores, $(uname -sr);" \
    "date: $(date -u +%F); commit: $(git describe --always --dirty 2> /dev/null || echo unknown);" \
    "warm-up ${WARMUP} s, measured ${DURATION} s, ${CHECKED} replies checked."
  echo
  if [ "$ECHO" = 1 ]; then
    echo '| work | NVIDIA | at most | goal | Nereid | ratio to NVIDIA | within | over a bare echo |'
    echo '|---|---|---|---|---|---|---|---|'
  else
    echo '| work | NVIDIA | at most | goal | Nereid | ratio to NVIDIA | within |'
    echo '|---|---|---|---|---|---|---|'
  fi
}

# record NAME COMMAND...: runs a row in a shell of its own, so that one that fails stops no other, and
# prints what it printed; one that is in the folder of results already is not measured again.
record() {
  local name=$1 file=$results/$1.md
  shift
  if [ -s "$file" ]; then
    say "$name: measured before, in $file"
  else
    say "$name: $(date -u +%T)"
    set +e
    (
      set -e
      trap stop_server EXIT
      "$@"
    ) > "$file.part"
    local status=$?
    set -e
    if [ "$status" = 0 ]; then
      mv "$file.part" "$file"
    else
      rm -f "$file.part"
      echo "| $name | - | - | - | not measured | - | - |$([ "$ECHO" = 1 ] && echo ' - |')"
      failed=$((failed + 1))
      return 0
    fi
  fi
  cat "$file"
}

# print_row WORK NVIDIA MOST GOAL MICROS [TRANSPORT IN_FLIGHT]
print_row() {
  local measured=$5 ratio verdict extra=
  ratio=$(awk "BEGIN { printf \"%.2f\", $measured / $2 }")
  verdict=$(verdict "$measured" "$3" "$4")
  if [ "$ECHO" = 1 ]; then
    bare_echo "$6" "$7"
    extra=" $(awk "BEGIN { printf \"%.2f\", $measured / $micros }") |"
  fi
  echo "| $(xargs <<<"$1") | $2 us | $3 us | $4 us | $measured us | $ratio | $verdict |$extra"
}

verdict() {
  awk "BEGIN { print ($1 <= $3) ? \"goal\" : ($1 <= $2) ? \"budget\" : \"MISSED\" }"
}

# print_other WORK NVIDIA MOST GOAL MEASURED VERDICT
print_other() {
  local extra=
  [ "$ECHO" = 1 ] && extra=' - |'
  echo "| $1 | $2 | $3 | $4 | $5 | - | $6 |$extra"
}

row_resnet_json() {
  start_server "$MODELS" resnet50
  local transport binary
  for transport in http http-json; do
    CHECKED=100 check_content "$transport" resnet50 1
    make_body "$transport" resnet50
    press "$transport" 1 "$WARMUP" > /dev/null
    cpu_per_request "$transport" 1
    [ $transport = http ] && binary=$micros
  done
  stop_server
  local cost
  cost=$(awk "BEGIN { printf \"%.2f\", ($micros - $binary) / 1000 }")
  print_other 'ResNet-50 input as JSON numbers, cost over the binary form' '7 ms' '3 ms' '2 ms' "$cost ms" \
    "$(verdict "$cost" 3 2)"
}

row_resnet_ceiling() {
  start_server "$MODELS" resnet50
  bench -u "127.0.0.1:$GRPC_PORT" -m resnet50 -c 8 -w "${WARMUP}s" -d "${DURATION}s" -q --json "$work/run.json" \
    --metrics-url "http://127.0.0.1:$METRICS_PORT/metrics" > "$work/check.txt"
  stop_server
  local share
  share=$(taskset -c "$SERVER_CORE" ./nereid bench engine -m "$MODELS/resnet50" -b 1,2,4,8 -d "${DURATION}s" \
    --against "$work/run.json" | tee -a "$work/engine.txt" | awk '/of the ceiling/ { print $(NF - 3) }')
  print_other 'ResNet-50, 8 in flight: images/s over bare ONNX Runtime' 0.95 0.97 0.99 "$share" \
    "$(awk "BEGIN { print ($share >= 0.99) ? \"goal\" : ($share >= 0.97) ? \"budget\" : \"MISSED\" }")"
}

# bare_micros MODEL: processor time of ONNX Runtime alone for an item, in a loop. The share of the core
# that the loop gets is counted, so that a busy machine does not look like a slow model.
bare_micros() {
  local process java before after
  taskset -c "$SERVER_CORE" ./nereid bench engine -m "$1" -d "${DURATION}s" > "$work/bare.txt" &
  process=$!
  sleep "$(awk "BEGIN { print $DURATION / 2 }")"
  java=$(java_of $process)
  before=$(cpu_micros "$java")
  sleep "$(awk "BEGIN { print $DURATION / 2 }")"
  after=$(cpu_micros "$java")
  wait $process
  awk -v share="$(awk "BEGIN { print ($after - $before) / ($DURATION * 5e5) }")" \
    '/items\/s/ { gsub(",", "", $7); print share * 1e6 / $7 }' "$work/bare.txt"
}

# The cost of a picture through /detect, less that of the bare detector.
row_jpeg_boxes() {
  local image=${IMAGE:-samples/scene.jpg} total bare cost
  start_server "$DEMO"
  check_boxes "$image"
  {
    echo 'wrk.method = "POST"'
    echo 'wrk.path = "/detect"'
    echo 'wrk.headers["Content-Type"] = "image/jpeg"'
    echo "local file = io.open(\"$image\", \"rb\")"
    echo 'wrk.body = file:read("*a")'
    echo 'file:close()'
  } > "$work/body.lua"
  press image 4 "$WARMUP" "$GATEWAY_PORT" > /dev/null
  cpu_per_request image 4 "$GATEWAY_PORT"
  total=$micros
  stop_server
  bare=$(bare_micros "$DEMO/shapes_detector")
  cost=$(awk "BEGIN { printf \"%.2f\", ($total - $bare) / 1000 }")
  print_other "JPEG ($(wc -c < "$image") bytes) over HTTP to boxes, CPU over the bare detector" '20-25 ms' '4 ms' \
    '2.5 ms' "$cost ms" "$(verdict "$cost" 4 2.5)"
}

# One picture of 640x480 to the detector's input, in one thread: a microbenchmark.
row_jpeg_tensor() {
  local micros
  micros=$(taskset -c "$SERVER_CORE" ./mvnw -B -q -Dquick -DskipTests -Pjmh \
    -Djmh.args='PreprocessBenchmark.preprocess -p file=scene.jpg' package -pl jmh -am 2>&1 |
    tee "$work/jmh.txt" | awk '/^PreprocessBenchmark.preprocess .* us\/op/ { print $5 }')
  [ -n "$micros" ] || die "no figure: $(tail -n 3 "$work/jmh.txt")"
  micros=$(awk "BEGIN { printf \"%.2f\", $micros / 1000 }")
  print_other '640x480 JPEG (60 KB) to a letterboxed 640x640 tensor, in process' '-' '1.6 ms' '1.3 ms' \
    "$micros ms" "$(verdict "$micros" 1.6 1.3)"
}

# seconds_to_ready REPOSITORY [MODEL...]: the median of five starts, after one that makes the caches.
seconds_to_ready() {
  start_server "$@"
  stop_server
  local i
  for i in 1 2 3 4 5; do
    local begun
    begun=$(date +%s%N)
    start_server "$@"
    awk "BEGIN { printf \"%.2f\n\", ($(date +%s%N) - $begun) / 1e9 }"
    stop_server
  done | sort -n | sed -n 3p
}

row_start() {
  local seconds
  seconds=$(seconds_to_ready "$MODELS" mlp slice echo)
  print_other 'ready after start, three tiny tensor models' '0.1 s' '0.6 s' '0.3 s' "$seconds s" "$(verdict "$seconds" 0.6 0.3)"
  seconds=$(seconds_to_ready "$DEMO")
  print_other 'ready after start, the demo repository' '-' '2 s' '1 s' "$seconds s" "$(verdict "$seconds" 2 1)"
}

# resident_megabytes REPOSITORY [MODEL...]: after ten idle seconds.
resident_megabytes() {
  start_server "$@"
  sleep 10
  awk '/^VmRSS:/ { printf "%.0f\n", $2 / 1000 }' "/proc/$server_java/status"
  stop_server
}

row_memory() {
  local megabytes
  megabytes=$(resident_megabytes "$MODELS" mlp slice echo)
  print_other 'resident memory, idle, three tiny tensor models' '49 MB' '180 MB' '120 MB' "$megabytes MB" \
    "$(verdict "$megabytes" 180 120)"
  megabytes=$(resident_megabytes "$DEMO")
  print_other 'resident memory, idle, the demo repository' '-' '400 MB' '250 MB' "$megabytes MB" \
    "$(verdict "$megabytes" 400 250)"
}

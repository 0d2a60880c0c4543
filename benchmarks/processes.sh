# Functions of the scripts that run several servers at once: starting them, and reading what they and
# the load tool say. Sourced after measure.sh, not run. Needs $work and an empty array java.

finish() {
  local process
  for process in "${java[@]}"; do
    kill -CONT "$process" 2> /dev/null || true
    kill "$process" 2> /dev/null || true
  done
  wait 2> /dev/null || true
  rm -rf "$work"
}

# start NAME ARGUMENT...: into java[NAME], when it says that it is ready.
start() {
  local name=$1 i
  shift
  rm -f "$work/$name.log"
  taskset -c "$SERVER_CORE" ./nereid "$@" --exit-grace-secs=0 --access-log=off > "$work/$name.log" 2>&1 &
  server=$!
  disown "$server"
  for ((i = 0; i < 1200; i++)); do
    grep -qs '^Ready after' "$work/$name.log" && break
    kill -0 "$server" 2> /dev/null || die "$name ended: $(tail -n 5 "$work/$name.log")"
    sleep 0.1
  done
  java[$name]=$(java_of "$server")
}

gone() {
  while kill -0 "$1" 2> /dev/null; do sleep 0.05; done
}

# stop NAME
stop() {
  kill "${java[$1]}"
  gone "${java[$1]}"
  unset "java[$1]"
}

# counted FILE completed|failed: of the counted time; what was never answered has failed.
counted() {
  awk '{ gsub(",", "") }
    $1 == "\"completed\"" { completed = $3 } $1 == "\"failed\"" { failed = $3 }
    $1 == "\"unanswered\"" { print name == "completed" ? completed : failed + $3; exit }' name="$2" "$1"
}

# latency FILE p50|p99|max: microseconds, or a dash where it is not given.
latency() {
  awk '{ gsub(",", "") } $1 == "\"latency\"" { inside = 1 }
    inside && $1 == "\"" name "\"" { print $3 == "null" ? "-" : $3; exit }' name="$2" "$1"
}

# millis MICROSECONDS
millis() {
  awk -v v="$1" 'BEGIN { if (v == "-") print v; else printf "%.1f ms\n", v / 1000 }'
}

machine() {
  echo "Machine: $(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo), $(nproc) cores, $(uname -sr);" \
    "date: $(date -u +%F); commit: $(git describe --always --dirty 2> /dev/null || echo unknown); $*"
}

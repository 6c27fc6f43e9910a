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

# Short names for what is done often. `just` lists them; `.ci/run` does what must hold.

# What the scripts in .ci build into, so that nothing is compiled twice.
export CARGO_TARGET_DIR := env("CARGO_TARGET_DIR", env("XDG_CACHE_HOME", env("HOME") / ".cache") / "alias/target")

_list:
    @just --list --unsorted

# The whole service on this machine, with a demo user and a demo client
dev *options:
    cargo run -- dev {{ options }}

# Every test, or those that cargo's arguments choose: just test -p alias-domain
test *arguments:
    .ci/test {{ arguments }}

# Packages of the field against a running service, or some: just matrix openid-client
matrix *clients:
    .ci/matrix {{ clients }}

# Products behind a running service, each as its page says, or some: just products oauth2-proxy
products *names:
    .ci/products {{ names }}

# The service beside what the machine can do: a table of ratios. just bench --json figures.json
bench *arguments:
    .ci/bench run {{ arguments }}

# Everything that must hold of a commit
ci:
    .ci/run

# Formats the code
fmt:
    cargo fmt --all

# What the compiler and clippy have against the code
lint:
    cargo clippy --workspace --all-targets --all-features -- -D warnings

# The documentation of the workspace, opened in a browser
doc:
    cargo doc --workspace --no-deps --open

# Licences and sources of what we depend on
deny:
    cargo deny --config .ci/deny.toml --all-features check bans licenses sources

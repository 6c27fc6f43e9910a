//! What stands for `dev` in a program that was built without it, as one that is deployed is: whoever
//! asks for it is told where it is.

use clap::Args;

use crate::{error::Error, global::Global};

#[derive(Args, Debug)]
pub(crate) struct Options {
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    ignored: Vec<String>,
}

/// Runs nothing.
///
/// # Errors
/// Always: it is not here.
pub(crate) async fn run(_: &Global, _: &Options) -> Result<(), Error> {
    Err(Error::Usage(
        "this program was built without `dev`, for it is for a developer's machine: run \
         `cargo run -- dev` in the sources, or build with --features dev",
    ))
}

//! Whether whoever sent a request is still there.
//!
//! A client that closes its connection is not told apart from one that has sent everything and waits:
//! actix-web goes on answering both. Work that is dear and has not begun is not worth that doubt.

use std::{future::pending, os::fd::RawFd, time::Duration};

use actix_web::{HttpRequest, rt::time::sleep};
use nix::{
    errno::Errno,
    sys::socket::{MsgFlags, recv},
};

/// Between two looks. Whoever is answered sooner is never looked at.
const EVERY: Duration = Duration::from_millis(250);

/// The socket of a connection, which is open as long as a request on it is being answered. It is among
/// what is known of the connection.
#[derive(Clone, Copy)]
pub(crate) struct Socket(pub(crate) RawFd);

/// Ends when the client has hung up.
pub(crate) async fn gone(request: &HttpRequest) {
    let Some(&Socket(socket)) = request.conn_data::<Socket>() else {
        return pending().await;
    };
    loop {
        sleep(EVERY).await;
        if has_hung_up(socket) {
            return;
        }
    }
}

/// Looks at what comes next from the client, and leaves it there.
fn has_hung_up(socket: RawFd) -> bool {
    let look = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
    match recv(socket, &mut [0], look) {
        Ok(length) => length == 0,
        Err(error) => !matches!(error, Errno::EAGAIN | Errno::EINTR),
    }
}

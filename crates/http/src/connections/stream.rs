//! The bytes of a connection, and their pace.

use std::{
    io,
    mem::MaybeUninit,
    os::fd::{AsRawFd, RawFd},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use actix_web::{rt::net::TcpStream, web::BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_openssl::SslStream;

use super::watch::Watch;

/// What a connection speaks below HTTP.
pub(super) enum Wire {
    Plain(TcpStream),
    Tls(Box<SslStream<TcpStream>>),
}

/// How many requests a connection may hand over at once, before others have their turn. With a body
/// that has no empty line in it, a request is one.
const TURN: usize = 4;

/// How many bytes are read ahead.
const AHEAD: usize = 4 * 1024;

/// A connection that is watched. While a request of it is answered, or an answer of it is not taken,
/// it hands over no other: what a peer has to wait for stays with the peer.
pub(crate) struct Watched {
    wire: Wire,
    watch: Rc<Watch>,
    /// What has been read and is not handed over yet.
    held: BytesMut,
    /// How many requests may be handed over still in this turn.
    left: usize,
    line: Line,
}

impl Watched {
    pub(super) fn new(wire: Wire, watch: Rc<Watch>) -> Self {
        Self {
            wire,
            watch,
            held: BytesMut::new(),
            left: TURN,
            line: Line::default(),
        }
    }

    pub(super) fn watch(&self) -> Rc<Watch> {
        Rc::clone(&self.watch)
    }

    pub(super) fn socket(&self) -> RawFd {
        match &self.wire {
            Wire::Plain(socket) => socket.as_raw_fd(),
            Wire::Tls(stream) => stream.get_ref().as_raw_fd(),
        }
    }

    /// Reads ahead, for whoever hangs up is to be noticed, and keeps what it reads.
    fn poll_hang_up(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.held.is_empty() {
            let mut ahead = [MaybeUninit::uninit(); AHEAD];
            let mut ahead = ReadBuf::uninit(&mut ahead);
            ready!(self.wire.poll_read(cx, &mut ahead))?;
            if ahead.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.held.extend_from_slice(ahead.filled());
        }
        self.watch.wait_to_read(cx.waker());
        Poll::Pending
    }

    /// Hands over what is held, or else what comes from the wire, up to the end of this turn.
    fn poll_turn(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.held.is_empty() {
            let start = buf.filled().len();
            ready!(self.wire.poll_read(cx, buf))?;
            let read = &buf.filled()[start..];
            let now = self.line.turn(read, &mut self.left);
            self.held.extend_from_slice(&read[now..]);
            buf.set_filled(start + now);
        } else {
            let fits = self.held.len().min(buf.remaining());
            let now = self.line.turn(&self.held[..fits], &mut self.left);
            buf.put_slice(&self.held.split_to(now));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.watch.is_blocked() {
            this.watch.wait_to_read(cx.waker());
            return Poll::Pending;
        }
        if this.watch.serving() {
            return this.poll_hang_up(cx);
        }
        if this.left == 0 {
            // Others first.
            this.left = TURN;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let Poll::Ready(read) = this.poll_turn(cx, buf) else {
            this.left = TURN;
            return Poll::Pending;
        };
        if buf.filled().len() > before {
            this.watch.read();
        }
        Poll::Ready(read)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = this.wire.poll_write(cx, bytes);
        match written {
            Poll::Ready(_) => this.watch.wrote(),
            Poll::Pending => this.watch.blocked(),
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = this.wire.poll_flush(cx);
        match flushed {
            Poll::Ready(_) => this.watch.flushed(),
            Poll::Pending => this.watch.blocked(),
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let shut = this.wire.poll_shutdown(cx);
        if shut.is_pending() {
            this.watch.blocked();
        }
        shut
    }
}

impl Wire {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_read(cx, buf),
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_shutdown(cx),
        }
    }
}

/// Finds the empty lines in what is handed over: where a head ends there is one.
#[derive(Default)]
struct Line {
    /// Whether the line has something in it so far.
    begun: bool,
}

impl Line {
    /// How many of these bytes are handed over in this turn, which ends after the last empty line
    /// that is left to it.
    fn turn(&mut self, bytes: &[u8], left: &mut usize) -> usize {
        let mut now = 0;
        for line in bytes.split_inclusive(|it| *it == b'\n') {
            now += line.len();
            let Some(content) = line.strip_suffix(b"\n") else {
                self.begun |= line != b"\r";
                break;
            };
            let begun = std::mem::take(&mut self.begun);
            if !begun && matches!(content, b"" | b"\r") {
                *left -= 1;
                if *left == 0 {
                    break;
                }
            }
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is handed over turn by turn, where bytes come in pieces of this length.
    fn turns(sent: &[u8], piece: usize) -> Vec<String> {
        let (mut line, mut left, mut turns) = (Line::default(), TURN, vec![String::new()]);
        for mut piece in sent.chunks(piece) {
            while !piece.is_empty() {
                let (now, later) = piece.split_at(line.turn(piece, &mut left));
                if let Some(turn) = turns.last_mut() {
                    turn.push_str(&String::from_utf8_lossy(now));
                }
                if left == 0 {
                    left = TURN;
                    turns.push(String::new());
                }
                piece = later;
            }
        }
        turns
    }

    #[test]
    fn a_turn_is_four_requests_however_they_come() {
        let crlf = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
        let lf = "GET / HTTP/1.1\nhost: a\n\n";
        for request in [crlf, lf] {
            let sent = request.repeat(TURN + 1);
            for piece in [1, 2, 3, 7, sent.len()] {
                let expected = [request.repeat(TURN), request.to_owned()];
                assert_eq!(turns(sent.as_bytes(), piece), expected, "{piece}");
            }
        }
    }

    #[test]
    fn a_body_belongs_to_the_turn_of_its_head() {
        let sent = "POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\na=b";
        assert_eq!(turns(sent.as_bytes(), 5), [sent]);
    }
}

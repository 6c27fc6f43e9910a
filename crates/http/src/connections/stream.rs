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

use super::{framing::Framing, watch::Watch};

/// What a connection speaks below HTTP.
pub(super) enum Wire {
    Plain(TcpStream),
    Tls(Box<SslStream<TcpStream>>),
}

/// How many bytes are read ahead.
const AHEAD: usize = 4 * 1024;

/// A connection that is watched. It hands over one request at a time, and the next one when that is
/// answered and the peer has taken the answer: what a peer has to wait for stays with the peer, others
/// have their turns between two, and nothing is there to be answered after an answer which ends the
/// connection (RFC 9112 9.6).
pub(crate) struct Watched {
    wire: Wire,
    watch: Rc<Watch>,
    /// What has been read and is not handed over yet.
    held: BytesMut,
    framing: Framing,
    /// How many answers there were when the last request had been handed over whole. Until there is
    /// one more, that request is waited for.
    waits_at: Option<u64>,
}

impl Watched {
    pub(super) fn new(wire: Wire, watch: Rc<Watch>) -> Self {
        Self {
            wire,
            watch,
            held: BytesMut::new(),
            framing: Framing::default(),
            waits_at: None,
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

    /// Hands over what is held, or else what comes from the wire, up to the end of a request.
    fn poll_request(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let ended = if self.held.is_empty() {
            let start = buf.filled().len();
            ready!(self.wire.poll_read(cx, buf))?;
            let read = &buf.filled()[start..];
            let (count, ended) = self.framing.take(read);
            self.held.extend_from_slice(&read[count..]);
            buf.set_filled(start + count);
            ended
        } else {
            let fits = self.held.len().min(buf.remaining());
            let (count, ended) = self.framing.take(&self.held[..fits]);
            buf.put_slice(&self.held.split_to(count));
            ended
        };
        if ended {
            self.waits_at = Some(self.watch.answers());
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
        if this.watch.serving() || this.waits_at == Some(this.watch.answers()) {
            return this.poll_hang_up(cx);
        }
        let before = buf.filled().len();
        let read = ready!(this.poll_request(cx, buf));
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

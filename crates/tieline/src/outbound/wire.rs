//! One connection as hyper sees it: the socket, and a bound on what the other side may send
//! before its answer's head is complete.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

/// The most that may arrive between a request and the end of its answer's head, in bytes.
/// hyper bounds each head by itself; this also bounds 1xx heads without end. It leaves room
/// for the part of the body that arrives together with the head.
const HEAD_ALLOWANCE: usize = 256 * 1024;

/// [`Line::head_left`] while the body is being read, which has its own bound.
const UNBOUNDED: usize = usize::MAX;

/// What is known about an open connection; shared between it and its exchanges.
#[derive(Debug)]
pub(super) struct Line {
    /// The address that was dialled.
    pub(super) peer: SocketAddr,
    /// How long it took to open.
    pub(super) opening: Opening,
    reported: AtomicBool,
    head_left: AtomicUsize,
    /// Whether it is HTTP/2, where many exchanges share it and HTTP/2 itself bounds heads and
    /// what comes unasked.
    multiplexed: bool,
}

/// How long the steps of opening a connection took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Opening {
    /// Resolving the name.
    pub dns: Duration,
    /// Connecting.
    pub connect: Duration,
    /// The TLS handshake; zero for plain HTTP.
    pub tls: Duration,
}

/// More arrived before the end of the answer's head than [`HEAD_ALLOWANCE`].
#[derive(Debug, thiserror::Error)]
#[error("more than {HEAD_ALLOWANCE} bytes came without the answer's head being complete")]
pub(super) struct EndlessHead;

impl Line {
    pub(super) fn new(peer: SocketAddr, opening: Opening, multiplexed: bool) -> Self {
        let allowance = if multiplexed {
            UNBOUNDED
        } else {
            HEAD_ALLOWANCE
        };
        Self {
            peer,
            opening,
            reported: AtomicBool::new(false),
            head_left: AtomicUsize::new(allowance),
            multiplexed,
        }
    }

    /// How long the connection took to open, for its first exchange only.
    pub(super) fn opened_for_this_exchange(&self) -> Option<Opening> {
        (!self.reported.load(Relaxed) && !self.reported.swap(true, Relaxed)).then_some(self.opening)
    }

    /// Says that the head is complete and only the body follows.
    pub(super) fn head_is_complete(&self) {
        self.head_left.store(UNBOUNDED, Relaxed);
    }

    fn request_written(&self) {
        if !self.multiplexed {
            self.head_left.store(HEAD_ALLOWANCE, Relaxed);
        }
    }

    fn count(&self, received: usize) -> Result<(), EndlessHead> {
        match self.head_left.load(Relaxed) {
            UNBOUNDED => Ok(()),
            left => {
                let left = left.checked_sub(received).ok_or(EndlessHead)?;
                self.head_left.store(left, Relaxed);
                Ok(())
            }
        }
    }
}

/// The socket below.
pub(super) enum Socket {
    /// For `http`.
    Plain(TcpStream),
    /// For `https`.
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection that counts.
pub(super) struct Wire {
    socket: Socket,
    line: Arc<Line>,
}

impl Wire {
    pub(super) fn new(socket: Socket, line: Line) -> Self {
        Self {
            socket,
            line: Arc::new(line),
        }
    }

    fn count_written(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(1..)) = written {
            self.line.request_written();
        }
        written
    }
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        let connected = Connected::new().extra(Arc::clone(&self.line));
        if self.line.multiplexed {
            connected.negotiated_h2()
        } else {
            connected
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = match &mut self.socket {
            Socket::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Socket::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
        };
        if self.line.count(buf.filled().len() - before).is_err() {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, EndlessHead)));
        }
        polled
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = match &mut self.socket {
            Socket::Plain(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Socket::Tls(tls) => Pin::new(tls).poll_write(cx, buf),
        };
        self.count_written(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.socket {
            Socket::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Socket::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.socket {
            Socket::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Socket::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = match &mut self.socket {
            Socket::Plain(tcp) => Pin::new(tcp).poll_write_vectored(cx, bufs),
            Socket::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, bufs),
        };
        self.count_written(written)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.socket {
            Socket::Plain(tcp) => tcp.is_write_vectored(),
            Socket::Tls(tls) => tls.is_write_vectored(),
        }
    }
}

//! Response bodies, well-behaved and otherwise.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Interval, interval_at};

/// Size of the pieces of large bodies.
const PIECE: usize = 16 * 1024;

/// What [`ReplyBody::Broken`] announces; it sends one byte of it.
const BROKEN_LENGTH: u64 = 1024;

/// The body of a response.
pub(super) enum ReplyBody {
    /// One piece.
    Whole(Option<Bytes>),
    /// So many bytes, one per tick.
    Trickle { left: usize, ticks: Interval },
    /// So many bytes, as fast as they are taken; `None` for no end.
    Stream { left: Option<usize> },
    /// Breaks after the first of the announced bytes.
    Broken { step: u8 },
}

impl ReplyBody {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self::Whole(Some(bytes).filter(|bytes| !bytes.is_empty()))
    }

    pub(super) fn trickle(bytes: usize, every: Duration) -> Self {
        Self::Trickle {
            left: bytes,
            ticks: interval_at(Instant::now() + every, every),
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = match &mut *self {
            Self::Whole(bytes) => bytes.take(),
            Self::Trickle { left: 0, .. } | Self::Stream { left: Some(0) } => None,
            Self::Trickle { left, ticks } => {
                ready!(ticks.poll_tick(context));
                *left -= 1;
                Some(zeros(1))
            }
            Self::Stream { left: None } => Some(zeros(PIECE)),
            Self::Stream { left: Some(left) } => {
                let piece = PIECE.min(*left);
                *left -= piece;
                Some(zeros(piece))
            }
            Self::Broken { step } => {
                *step += 1;
                match *step {
                    1 => Some(zeros(1)),
                    2 => {
                        // A pause, in which the head and the first byte are flushed.
                        context.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    _ => return Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into()))),
                }
            }
        };
        Poll::Ready(piece.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Trickle { left, .. } | Self::Stream { left: Some(left) } => {
                SizeHint::with_exact(*left as u64)
            }
            Self::Stream { left: None } => SizeHint::default(),
            Self::Broken { .. } => SizeHint::with_exact(BROKEN_LENGTH),
        }
    }
}

fn zeros(length: usize) -> Bytes {
    static ZEROS: [u8; PIECE] = [0; PIECE];
    Bytes::from_static(&ZEROS[..length])
}

//! Reading an answer's body: counted after decompression, bounded in size and time.

use std::io;

use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use http::{HeaderMap, header::CONTENT_ENCODING};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt},
    time::{Instant, timeout_at},
};
use tokio_util::io::StreamReader;

use super::{classify::root_cause, request::BodyLimit};

/// How the reading of a body ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyEnd {
    /// It was read to its end.
    Complete,
    /// It is longer than what is read; the connection was given up.
    TooLong,
    /// The deadline passed before its end.
    Deadline,
    /// The connection or the compression broke, for this reason.
    Broken(String),
}

/// A compression of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    Deflate,
    Brotli,
}

/// What was read of a body.
pub(super) struct Collected {
    pub(super) bytes: Bytes,
    pub(super) seen: usize,
    pub(super) end: BodyEnd,
}

/// How much longer a compressed body may be than its content, in bytes: room for the headers
/// of the format, none for a stream of empty blocks.
const CODING_OVERHEAD: usize = 16 * 1024;

impl Coding {
    /// The names of RFC 9110 8.4.1.
    const NAMES: [(&str, Self); 4] = [
        ("gzip", Self::Gzip),
        ("x-gzip", Self::Gzip),
        ("deflate", Self::Deflate),
        ("br", Self::Brotli),
    ];

    /// The compression that `headers` announce; `None` for none and for those that are
    /// unknown, whose bytes are kept as they came.
    ///
    /// Brotli is undone only when it was asked for: its window may take 16 MiB, which no
    /// receiver may make us allocate unasked.
    pub(super) fn of(headers: &HeaderMap, brotli_was_accepted: bool) -> Option<Self> {
        let name = headers.get(CONTENT_ENCODING)?.to_str().ok()?.trim();
        let (_, coding) = Self::NAMES
            .into_iter()
            .find(|(known, _)| name.eq_ignore_ascii_case(known))?;
        (coding != Self::Brotli || brotli_was_accepted).then_some(coding)
    }
}

/// Reads `body` until its end, `limit` or `deadline`, whichever comes first.
pub(super) async fn collect(
    body: Incoming,
    coding: Option<Coding>,
    limit: BodyLimit,
    deadline: Instant,
) -> Collected {
    let mut taken = Taken::new(limit);
    let end = if body.is_end_stream() {
        BodyEnd::Complete
    } else {
        let reading = async {
            match coding {
                None => read_plain(body, &mut taken).await,
                // Boxed: a decoder is large, and few answers need one.
                Some(coding) => Box::pin(read_coded(body, coding, &mut taken)).await,
            }
        };
        timeout_at(deadline, reading)
            .await
            .unwrap_or(BodyEnd::Deadline)
    };
    Collected {
        bytes: taken.kept.freeze(),
        seen: taken.seen,
        end,
    }
}

/// What was taken of a body so far.
struct Taken {
    kept: BytesMut,
    seen: usize,
    keep: usize,
    read: usize,
}

impl Taken {
    fn new(limit: BodyLimit) -> Self {
        Self {
            kept: BytesMut::new(),
            seen: 0,
            keep: limit.keep(),
            read: limit.read(),
        }
    }

    /// Takes the next bytes and says whether more may be read. Copies, so that what is kept
    /// does not hold on to the connection's buffer.
    fn take(&mut self, bytes: &[u8]) -> bool {
        let room = self.keep - self.kept.len();
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.seen += bytes.len();
        self.seen <= self.read
    }
}

async fn read_plain(mut body: Incoming, taken: &mut Taken) -> BodyEnd {
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => {
                if frame.data_ref().is_some_and(|data| !taken.take(data)) {
                    return BodyEnd::TooLong;
                }
            }
            Err(error) => return BodyEnd::Broken(root_cause(&error)),
        }
        if body.is_end_stream() {
            break;
        }
    }
    BodyEnd::Complete
}

async fn read_coded(body: Incoming, coding: Coding, taken: &mut Taken) -> BodyEnd {
    use async_compression::tokio::bufread::{
        BrotliDecoder, DeflateDecoder, GzipDecoder, ZlibDecoder,
    };
    let mut coded = compressed_reader(body, taken.read + CODING_OVERHEAD);
    let read = match coding {
        Coding::Gzip => read_decoded(GzipDecoder::new(coded), taken).await,
        Coding::Brotli => read_decoded(BrotliDecoder::new(coded), taken).await,
        // RFC 9110 8.4.1.2: "deflate" is zlib, though some send the bare stream.
        Coding::Deflate => match coded.fill_buf().await.map(looks_like_zlib) {
            Ok(true) => read_decoded(ZlibDecoder::new(coded), taken).await,
            Ok(false) => read_decoded(DeflateDecoder::new(coded), taken).await,
            Err(error) => Err(error),
        },
    };
    match read {
        Ok(end) => end,
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => BodyEnd::TooLong,
        Err(error) => BodyEnd::Broken(root_cause(&error)),
    }
}

/// The compressed bytes, at most `at_most` of them; then a `FileTooLarge` error.
fn compressed_reader(body: Incoming, at_most: usize) -> impl AsyncBufRead + Unpin {
    let mut left = at_most;
    let chunks = body
        .into_data_stream()
        .map_err(io::Error::other)
        .and_then(move |chunk: Bytes| {
            let enough = left.checked_sub(chunk.len());
            left = enough.unwrap_or(0);
            std::future::ready(match enough {
                Some(_) => Ok(chunk),
                None => Err(io::ErrorKind::FileTooLarge.into()),
            })
        });
    StreamReader::new(chunks)
}

async fn read_decoded(
    mut decoder: impl AsyncRead + Unpin,
    taken: &mut Taken,
) -> io::Result<BodyEnd> {
    let mut buffer = [0; 4096];
    loop {
        match decoder.read(&mut buffer).await? {
            0 => return Ok(BodyEnd::Complete),
            n if !taken.take(&buffer[..n]) => return Ok(BodyEnd::TooLong),
            _ => {}
        }
    }
}

/// RFC 1950 2.2: the method is 8 and the first two bytes are a multiple of 31.
fn looks_like_zlib(start: &[u8]) -> bool {
    match start {
        [method, flags, ..] => {
            method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31)
        }
        _ => true,
    }
}

//! Bodies: long, endless, slow, broken and compressed.

use std::time::Duration;

use async_compression::tokio::write::{BrotliEncoder, DeflateEncoder, GzipEncoder, ZlibEncoder};
use http::{HeaderValue, StatusCode, header::ACCEPT_ENCODING};
use tieline::outbound::{Answer, BodyEnd, BodyLimit, Error};
use tokio::{io::AsyncWriteExt, sync::mpsc};

use crate::receiver::{Receiver, loopback, read_request};

const KEPT: usize = 16 * 1024;
const READ_CAP: usize = 64 * 1024;
const WHOLE: BodyLimit = BodyLimit::Whole { at_most: 1 << 20 };

fn with_length(body: &[u8], headers: &str) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

async fn call_whole(receiver: &Receiver) -> Result<Answer, Error> {
    let mut request = receiver.request();
    request.body_limit = WHOLE;
    loopback().send(request).await
}

#[tokio::test]
async fn bodies_up_to_the_limits() {
    for (length, kept, end) in [
        (0, 0, BodyEnd::Complete),
        (2, 2, BodyEnd::Complete),
        (KEPT, KEPT, BodyEnd::Complete),
        (KEPT + 1, KEPT, BodyEnd::Complete),
        (READ_CAP, KEPT, BodyEnd::Complete),
        (READ_CAP + 1, KEPT, BodyEnd::TooLong),
    ] {
        let receiver = Receiver::answering(with_length(&vec![b'x'; length], "")).await;
        let answer = receiver.call().await.unwrap();
        assert_eq!(answer.body.len(), kept, "{length}");
        assert_eq!(answer.body_end, end, "{length}");
        assert_eq!(answer.body_truncated(), kept < length, "{length}");
        assert_eq!(answer.body_bytes_seen, length, "{length}");

        let whole = call_whole(&receiver).await.unwrap();
        assert_eq!(whole.body.len(), length);
    }
}

/// A receiver that writes `head` and then `chunk` again and again, `times` times or until the
/// other side hangs up, which it reports.
async fn pouring(
    head: &'static str,
    chunk: Vec<u8>,
    times: usize,
) -> (Receiver, mpsc::Receiver<()>) {
    let (hung_up, when_hung_up) = mpsc::channel(8);
    let receiver = Receiver::start(move |mut stream| {
        let (chunk, hung_up) = (chunk.clone(), hung_up.clone());
        async move {
            read_request(&mut stream).await;
            stream.write_all(head.as_bytes()).await.unwrap();
            for _ in 0..times {
                if stream.write_all(&chunk).await.is_err() {
                    let _ = hung_up.send(()).await;
                    return;
                }
            }
        }
    })
    .await;
    (receiver, when_hung_up)
}

#[tokio::test]
async fn long_and_endless_bodies_are_cut_and_cost_their_connection() {
    let ten_megabytes = "HTTP/1.1 200 OK\r\ncontent-length: 10485760\r\n\r\n";
    let endless = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = [b"4000\r\n".as_slice(), &[b'x'; 0x4000], b"\r\n"].concat();
    for (head, chunk, times) in [
        (ten_megabytes, vec![b'x'; 1 << 20], 10),
        (endless, chunk, usize::MAX),
    ] {
        let (receiver, mut hung_up) = pouring(head, chunk, times).await;
        let answer = receiver.call().await.unwrap();
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.body.len(), KEPT);
        assert_eq!(answer.body_end, BodyEnd::TooLong);
        assert!(
            answer.body_bytes_seen <= 2 * READ_CAP,
            "{}",
            answer.body_bytes_seen
        );
        hung_up.recv().await.unwrap();

        let error = call_whole(&receiver).await.unwrap_err();
        assert_eq!(error, Error::TooLarge { limit: 1 << 20 });
        hung_up.recv().await.unwrap();
    }
}

#[tokio::test]
async fn a_body_that_trickles_is_cut_at_the_deadline() {
    let receiver =
        Receiver::stalling_after("HTTP/1.1 202 Accepted\r\ncontent-length: 100\r\n\r\nbit").await;
    let mut request = receiver.request();
    request.deadline = Duration::from_millis(200);
    let answer = loopback().send(request.clone()).await.unwrap();
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(
        (&*answer.body, answer.body_end),
        (&b"bit"[..], BodyEnd::Deadline)
    );
    assert!(answer.timings.total >= request.deadline);
    assert!(answer.timings.first_byte < answer.timings.total);

    request.body_limit = WHOLE;
    let error = loopback().send(request).await.unwrap_err();
    assert_eq!(error.kind(), "timeout");
    assert!(!error.nothing_was_sent());
}

#[tokio::test]
async fn a_reset_after_the_head_only_cuts_the_excerpt() {
    let receiver = Receiver::start(|mut stream| async move {
        read_request(&mut stream).await;
        let start = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbit";
        stream.write_all(start).await.unwrap();
        stream.set_zero_linger().unwrap();
    })
    .await;
    let answer = receiver.call().await;
    // The reset may overtake the head; then nobody can know what the receiver did.
    match answer {
        Ok(answer) => {
            assert_eq!(answer.status, StatusCode::OK);
            assert!(matches!(answer.body_end, BodyEnd::Broken(_)), "{answer:?}");
        }
        Err(error) => assert_eq!(error.kind(), "unknown_outcome"),
    }
}

#[tokio::test]
async fn a_body_that_ends_early_is_broken() {
    let receiver = Receiver::start(|mut stream| async move {
        read_request(&mut stream).await;
        let start = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbit";
        stream.write_all(start).await.unwrap();
    })
    .await;
    let answer = receiver.call().await.unwrap();
    assert_eq!(&*answer.body, b"bit");
    assert!(matches!(answer.body_end, BodyEnd::Broken(_)), "{answer:?}");
    assert_eq!(
        call_whole(&receiver).await.unwrap_err().kind(),
        "unknown_outcome"
    );
}

/// `content` compressed under the name of a content coding.
async fn compressed(coding: &str, content: &[u8]) -> Vec<u8> {
    macro_rules! encode {
        ($encoder:ident) => {{
            let mut encoder = $encoder::new(Vec::new());
            encoder.write_all(content).await.unwrap();
            encoder.shutdown().await.unwrap();
            encoder.into_inner()
        }};
    }
    match coding {
        "gzip" => encode!(GzipEncoder),
        "zlib" => encode!(ZlibEncoder),
        "deflate" => encode!(DeflateEncoder),
        "br" => encode!(BrotliEncoder),
        other => panic!("no encoder for {other}"),
    }
}

#[tokio::test]
async fn compressed_bodies_are_counted_and_kept_decompressed() {
    for (format, coding) in [
        ("gzip", "gzip"),
        ("gzip", "X-GZIP"),
        ("zlib", "deflate"),
        ("deflate", "deflate"),
        ("br", "br"),
    ] {
        let header = format!("content-encoding: {coding}\r\n");
        for (length, seen_at_least, end) in [
            (5, 5, BodyEnd::Complete),
            (20_000, 20_000, BodyEnd::Complete),
            (10 << 20, READ_CAP, BodyEnd::TooLong), // a bomb
        ] {
            let body = compressed(format, &vec![b'x'; length]).await;
            let receiver = Receiver::answering(with_length(&body, &header)).await;
            let mut request = receiver.request();
            let accepted = HeaderValue::from_static("gzip, deflate, br");
            request.headers.insert(ACCEPT_ENCODING, accepted);
            let answer = loopback().send(request).await.unwrap();

            assert_eq!(
                answer.body,
                vec![b'x'; length.min(KEPT)],
                "{format} {length}"
            );
            assert_eq!(answer.body_end, end, "{format} {length}");
            let seen = answer.body_bytes_seen;
            assert!(
                (seen_at_least..=2 * READ_CAP).contains(&seen),
                "{format} {length} {seen}"
            );
        }
    }
}

#[tokio::test]
async fn codings_that_were_not_asked_for_or_are_unknown_stay_as_they_came() {
    for coding in ["br", "zstd", "gzip, gzip"] {
        let header = format!("content-encoding: {coding}\r\n");
        let receiver = Receiver::answering(with_length(b"as it came", &header)).await;
        let answer = receiver.call().await.unwrap();
        assert_eq!(&*answer.body, b"as it came", "{coding}");
    }
}

#[tokio::test]
async fn a_compression_that_is_broken_or_never_yields_is_an_ending() {
    let header = "content-encoding: gzip\r\n";
    let receiver = Receiver::answering(with_length(b"not gzip at all", header)).await;
    let answer = receiver.call().await.unwrap();
    assert!(matches!(answer.body_end, BodyEnd::Broken(_)), "{answer:?}");

    // Empty stored blocks: compressed bytes without end that hold nothing.
    let mut empty_blocks = compressed("gzip", b"").await[..10].to_vec();
    empty_blocks.extend([0, 0, 0, 0xff, 0xff].repeat(100_000));
    let receiver = Receiver::answering(with_length(&empty_blocks, header)).await;
    let answer = receiver.call().await.unwrap();
    assert_eq!(
        (answer.body_bytes_seen, answer.body_end),
        (0, BodyEnd::TooLong)
    );
}

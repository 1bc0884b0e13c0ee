//! The streams of events that clients have open: how many there may be, and what each is sent.
//!
//! One task for each reads the log in the order of commits (`tieline_store::stream`) and hands over what
//! its client has taken. A client that takes nothing for a while is cut off; it goes on from the last
//! event that it saw when it comes back. So no stream holds more than one piece of the log in memory.

use std::{collections::HashMap, future::Future, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tieline_domain::{EventId, TenantId, event::Event};
use tieline_store::{Result, Store, stream::Position};
use tokio::{
    sync::{Notify, mpsc},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// How many events are read at a time.
const PIECE: usize = 16;
/// How long what other nodes publish may stay unnoticed.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The shortest time between two looks: one finds all that came meanwhile.
const PAUSE: Duration = Duration::from_millis(20);
/// How often it is asked whether the client may still read.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// How often a client hears that the stream lives.
const BEAT_EVERY: Duration = Duration::from_secs(15);
/// How long a client may take nothing.
const PATIENCE: Duration = Duration::from_secs(30);

/// The open streams; clones share them.
#[derive(Clone)]
pub struct Streams(Arc<Inner>);

struct Inner {
    most: usize,
    open: Mutex<HashMap<TenantId, usize>>,
    stop: CancellationToken,
}

/// The place of one stream; free again when it is dropped.
pub struct Place {
    streams: Streams,
    tenant: TenantId,
}

impl Streams {
    /// None yet; a tenant may have `most`.
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Inner {
            most,
            open: Mutex::default(),
            stop: CancellationToken::new(),
        }))
    }

    /// A place for one more stream of the tenant; `None` if it has as many as it may.
    pub fn place(&self, tenant: TenantId) -> Option<Place> {
        let mut open = self.0.open.lock();
        let count = open.entry(tenant).or_default();
        if *count >= self.0.most {
            return None;
        }
        *count += 1;
        Some(Place {
            streams: self.clone(),
            tenant,
        })
    }

    /// How many streams a tenant may have.
    pub fn most(&self) -> usize {
        self.0.most
    }

    /// Ends every stream, because the server stops.
    pub fn close(&self) {
        self.0.stop.cancel();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.0.open.lock();
        if let Some(count) = open.get_mut(&self.tenant) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.tenant);
            }
        }
    }
}

/// What a client gets.
#[derive(Debug)]
pub enum Piece {
    /// An event that it wants.
    Event(Box<Event>),
    /// A sign of life, with the last event that was looked at since the last piece.
    Beat(Option<EventId>),
}

/// A stream that is about to begin.
pub struct Stream<W, A> {
    /// Its place.
    pub place: Place,
    /// The log.
    pub store: Store,
    /// Told whenever this node has published something.
    pub published: Arc<Notify>,
    /// Where it begins.
    pub position: Position,
    /// Whether the client wants an event.
    pub wants: W,
    /// Whether the client may still read.
    pub allowed: A,
}

impl<W, A, F> Stream<W, A>
where
    W: Fn(&Event) -> bool + Send + Sync + 'static,
    A: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = bool> + Send,
{
    /// Begins; the receiver gets what there is until the stream ends.
    pub fn begin(self) -> mpsc::Receiver<Piece> {
        let (pieces, receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            let stop = self.place.streams.0.stop.clone();
            tokio::select! {
                () = stop.cancelled() => {}
                () = pieces.closed() => {}
                ended = self.run(&pieces) => {
                    if let Err(error) = ended {
                        tracing::warn!(%error, "a stream of events ends; its client goes on when it comes back");
                    }
                }
            }
        });
        receiver
    }

    async fn run(mut self, pieces: &mpsc::Sender<Piece>) -> Result<()> {
        let published = Arc::clone(&self.published);
        let (mut asked, mut sent) = (Instant::now(), Instant::now());
        let mut passed = None;
        loop {
            let heard = published.notified();
            tokio::pin!(heard);
            heard.as_mut().enable();
            if asked.elapsed() >= ASK_EVERY {
                if !(self.allowed)().await {
                    return Ok(());
                }
                asked = Instant::now();
            }
            let after = self
                .store
                .stream_after(self.place.tenant, &self.position, PIECE);
            let stretch = after.await?;
            self.position = stretch.end;
            for event in stretch.events {
                passed = Some(event.id);
                if (self.wants)(&event) {
                    if !hand(pieces, Piece::Event(Box::new(event))).await {
                        return Ok(());
                    }
                    (passed, sent) = (None, Instant::now());
                }
            }
            if sent.elapsed() >= BEAT_EVERY {
                if !hand(pieces, Piece::Beat(passed.take())).await {
                    return Ok(());
                }
                sent = Instant::now();
            }
            if !stretch.more {
                sleep(PAUSE).await;
                // Time-out or not: it looks again.
                let _ = timeout(LOOK_EVERY, heard).await;
            }
        }
    }
}

/// Hands a piece over; false if the client has gone or is too slow.
async fn hand(pieces: &mpsc::Sender<Piece>, piece: Piece) -> bool {
    matches!(timeout(PATIENCE, pieces.send(piece)).await, Ok(Ok(())))
}

#[cfg(test)]
mod tests {
    use tieline_domain::Timestamp;

    use super::*;

    #[test]
    fn a_tenant_has_so_many_places() {
        let tenant = |n| TenantId::new(Timestamp::from_micros(1), n);
        let streams = Streams::new(2);
        let first = streams.place(tenant(1));
        let second = streams.place(tenant(1));
        assert!(first.is_some() && second.is_some());
        assert!(streams.place(tenant(1)).is_none());
        assert!(streams.place(tenant(2)).is_some(), "another tenant");
        drop(first);
        assert!(streams.place(tenant(1)).is_some());
    }
}

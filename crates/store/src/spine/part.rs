//! Transactions that share the commit of a batch. The embedded engine has one writer, and flushes its log for each commit:
//! a transaction that waits for a flush of its own holds up all who accept meanwhile. So it is a part of what they commit,
//! on the thread of the writer, and is told with them.

use futures::future::BoxFuture;
use tokio::sync::oneshot;

use crate::{Error, Result, db::Tx};

/// What a part does, and does again if the batch fails for a reason that may lie in another of its pieces.
pub(super) trait Work<T>:
    for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T>> + Send + Sync + 'static
{
}

impl<T, W> Work<T> for W where
    W: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T>> + Send + Sync + 'static
{
}

/// A transaction within that of a batch.
pub(super) trait Part: Send + Sync {
    /// Does it; false if it failed by itself and is to be taken back.
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, bool>;

    /// Tells who waits, once the batch is on disk or failed.
    fn tell(&mut self, committed: Result<()>);
}

/// A part that somebody waits for: its work, what that found, and whom to tell.
struct Waited<T, W> {
    work: W,
    found: Option<Result<T>>,
    reply: Option<oneshot::Sender<Result<T>>>,
}

/// A part that does this, and where it is told what that found.
pub(super) fn part<T: Send + Sync + 'static>(
    work: impl Work<T>,
) -> (Box<dyn Part>, oneshot::Receiver<Result<T>>) {
    let (reply, answer) = oneshot::channel();
    let part = Waited {
        work,
        found: None,
        reply: Some(reply),
    };
    (Box::new(part), answer)
}

impl<T: Send + Sync, W: Work<T>> Part for Waited<T, W> {
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, bool> {
        Box::pin(async move {
            let found = (self.work)(tx).await;
            let done = found.is_ok();
            self.found = Some(found);
            done
        })
    }

    fn tell(&mut self, committed: Result<()>) {
        let not_run = || Err(Error::Unavailable("the writer has stopped".to_owned()));
        let found = self.found.take().unwrap_or_else(not_run);
        if let Some(reply) = self.reply.take() {
            // Whoever does not listen any more was cancelled.
            let _ = reply.send(committed.and(found));
        }
    }
}

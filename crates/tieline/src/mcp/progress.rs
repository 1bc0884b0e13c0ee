//! News of calls that take long, for clients that ask for it.

use std::time::Duration;

use rmcp::{
    Peer, RoleServer,
    model::{ProgressNotificationParam, ProgressToken},
};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// After how long the client first hears of a call, and then again.
const EVERY: Duration = Duration::from_secs(2);

/// Waits for `call`, and meanwhile tells the client how long it has been under way, in seconds, if it gave a token.
pub(super) async fn told<T>(
    peer: &Peer<RoleServer>,
    token: Option<ProgressToken>,
    call: impl Future<Output = T>,
) -> T {
    let Some(token) = token else {
        return call.await;
    };
    let begun = Instant::now();
    let mut ticks = interval_at(begun + EVERY, EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tokio::pin!(call);
    loop {
        tokio::select! {
            done = &mut call => return done,
            _ = ticks.tick() => {
                let seconds = begun.elapsed().as_secs_f64().round();
                let news = ProgressNotificationParam::new(token.clone(), seconds)
                    .with_message(format!("waiting for the service, {seconds} seconds so far"));
                // A client that does not hear it is found out by the call itself.
                let _ = peer.notify_progress(news).await;
            }
        }
    }
}

//! What happens in the turns of this node, for those who listen.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use tieline_domain::{TurnId, conversation::Step};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

/// How much a slow listener may miss before it has to look for itself.
const KEPT: usize = 256;

/// What happened in a turn.
#[derive(Clone, Debug)]
pub enum Update {
    /// More of the answer.
    Delta(Arc<str>),
    /// A step has begun or ended.
    Step(Arc<Step>),
    /// The turn rests: it has ended, or waits for a person.
    Rests,
}

/// The turns of this node; clones share them.
#[derive(Clone, Default)]
pub struct Live(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    heard: HashMap<TurnId, Heard>,
    running: HashMap<TurnId, CancellationToken>,
}

/// Those who listen to a turn.
struct Heard {
    sender: broadcast::Sender<Update>,
    /// How many of them want the reply as it comes.
    eager: usize,
}

/// A turn that is at work; nothing more of it can be stopped when this is dropped.
pub(super) struct AtWork {
    live: Live,
    turn: TurnId,
    pub(super) stop: CancellationToken,
}

/// Someone who listens to a turn.
pub struct Listener {
    live: Live,
    turn: TurnId,
    eager: bool,
    updates: broadcast::Receiver<Update>,
}

impl Live {
    /// Listens to a turn, which need not have begun; `eager`: to its reply as it comes, too.
    pub fn listen(&self, turn: TurnId, eager: bool) -> Listener {
        let mut state = self.0.lock();
        let heard = state.heard.entry(turn).or_insert_with(|| Heard {
            sender: broadcast::channel(KEPT).0,
            eager: 0,
        });
        heard.eager += usize::from(eager);
        Listener {
            live: self.clone(),
            turn,
            eager,
            updates: heard.sender.subscribe(),
        }
    }

    /// Whether someone wants the reply of a turn as it comes.
    pub(super) fn is_heard(&self, turn: TurnId) -> bool {
        let state = self.0.lock();
        state.heard.get(&turn).is_some_and(|heard| heard.eager > 0)
    }

    /// Tells those who listen to a turn.
    pub(super) fn tell(&self, turn: TurnId, update: Update) {
        if let Some(heard) = self.0.lock().heard.get(&turn) {
            // Without a receiver nobody listens any more.
            heard.sender.send(update).ok();
        }
    }

    /// Notes that a turn is at work here.
    pub(super) fn begin(&self, turn: TurnId) -> AtWork {
        let stop = CancellationToken::new();
        self.0.lock().running.insert(turn, stop.clone());
        AtWork {
            live: self.clone(),
            turn,
            stop,
        }
    }

    /// Stops a turn, if it is at work here.
    pub(super) fn stop(&self, turn: TurnId) {
        if let Some(stop) = self.0.lock().running.get(&turn) {
            stop.cancel();
        }
    }
}

impl Listener {
    /// What happened next; `None` if something was missed and has to be looked for.
    pub async fn next(&mut self) -> Option<Update> {
        self.updates.recv().await.ok()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut state = self.live.0.lock();
        let Some(heard) = state.heard.get_mut(&self.turn) else {
            return;
        };
        heard.eager -= usize::from(self.eager);
        if heard.sender.receiver_count() <= 1 {
            state.heard.remove(&self.turn);
        }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.live.0.lock().running.remove(&self.turn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tieline_domain::{MessageId, Timestamp};

    #[tokio::test]
    async fn listeners_hear_what_is_told_and_leave_nothing_behind() {
        let live = Live::default();
        let turn = TurnId::about(MessageId::new(Timestamp::from_micros(1), 1));
        live.tell(turn, Update::Rests);
        let (mut one, two) = (live.listen(turn, true), live.listen(turn, false));
        live.tell(turn, Update::Delta("hi".into()));
        assert!(matches!(one.next().await, Some(Update::Delta(text)) if &*text == "hi"));
        assert!(live.is_heard(turn));
        drop(one);
        assert!(!live.is_heard(turn));
        drop(two);
        assert!(live.0.lock().heard.is_empty());
    }

    #[test]
    fn a_turn_is_stopped_while_it_is_at_work() {
        let live = Live::default();
        let turn = TurnId::about(MessageId::new(Timestamp::from_micros(1), 1));
        let at_work = live.begin(turn);
        live.stop(turn);
        assert!(at_work.stop.is_cancelled());
        drop(at_work);
        live.stop(turn);
        assert!(live.0.lock().running.is_empty());
    }
}

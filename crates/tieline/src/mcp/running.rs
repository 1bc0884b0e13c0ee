//! Calls under way, so that `notifications/cancelled` finds them.
//!
//! That notification is a request of its own and names only the id of the request that it cancels, which every
//! client counts from one. So `initialize` hands out a session id, which clients send with everything they ask
//! afterwards: nothing is kept for it, it only tells apart the clients that share a credential. Closing the
//! request cancels as well, on whatever node it runs.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// Which request: who asks, in which session, under which id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The credential, as the audit log names it.
    pub actor: Arc<str>,
    /// The session id that the client sent.
    pub session: Arc<str>,
    /// The id of the JSON-RPC request, as JSON.
    pub request: String,
}

/// The calls that this node is making for clients that could cancel them.
#[derive(Clone, Default)]
pub struct Running(Arc<Mutex<HashMap<Key, CancellationToken>>>);

impl Running {
    /// Notes a call until what is returned is dropped.
    pub fn enter(&self, key: Key, cancel: CancellationToken) -> Entered {
        self.0.lock().insert(key.clone(), cancel);
        Entered {
            running: self.clone(),
            key,
        }
    }

    /// Cancels a call; false if it is not (any more) under way here.
    pub fn cancel(&self, key: &Key) -> bool {
        let found = self.0.lock().get(key).cloned();
        found.is_some_and(|token| {
            token.cancel();
            true
        })
    }
}

/// A call that is under way.
pub struct Entered {
    running: Running,
    key: Key,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.running.0.lock().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(session: &str, request: &str) -> Key {
        Key {
            actor: "key_1".into(),
            session: session.into(),
            request: request.to_owned(),
        }
    }

    #[test]
    fn only_the_call_that_is_named_is_cancelled() {
        let running = Running::default();
        let (one, other) = (CancellationToken::new(), CancellationToken::new());
        let entered = running.enter(key("a", "1"), one.clone());
        let _other = running.enter(key("b", "1"), other.clone());
        assert!(!running.cancel(&key("a", "2")));
        assert!(running.cancel(&key("a", "1")));
        assert!(one.is_cancelled() && !other.is_cancelled());
        drop(entered);
        assert!(!running.cancel(&key("a", "1")), "it is over");
    }
}

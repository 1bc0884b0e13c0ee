//! Names to addresses.

use std::{future::Future, io, net::IpAddr, pin::Pin};

/// What [`Resolve::resolve`] returns.
pub type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Resolves host names; tests bring their own.
pub trait Resolve: Send + Sync + 'static {
    /// All addresses of `name`, in the order in which to try them. `name` ends in a dot when
    /// it is fully qualified.
    fn resolve(&self, name: &str) -> Resolving;
}

/// The resolver of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: &str) -> Resolving {
        let name = name.to_owned();
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((name, 0)).await?;
            Ok(addresses.map(|address| address.ip()).collect())
        })
    }
}

/// The form in which `host` is looked up. A name with a dot gets a trailing one, so that the
/// resolver does not try it below its search domains first (facts: webhooks 1.8). Names
/// without a dot, as `localhost`, stay as they are.
pub(super) fn qualified(host: &str) -> String {
    if host.contains('.') && !host.ends_with('.') {
        format!("{host}.")
    } else {
        host.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_a_dot_are_qualified() {
        for (host, expected) in [
            ("example.com", "example.com."),
            ("example.com.", "example.com."),
            ("localhost", "localhost"),
            ("backend", "backend"),
        ] {
            assert_eq!(qualified(host), expected);
        }
    }
}

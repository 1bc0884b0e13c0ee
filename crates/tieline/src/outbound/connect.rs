//! Opening a connection: resolve, vet every address, dial only those, shake hands.
//!
//! The guard sits here because every connection passes here: names, literals, odd spellings
//! and re-resolved names cannot go around it (facts: libraries 7). What is dialled is what
//! was vetted; nothing is resolved twice.

use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{Uri, uri::Scheme};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_rustls::TlsConnector;
use tower_service::Service;
use url::Host;

use super::{
    error::{Error, Phase},
    guard::Guard,
    resolve::{Resolve, qualified},
    wire::{Line, Opening, Socket, Wire},
};

/// How many addresses of one name are tried at most. All are vetted.
const MAX_DIALS: usize = 6;

/// Opens vetted connections for hyper.
#[derive(Clone)]
pub(super) struct Connector(Arc<Shared>);

struct Shared {
    guard: Guard,
    resolver: Arc<dyn Resolve>,
    tls: TlsConnector,
    timeout: Duration,
}

/// Where to connect to, read from a URI.
struct Target {
    host: String,
    /// The address, if the host is one in whatever spelling.
    literal: Option<IpAddr>,
    port: u16,
    secure: bool,
}

impl Connector {
    /// `timeout` is for resolving, connecting and the handshake together. A request's own
    /// deadline may end it earlier.
    pub(super) fn new(
        guard: Guard,
        resolver: Arc<dyn Resolve>,
        tls: TlsConnector,
        timeout: Duration,
    ) -> Self {
        Self(Arc::new(Shared {
            guard,
            resolver,
            tls,
            timeout,
        }))
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Wire>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<TokioIo<Wire>, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let shared = Arc::clone(&self.0);
        Box::pin(async move { shared.open(&uri).await.map(TokioIo::new) })
    }
}

impl Shared {
    async fn open(&self, uri: &Uri) -> Result<Wire, Error> {
        let target = Target::read(uri)?;
        let deadline = Instant::now() + self.timeout;
        timeout_at(deadline, self.open_target(&target, deadline))
            .await
            .unwrap_or(Err(Error::Timeout {
                after: self.timeout,
                phase: Phase::Connecting,
            }))
    }

    async fn open_target(&self, target: &Target, deadline: Instant) -> Result<Wire, Error> {
        let started = Instant::now();
        let addresses = self.resolve(target).await?;
        let vetted = self.guard.vet(&target.host, &addresses)?;
        let resolved = Instant::now();
        let (tcp, peer) = dial(&vetted, target.port, deadline)
            .await
            .map_err(|error| self.not_connected(target, &error))?;
        let connected = Instant::now();
        let socket = if target.secure {
            Socket::Tls(Box::new(self.shake_hands(target, tcp).await?))
        } else {
            Socket::Plain(tcp)
        };
        let opening = Opening {
            dns: resolved - started,
            connect: connected - resolved,
            tls: connected.elapsed(),
        };
        Ok(Wire::new(socket, Line::new(peer, opening)))
    }

    async fn resolve(&self, target: &Target) -> Result<Vec<IpAddr>, Error> {
        if let Some(address) = target.literal {
            return Ok(vec![address]);
        }
        // A name that the operator listed is looked up as it was written, so that it may stand
        // in /etc/hosts or below a search domain.
        let name = if self.guard.allow().names(&target.host) {
            target.host.clone()
        } else {
            qualified(&target.host)
        };
        let dns = |reason| Error::Dns {
            host: target.host.clone(),
            reason,
        };
        match self.resolver.resolve(&name).await {
            Ok(addresses) if addresses.is_empty() => Err(dns("it has no address".to_owned())),
            Ok(addresses) => Ok(addresses),
            Err(error) => Err(dns(error.to_string())),
        }
    }

    fn not_connected(&self, target: &Target, error: &io::Error) -> Error {
        if error.kind() == io::ErrorKind::TimedOut {
            return Error::Timeout {
                after: self.timeout,
                phase: Phase::Connecting,
            };
        }
        Error::Connect {
            host: target.host.clone(),
            reason: error.to_string(),
        }
    }

    async fn shake_hands(
        &self,
        target: &Target,
        tcp: TcpStream,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, Error> {
        let tls = |reason| Error::Tls {
            host: target.host.clone(),
            reason,
        };
        let name = match target.literal {
            Some(address) => ServerName::from(address),
            None => ServerName::try_from(target.host.trim_end_matches('.').to_owned())
                .map_err(|error| tls(error.to_string()))?,
        };
        self.tls
            .connect(name, tcp)
            .await
            .map_err(|error| tls(error.to_string()))
    }
}

impl Target {
    fn read(uri: &Uri) -> Result<Self, Error> {
        let refuse = |reason: &str| Error::Connect {
            host: uri.host().unwrap_or_default().to_owned(),
            reason: reason.to_owned(),
        };
        let secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(refuse("only http and https can be called")),
        };
        let text = uri.host().ok_or_else(|| refuse("the URL has no host"))?;
        let (host, literal) = match Host::parse(text) {
            Ok(Host::Domain(name)) => (name, None),
            Ok(Host::Ipv4(address)) => (address.to_string(), Some(IpAddr::V4(address))),
            Ok(Host::Ipv6(address)) => (address.to_string(), Some(IpAddr::V6(address))),
            Err(error) => return Err(refuse(&error.to_string())),
        };
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        Ok(Self {
            host,
            literal,
            port,
            secure,
        })
    }
}

/// Dials the addresses in turn. Each gets its share of the time that is left, so that one
/// that swallows packets does not use up the time of the next.
async fn dial(
    addresses: &[IpAddr],
    port: u16,
    deadline: Instant,
) -> io::Result<(TcpStream, SocketAddr)> {
    let tried = addresses.len().min(MAX_DIALS);
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for (index, address) in addresses.iter().take(tried).enumerate() {
        let peer = SocketAddr::new(*address, port);
        let left = deadline.saturating_duration_since(Instant::now());
        let until = Instant::now() + left / (tried - index) as u32;
        match timeout_at(until, dial_one(peer)).await {
            Ok(Ok(tcp)) => return Ok((tcp, peer)),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that dials, after the guard has vetted the address"
)]
async fn dial_one(peer: SocketAddr) -> io::Result<TcpStream> {
    let tcp = TcpStream::connect(peer).await?;
    tcp.set_nodelay(true)?;
    Ok(tcp)
}

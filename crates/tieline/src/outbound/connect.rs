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
    allow::AllowList,
    error::{Error, Phase},
    guard::Guard,
    proxy::{Proxy, To},
    resolve::{Resolve, qualified},
    tls::HTTP2,
    wire::{Line, Opening, Socket, Wire},
};

/// How many addresses of one name are tried at most. All are vetted.
const MAX_DIALS: usize = 6;

/// Opens vetted connections for hyper.
#[derive(Clone)]
pub(super) struct Connector(Arc<Shared>);

/// What a connector works with.
pub(super) struct Shared {
    /// Judges what is dialled.
    pub(super) guard: Guard,
    /// Resolves names.
    pub(super) resolver: Arc<dyn Resolve>,
    /// Shakes hands.
    pub(super) tls: TlsConnector,
    /// The proxy that opens connections, if there is one.
    pub(super) proxy: Option<Proxy>,
    /// What is reached without it.
    pub(super) no_proxy: AllowList,
    /// How long resolving, connecting and the handshake may take together. A request's own
    /// deadline may end it earlier.
    pub(super) timeout: Duration,
}

/// How a vetted address is reached.
enum Way<'a> {
    /// By dialling it.
    Direct,
    /// By dialling the proxy, at one of these addresses, which connects to it.
    Through(&'a Proxy, Vec<IpAddr>),
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
    pub(super) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
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
        let way = self.way_to(target, &vetted).await?;
        let resolved = Instant::now();
        let (tcp, peer) = dial(&way, target, &vetted, deadline)
            .await
            .map_err(|error| self.not_connected(target, &error))?;
        let connected = Instant::now();
        let (socket, multiplexed) = if target.secure {
            let tls = self.shake_hands(target, tcp).await?;
            let is_http2 = tls.get_ref().1.alpn_protocol() == Some(HTTP2);
            (Socket::Tls(Box::new(tls)), is_http2)
        } else {
            (Socket::Plain(tcp), false)
        };
        let opening = Opening {
            dns: resolved - started,
            connect: connected - resolved,
            tls: connected.elapsed(),
        };
        Ok(Wire::new(socket, Line::new(peer, opening, multiplexed)))
    }

    /// How `target` is reached at these addresses. The proxy's own address is the operator's
    /// choice, and is not judged.
    async fn way_to(&self, target: &Target, vetted: &[IpAddr]) -> Result<Way<'_>, Error> {
        let is_exempt = self.no_proxy.names(&target.host)
            || vetted.iter().any(|address| self.no_proxy.covers(*address));
        let Some(proxy) = self.proxy.as_ref().filter(|_| !is_exempt) else {
            return Ok(Way::Direct);
        };
        if let Ok(address) = proxy.host.parse() {
            return Ok(Way::Through(proxy, vec![address]));
        }
        match self.resolver.resolve(&proxy.host).await {
            Ok(addresses) if !addresses.is_empty() => Ok(Way::Through(proxy, addresses)),
            _ => Err(Error::Connect {
                host: target.host.clone(),
                reason: format!("the name of the proxy {proxy} does not resolve"),
            }),
        }
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

/// Reaches for the addresses in turn. Each gets its share of the time that is left, so that one
/// that swallows packets does not use up the time of the next.
async fn dial(
    way: &Way<'_>,
    target: &Target,
    addresses: &[IpAddr],
    deadline: Instant,
) -> io::Result<(TcpStream, SocketAddr)> {
    let tried = match way {
        // It is told the name, which is the same for all addresses.
        Way::Through(proxy, _) if proxy.by_name => 1,
        _ => addresses.len().min(MAX_DIALS),
    };
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for (index, address) in addresses.iter().take(tried).enumerate() {
        let peer = SocketAddr::new(*address, target.port);
        let left = deadline.saturating_duration_since(Instant::now());
        let until = Instant::now() + left / (tried - index) as u32;
        match timeout_at(until, reach(way, target, peer)).await {
            Ok(Ok(tcp)) => return Ok((tcp, peer)),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

/// Reaches `peer`, which was vetted.
async fn reach(way: &Way<'_>, target: &Target, peer: SocketAddr) -> io::Result<TcpStream> {
    let Way::Through(proxy, addresses) = way else {
        return dial_one(peer).await;
    };
    let to = match target.literal {
        None if proxy.by_name => To::Name(&target.host, target.port),
        _ => To::Address(peer),
    };
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses.iter().take(MAX_DIALS) {
        match dial_one(SocketAddr::new(*address, proxy.port)).await {
            Ok(mut tcp) => return proxy.ask(&mut tcp, to).await.map(|()| tcp),
            Err(error) => last = error,
        }
    }
    Err(io::Error::new(
        last.kind(),
        format!("the proxy {proxy} cannot be reached: {last}"),
    ))
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

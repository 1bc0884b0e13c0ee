//! The network: are we reached under the public URL, and is the port ours to listen on.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use http::{Method, StatusCode};
use tokio::net::TcpListener;
use url::Url;

use super::Finding;
use crate::{
    cli::way_out::way_to,
    config::Config,
    outbound::{Answer, Request},
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Calls the public URL: that proves name resolution, the way out and the way in at once. Where
/// nothing answers, that is a warning: the server need not run yet.
pub(super) async fn check_public_url(config: &Config) -> Finding {
    const ABOUT: &str = "network";
    let Some(url) = &config.public_url else {
        let text = format!(
            "not tried: without public_url, links begin with http://{}; set it when others are to reach this server",
            config.listen
        );
        return Finding::warn(ABOUT, text);
    };
    match ask_health(url).await {
        Ok(answer) => Finding::ok(ABOUT, format!("{url} answers ({})", answer.status)),
        Err(reason) => Finding::warn(
            ABOUT,
            format!("{url} does not answer: {reason} (expected if no server runs yet)"),
        ),
    }
}

/// Takes the port for a moment.
pub(super) async fn check_port(config: &Config) -> Finding {
    const ABOUT: &str = "listen";
    let listen = config.listen;
    match TcpListener::bind(listen).await {
        Ok(_) => Finding::ok(ABOUT, format!("{listen} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            if answers_as_tieline(listen).await {
                return Finding::ok(ABOUT, format!("a server answers at {listen} already"));
            }
            let text =
                format!("{listen} is used by another program; stop that, or set another --listen");
            Finding::fail(ABOUT, text)
        }
        Err(error) => Finding::fail(
            ABOUT,
            format!("cannot listen on {listen}: {error}; set another --listen"),
        ),
    }
}

async fn answers_as_tieline(listen: SocketAddr) -> bool {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let url = Url::parse(&format!("http://{}", SocketAddr::new(ip, listen.port())));
    let Ok(url) = url else { return false };
    let answer = ask_health(&url).await;
    answer.is_ok_and(|answer| {
        answer.status == StatusCode::OK && &answer.body[..] == br#"{"status":"ok"}"#
    })
}

async fn ask_health(base: &Url) -> Result<Answer, String> {
    let mut url = base.clone();
    url.set_path(&format!("{}/healthz", base.path().trim_end_matches('/')));
    let (outbound, destination) = way_to(url.as_str()).map_err(|error| format!("{error:#}"))?;
    let mut request = Request::new(Method::GET, destination.uri().clone());
    request.deadline = PATIENCE;
    let answer = outbound.send(request).await;
    answer.map_err(|error| error.to_string())
}

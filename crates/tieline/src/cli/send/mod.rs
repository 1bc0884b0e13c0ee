//! `tieline send`: webhooks as their senders sign them, one or many.

use std::{
    io::{self, Read as _},
    path::PathBuf,
    pin::pin,
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use bytes::Bytes;
use clap::Args;
use futures::{StreamExt as _, stream};
use http::{HeaderName, HeaderValue};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tieline_domain::{clock::Clock, signature::Verification};
use tokio::time::{Instant, sleep_until};

use super::{
    Outcome, amount, scheme,
    terminal::{Terminal, say},
    way_out::way_to,
};
use crate::outbound::Outbound;

mod keys;
mod letter;
mod sample;
mod tally;
mod template;

use letter::{Letters, Wording};
use tally::Tally;

#[derive(Args)]
pub(super) struct Arguments {
    /// Where to send it; any host, this machine too
    url: String,
    /// Who to sign as: a preset, or a verification in JSON as the API takes it
    #[arg(long, visible_alias = "as", default_value = "standard-webhooks", value_parser = scheme::parse,
        long_help = format!("Who to sign as: {}, or a verification in JSON as the API takes it", scheme::names()))]
    scheme: Verification,
    #[command(flatten)]
    keys: keys::GivenKeys,
    #[command(flatten)]
    content: Content,
    /// Header to add or to replace, as 'name: value'
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Type of the event, where the scheme or the body has a place for it
    #[arg(long, value_parser = event_type)]
    event_type: Option<String>,
    /// Id of the message, to send the same twice; a new one each time if not given
    #[arg(long)]
    id: Option<String>,
    #[command(flatten)]
    pace: Pace,
}

/// How many to send, and how fast.
#[derive(Args)]
struct Pace {
    /// How many to send
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,
    /// How many to begin per second at most
    #[arg(long, value_parser = amount::rate)]
    rate: Option<f64>,
    /// How many may be under way at once
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    concurrency: u16,
    /// How long to wait for an answer
    #[arg(long, default_value = "15s", value_parser = amount::duration)]
    timeout: Duration,
}

/// What to send; a sample of the scheme's sender if nothing is given.
#[derive(Args)]
#[group(multiple = false)]
struct Content {
    /// Body, sent as it is
    #[arg(long)]
    body: Option<String>,
    /// File with the body, sent as it is; - reads standard input
    #[arg(long, value_name = "FILE")]
    body_file: Option<PathBuf>,
    /// Body with the placeholders n, id, type, time, unix and millis, in two braces each, filled in each time
    #[arg(long, value_name = "TEXT")]
    data_template: Option<String>,
}

/// Signs and sends what was asked for, and fails unless every answer is a 2xx.
pub(super) async fn run(arguments: Arguments, terminal: Terminal) -> Outcome {
    let Arguments {
        url,
        scheme: verification,
        keys,
        content,
        headers,
        event_type,
        id,
        pace,
    } = arguments;
    let (outbound, destination) = way_to(&url)?;
    let letters = Letters::new(
        &verification,
        &keys.read().await?,
        destination,
        Wording {
            body: content.read().await?,
            headers,
            event_type,
            id,
        },
    )?;

    let (mut tally, took) = send_all(&outbound, &letters, &pace).await?;
    for line in tally.summary(took, terminal) {
        say(line)?;
    }
    Ok(if tally.all_accepted() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Sends them all; returns what became of them and how long that took.
async fn send_all(
    outbound: &Outbound,
    letters: &Letters,
    pace: &Pace,
) -> anyhow::Result<(Tally, Duration)> {
    let clock = &Clock::system();
    let bar = progress_bar(pace.count);
    let started = Instant::now();
    let mut tally = Tally::default();
    let answers = stream::iter(1..=pace.count)
        .then(|n| async move {
            if let Some(rate) = pace.rate {
                sleep_until(started + Duration::from_secs_f64((n - 1) as f64 / rate)).await;
            }
            n
        })
        .map(|n| async move {
            let mut request = letters.request(n, clock)?;
            request.deadline = pace.timeout;
            let begun = Instant::now();
            let outcome = outbound.send(request).await;
            anyhow::Ok((outcome, begun.elapsed()))
        })
        .buffer_unordered(pace.concurrency.into());
    let mut answers = pin!(answers);
    while let Some(answer) = answers.next().await {
        let (outcome, time) = answer?;
        tally.add(outcome, time);
        bar.set_message(tally.in_short());
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok((tally, started.elapsed()))
}

impl Content {
    async fn read(self) -> anyhow::Result<letter::Body> {
        let Self {
            body,
            body_file,
            data_template,
        } = self;
        if let Some(body) = body {
            return Ok(letter::Body::Fixed(body.into()));
        }
        if let Some(template) = data_template {
            return Ok(letter::Body::Template(template));
        }
        let Some(file) = body_file else {
            return Ok(letter::Body::Sample);
        };
        let mut bytes = Vec::new();
        if file.as_os_str() == "-" {
            let read = io::stdin().lock().read_to_end(&mut bytes);
            read.context("cannot read standard input")?;
        } else {
            bytes = tokio::fs::read(&file)
                .await
                .with_context(|| format!("cannot read {}", file.display()))?;
        }
        Ok(letter::Body::Fixed(Bytes::from(bytes)))
    }
}

/// A bar on standard error, if that is a terminal and there is more than one to send.
fn progress_bar(count: u64) -> ProgressBar {
    const LOOK: &str = "{bar:30} {pos}/{len} ({per_sec}, {eta} left) {msg}";
    let target = if count > 1 {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let style = ProgressStyle::with_template(LOOK).expect("the template is well-formed");
    ProgressBar::with_draw_target(Some(count), target).with_style(style)
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let read = || {
        let (name, value) = text.split_once(':')?;
        Some((
            name.trim().parse().ok()?,
            HeaderValue::from_str(value.trim()).ok()?,
        ))
    };
    read().ok_or_else(|| "write it as 'name: value'".to_owned())
}

fn event_type(text: &str) -> Result<String, String> {
    // It is filled into JSON and into headers.
    let fits = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\');
    if !text.is_empty() && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("an event type has visible ASCII characters, no quotes and no backslash".to_owned())
    }
}

//! What to sign with: a secret, a private key, or both.

use std::{fmt::Write as _, path::PathBuf};

use anyhow::Context as _;
use clap::Args;
use tieline_domain::signature::{KeyedSecret, Preset, SignedWith, presets};

use super::letter::Keys;

/// The longest name of a key, in bytes.
const MAX_KEY_ID: usize = 128;

#[derive(Args)]
pub(super) struct GivenKeys {
    /// Secret to sign with, as the source holds it
    #[arg(long, env = "TIELINE_SEND_SECRET", hide_env_values = true)]
    secret: Option<String>,
    /// File with the private key to sign with
    #[arg(long, value_name = "FILE", long_help = private_key_help())]
    private_key: Option<PathBuf>,
    /// Name of the key, `tieline` if not given: `kid` of a token and of eBay, public key of Braintree, last part of a certificate's URL
    #[arg(long, value_name = "ID", value_parser = key_id)]
    key_id: Option<String>,
}

impl GivenKeys {
    /// Reads the file with the private key, if there is one.
    pub(super) async fn read(self) -> anyhow::Result<Keys> {
        let private_key = match &self.private_key {
            None => None,
            Some(file) => {
                let text = tokio::fs::read(file).await;
                let text = text.with_context(|| format!("cannot read {}", file.display()))?;
                Some(KeyedSecret::new("--private-key", text.trim_ascii()))
            }
        };
        Ok(Keys {
            secret: self
                .secret
                .map(|secret| KeyedSecret::new("--secret", secret)),
            private_key,
            key_id: self.key_id,
        })
    }
}

/// Reads a name that stands in tokens, forms and URLs.
fn key_id(text: &str) -> Result<String, String> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    if (1..=MAX_KEY_ID).contains(&text.len()) && text.bytes().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err("a name of a key is 1 to 128 letters, digits, `-`, `.`, `_` and `~`".to_owned())
    }
}

/// Which senders sign with a private key of which kind, by the table of presets.
fn private_key_help() -> String {
    let mut help = "File with the private key to sign with: PKCS #8 in PEM, or `whsk_` for Ed25519. The source holds the \
         public key that belongs to it."
        .to_owned();
    let mut write = |before: &str, is_meant: &dyn Fn(&Preset) -> bool| {
        let meant = presets().iter().filter(|preset| is_meant(preset));
        let names: Vec<&str> = meant.map(|preset| preset.name).collect();
        write!(help, "\n{before}: {}", names.join(", ")).expect("a string takes all text");
    };
    for kind in ["Ed25519", "ECDSA P-256", "RSA"] {
        write(kind, &|preset| {
            let is_needed = matches!(
                preset.signed_with(),
                SignedWith::PrivateKey(_) | SignedWith::SecretAndPrivateKey(_)
            );
            let algorithm = preset.signed_with().algorithm();
            is_needed && algorithm.is_some_and(|algorithm| algorithm.key_kind() == kind)
        });
    }
    write("Instead of --secret, Ed25519 or RSA", &|preset| {
        matches!(preset.signed_with(), SignedWith::SecretOrPrivateKey(_))
    });
    write(
        "With --secret, which names the topic or the webhook",
        &|preset| matches!(preset.signed_with(), SignedWith::SecretAndPrivateKey(_)),
    );
    write(
        "Believed only where the operator's `senders_mirror` shows the public key under --key-id, for the sender publishes its own",
        &Preset::publishes_keys,
    );
    help
}

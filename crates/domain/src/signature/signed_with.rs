//! What it takes to sign as a sender, told by the data of its scheme.

use super::bespoke::BespokeScheme;
use super::jwt::{JwtAlgorithm, JwtKeys, JwtScheme};
use super::preset::Preset;
use super::public_key::Algorithm;
use super::scheme::{KeyForm, Scheme};

/// What it takes to sign as a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedWith {
    /// Nothing: the sender proves nothing.
    Nothing,
    /// The secret of the source.
    Secret,
    /// A private key, whose public half the source holds or the sender publishes.
    PrivateKey(Algorithm),
    /// Either of both.
    SecretOrPrivateKey(Algorithm),
    /// A private key, and the secret of the source, which says what it is signed for.
    SecretAndPrivateKey(Algorithm),
}

impl SignedWith {
    /// Whether a private key is of use.
    pub fn takes_private_key(self) -> bool {
        self.algorithm().is_some()
    }

    /// The algorithm of the private key that is of use.
    pub fn algorithm(self) -> Option<Algorithm> {
        match self {
            Self::PrivateKey(algorithm)
            | Self::SecretOrPrivateKey(algorithm)
            | Self::SecretAndPrivateKey(algorithm) => Some(algorithm),
            Self::Nothing | Self::Secret => None,
        }
    }
}

impl Scheme {
    /// What it takes to sign by this scheme.
    pub(super) fn signed_with(&self) -> SignedWith {
        match self {
            Self::Signed(scheme) if scheme.key == KeyForm::Standard => {
                SignedWith::SecretOrPrivateKey(Algorithm::Ed25519)
            }
            Self::PublicKey(scheme) => SignedWith::PrivateKey(scheme.algorithm),
            Self::Jwt(scheme) => scheme.signed_with(),
            Self::Bespoke(scheme) if scheme.is_published() => {
                SignedWith::SecretAndPrivateKey(Algorithm::RsaSha256)
            }
            Self::Signed(_) | Self::Token(_) | Self::Basic(_) | Self::Bespoke(_) => {
                SignedWith::Secret
            }
            Self::Unsigned => SignedWith::Nothing,
        }
    }

    /// Whether the sender publishes the public half on a host of its own.
    fn is_published(&self) -> bool {
        match self {
            Self::Jwt(scheme) => scheme.keys != JwtKeys::Given,
            Self::Bespoke(scheme) => scheme.is_published(),
            _ => false,
        }
    }
}

impl JwtScheme {
    fn signed_with(&self) -> SignedWith {
        match self.algorithm {
            JwtAlgorithm::Rs256 if matches!(self.keys, JwtKeys::SharedKeySet { .. }) => {
                SignedWith::SecretAndPrivateKey(Algorithm::RsaSha256)
            }
            JwtAlgorithm::Hs256 => SignedWith::Secret,
            JwtAlgorithm::Rs256 => SignedWith::PrivateKey(Algorithm::RsaSha256),
            JwtAlgorithm::Es256 => SignedWith::PrivateKey(Algorithm::EcdsaSha256Fixed),
            JwtAlgorithm::ByKey => SignedWith::SecretOrPrivateKey(Algorithm::RsaSha256),
        }
    }
}

impl BespokeScheme {
    fn is_published(self) -> bool {
        matches!(self, Self::Sns | Self::PayPal)
    }
}

impl Preset {
    /// What it takes to sign as this sender.
    pub fn signed_with(&self) -> SignedWith {
        self.scheme.signed_with()
    }

    /// Whether the sender publishes its keys on a host of its own, so that no other key is believed unless the
    /// operator's `senders_mirror` shows it.
    pub fn publishes_keys(&self) -> bool {
        self.scheme.is_published()
    }
}

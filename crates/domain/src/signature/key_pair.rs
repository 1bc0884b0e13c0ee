//! Ed25519 keys with which a tenant signs, and their public halves as others read them.

use aws_lc_rs::digest;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::ConfigError;
use super::key::{BASE64, KeyedSecret, PRIVATE_PREFIX, PUBLIC_PREFIX, SigningKey};
use super::scheme::{Digest, KeyForm, Mac};

/// The public half of an Ed25519 key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// The public half of a `whsk_` key.
    ///
    /// # Errors
    /// [`ConfigError`] if `secret` is no such key.
    pub fn of(secret: &KeyedSecret) -> Result<Self, ConfigError> {
        let SigningKey::Ed25519(pair) =
            SigningKey::new(secret, KeyForm::Standard, Digest::Sha256, Mac::Hmac)?
        else {
            return Err(secret.fault("it is no `whsk_` key"));
        };
        let bytes = pair.public_key().as_ref().try_into();
        bytes
            .map(Self)
            .map_err(|_| secret.fault("its public half has not 32 bytes"))
    }

    /// As Standard Webhooks writes it: `whpk_` and base64.
    pub fn standard(&self) -> String {
        format!("{PUBLIC_PREFIX}{}", BASE64.encode(self.0))
    }

    /// The `x` of its JWK (RFC 8037 2): base64url without padding.
    pub fn x(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Its thumbprint, by which it is called (RFC 7638, RFC 8037 2).
    pub fn thumbprint(&self) -> String {
        let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, self.x());
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, jwk.as_bytes()))
    }
}

/// A new Ed25519 key from 32 random bytes: `whsk_` and the base64 of these and of its public half.
pub fn generate_signing_key(seed: &Zeroizing<[u8; 32]>) -> Zeroizing<String> {
    let pair = Ed25519KeyPair::from_seed_unchecked(&**seed)
        .expect("every 32 bytes are the seed of an Ed25519 key");
    let both = Zeroizing::new([&seed[..], pair.public_key().as_ref()].concat());
    Zeroizing::new(format!("{PRIVATE_PREFIX}{}", BASE64.encode(&both)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 8037 appendix A.
    const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";

    #[test]
    fn the_example_of_rfc_8037() {
        let seed = URL_SAFE_NO_PAD.decode(SEED).unwrap().try_into().unwrap();
        let key = generate_signing_key(&Zeroizing::new(seed));
        let public = PublicKey::of(&KeyedSecret::new("1", key.as_bytes())).unwrap();
        assert_eq!(public.x(), "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        let thumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
        assert_eq!(public.thumbprint(), thumbprint);
        let standard = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        assert_eq!(public.standard(), standard);
    }

    #[test]
    fn other_secrets_have_no_public_half() {
        for secret in ["whsec_YW5vdGhlciBzZWNyZXQgb2YgMjQgYi4=", "plain text"] {
            assert!(PublicKey::of(&KeyedSecret::new("1", secret)).is_err());
        }
    }
}

//! AES-256-GCM: a random nonce of 12 bytes, the cipher text, the tag of 16 bytes.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

/// The bytes of a key, wiped when dropped.
pub(super) type KeyBytes = Zeroizing<[u8; 32]>;

/// A new random key.
pub(super) fn new_key() -> KeyBytes {
    let mut key = Zeroizing::new([0; 32]);
    aws_lc_rs::rand::fill(&mut *key).expect("the random generator of AWS-LC does not fail");
    key
}

/// A key from its bytes, if they are as many as a key has.
pub(super) fn key_bytes(bytes: &[u8]) -> Option<KeyBytes> {
    bytes.try_into().ok().map(Zeroizing::new)
}

/// What a sealed thing is: associated data, without which it does not open.
pub(super) struct Label(Vec<u8>);

impl Label {
    /// The label of what is `what` and has these `names`. Each is preceded by its length, so that
    /// no two lists of names make the same label.
    pub(super) fn new(what: &str, names: &[&str]) -> Self {
        let mut bytes = Vec::new();
        for text in [what].iter().chain(names) {
            bytes.extend((text.len() as u64).to_be_bytes());
            bytes.extend(text.as_bytes());
        }
        Self(bytes)
    }
}

/// A key, ready for use; AWS-LC wipes it when it is dropped.
pub(super) struct Key(RandomizedNonceKey);

impl Key {
    pub(super) fn new(bytes: &KeyBytes) -> Self {
        let key = RandomizedNonceKey::new(&AES_256_GCM, &**bytes);
        Self(key.expect("an AES-256 key has 32 bytes"))
    }

    /// Seals `plain` as what `label` says.
    pub(super) fn seal(&self, label: &Label, plain: &[u8]) -> Vec<u8> {
        let mut sealed = plain.to_vec();
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(&label.0), &mut sealed)
            .expect("AES-GCM seals up to 64 GiB");
        sealed.splice(..0, nonce.as_ref().iter().copied());
        sealed
    }

    /// Opens what was sealed as what `label` says; `None` if it was not, or was altered.
    pub(super) fn open(&self, label: &Label, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let mut plain = Zeroizing::new(body.to_vec());
        let length = self
            .0
            .open_in_place(nonce, Aad::from(&label.0), &mut plain)
            .ok()?
            .len();
        plain.truncate(length);
        Some(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_lists_of_names_make_one_label() {
        let label = |names: &[&str]| Label::new("x", names).0;
        assert_ne!(label(&["ab", "c"]), label(&["a", "bc"]));
        assert_ne!(label(&["a", ""]), label(&["a"]));
    }

    #[test]
    fn what_is_sealed_twice_looks_different() {
        let (key, label) = (Key::new(&new_key()), Label::new("x", &[]));
        let (one, two) = (key.seal(&label, b"plain"), key.seal(&label, b"plain"));
        assert_ne!(one, two);
        for sealed in [one, two] {
            assert_eq!(**key.open(&label, &sealed).unwrap(), *b"plain");
        }
    }
}

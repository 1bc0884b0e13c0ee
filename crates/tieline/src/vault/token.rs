//! Keys and tokens of clients: 256 random bits, of which only the SHA-256 is kept. A slow hash would
//! protect no better what cannot be guessed.

use aws_lc_rs::{
    constant_time,
    digest::{SHA256, digest},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::aead;

/// A new key, token or client secret: `prefix` and 43 characters of base64url.
pub fn new_token(prefix: &str) -> Zeroizing<String> {
    let mut token = Zeroizing::new(String::with_capacity(prefix.len() + 43));
    token.push_str(prefix);
    URL_SAFE_NO_PAD.encode_string(*aead::new_key(), &mut token);
    token
}

/// The SHA-256 of a key, token or client secret: what is kept of it.
pub fn hash_token(token: &str) -> [u8; 32] {
    let digest = digest(&SHA256, token.as_bytes());
    digest.as_ref().try_into().expect("a SHA-256 has 32 bytes")
}

/// Whether two hashes are the same, in a time that does not tell where they differ.
pub fn same_hash(one: &[u8; 32], other: &[u8; 32]) -> bool {
    constant_time::verify_slices_are_equal(one, other).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_and_never_the_same() {
        let (one, two) = (new_token("tl_"), new_token("tl_"));
        assert_ne!(one, two);
        let tail = one.strip_prefix("tl_").unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(tail).unwrap().len(), 32);
    }

    #[test]
    fn hashes_are_those_of_fips_180() {
        let hash = hash_token("abc");
        let published = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex::encode(hash), published);
        assert!(same_hash(&hash, &hash_token("abc")));
        for place in [0, 31] {
            let mut other = hash;
            other[place] ^= 1;
            assert!(!same_hash(&hash, &other));
        }
    }
}

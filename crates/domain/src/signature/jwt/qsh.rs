//! The query string hash of Atlassian Connect: the SHA-256 of the method, the path and the query of a request, put
//! into the claim `qsh` of its token. Facts: webhooks 3.2; the canonical form is that of the package `atlassian-jwt`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use aws_lc_rs::digest;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::form_urlencoded;

use crate::signature::SignedRequest;
use crate::signature::public_url;

/// What is not unreserved in a URI (RFC 3986, 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// The parameter in which a token may stand, which is not hashed.
const TOKEN: &str = "jwt";

/// The hashes, in hex, that a genuine token for `request` to the source at `public_url` may carry, the likeliest
/// first. The path is hashed as it stands below the base URL of the app, which ends at one of its slashes: where, only
/// the app's descriptor says. The last step of the path, which names the source, is in every one of them.
pub(super) fn hashes(request: &SignedRequest<'_>, public_url: &str) -> Vec<String> {
    let path = public_url::path(public_url).trim_end_matches('/');
    let query = canonical_query(request.url_query.unwrap_or_default());
    let hash = |(at, _): (usize, &str)| {
        let path = path[at..].replace('&', "%26");
        let canonical = [request.method, "&", &path, "&", &query].concat();
        hex::encode(digest::digest(&digest::SHA256, canonical.as_bytes()))
    };
    path.match_indices('/').map(hash).collect()
}

/// The parameters in the order of their names, those of one name together.
fn canonical_query(query: &str) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
    let mut named: BTreeMap<String, Vec<Cow<'_, str>>> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if name != TOKEN {
            named.entry(encoded(&name)).or_default().push(value);
        }
    }
    let joined = named.into_iter().map(|(name, mut values)| {
        values.sort();
        let values: Vec<_> = values.iter().map(|value| encoded(value)).collect();
        format!("{name}={}", values.join(","))
    });
    joined.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hashes that `atlassian-jwt` 2.0.3 makes of a URL and the base URL of the app.
    #[test]
    fn the_package_of_atlassian_hashes_alike() {
        let rows = [
            (
                "https://app.example/connect/in/wh_in_1",
                Some("user_id=jo&user_key=jo"),
                "/connect",
                "7a701678f5a4906efecaf5a87b3e58eb45fb66ab57088875155476942eb642c4",
            ),
            (
                "https://app.example/in/wh_in_1",
                None,
                "",
                "f7cd80dd70a695046ebda07e4989b97abeebed8a011797c9109d1240ef21939a",
            ),
            (
                "https://app.example/in/wh_in_1",
                Some("b=2&a=x%20y&a=*~!'()&jwt=no&B=%C3%BC&plus=a%2Bb+c&empty="),
                "/in",
                "fe3cae3d4cef7bc1699990648e2163c64610654f4ce713f2bd391f7679542a89",
            ),
            (
                "https://app.example/in/wh_in_1/",
                Some("zee=1&zea=2&a.b=1&a%26=2"),
                "",
                "beb475f79863d6a129d6b9b62980664dfffceea85d4ce60e0005363b8d84e221",
            ),
        ];
        for (url, url_query, base, expected) in rows {
            let headers: Vec<(&str, &str)> = Vec::new();
            let request = SignedRequest {
                method: "POST",
                url_query,
                headers: &headers,
                body: b"",
            };
            let steps = base.matches('/').count();
            assert_eq!(hashes(&request, url)[steps], expected, "{url}");
        }
    }

    /// A token for the root of an app is none for every source below it.
    #[test]
    fn the_source_is_always_in_the_hash() {
        let headers: Vec<(&str, &str)> = Vec::new();
        let request = SignedRequest {
            method: "POST",
            url_query: None,
            headers: &headers,
            body: b"",
        };
        let root = hex::encode(digest::digest(&digest::SHA256, b"POST&/&"));
        let all = hashes(&request, "https://app.example/in/wh_in_1");
        assert_eq!(all.len(), 2);
        assert!(!all.contains(&root));
    }
}

//! The whole OpenAPI document, fuzzed with schemathesis: no 5xx, no status and no answer that the document does
//! not have, and nothing of another tenant. `TIELINE_TEST_FUZZ_SECONDS` makes it longer than its short form.

use std::process::Command;

use serde_json::json;
use tieline_testkit::receiver::Receiver;

use crate::{
    isolation::{broken, furnish, tenant, view},
    packages::{schemathesis, script},
    stage::{OWNER_KEY, launch, report, skip, text},
};

/// What is looked at in every answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,no_foreign_object";

/// How long the short form may take, in seconds.
const SHORT: &str = "40";

/// The streams end only with the client's patience.
const STREAMS: &str = "/stream$";

/// How long it takes, in seconds: `TIELINE_TEST_FUZZ_SECONDS`.
#[expect(
    clippy::disallowed_methods,
    reason = "a test is told by its run how long it may take, not by the program's settings"
)]
fn seconds() -> String {
    std::env::var("TIELINE_TEST_FUZZ_SECONDS").unwrap_or_else(|_| SHORT.to_owned())
}

/// What the requests may name.
struct Ids {
    /// Ids of the one who asks, as JSON.
    mine: String,
    /// Ids of somebody else, as JSON.
    theirs: String,
    /// A text that stands in what belongs to somebody else.
    mark: &'static str,
}

/// Runs schemathesis with a key; what it said, and whether it is content.
fn fuzz(mut run: Command, url: &str, key: &str, seconds: &str, ids: &Ids) -> (bool, String) {
    run.arg("run")
        .arg(format!("{url}/openapi.json"))
        .args(["--header", &format!("x-api-key: {key}")])
        .args(["--phases", "examples,coverage,fuzzing"])
        .args(["--max-examples", "12", "--max-time", seconds])
        .args(["--seed", "1", "--workers", "1", "--no-shrink"])
        .args(["--continue-on-failure", "--request-timeout", "20"])
        .args(["--warnings", "off", "--generation-database", "none"])
        .args(["--exclude-path-regex", STREAMS, "--checks", CHECKS])
        .env("TIELINE_FUZZ_MINE", &ids.mine)
        .env("TIELINE_FUZZ_THEIRS", &ids.theirs)
        .env("TIELINE_FUZZ_MARK", ids.mark)
        .env("SCHEMATHESIS_HOOKS", script("fuzz_hooks.py"))
        .current_dir(env!("CARGO_TARGET_TMPDIR"));
    let output = run.output().expect("python3 was there to install it");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (
        output.status.success(),
        said + &String::from_utf8_lossy(&output.stderr),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_does_what_its_document_says() {
    if let Err(why) = schemathesis() {
        return skip("schemathesis", &why);
    }
    let server = launch()
        .env("TIELINE_DELIVERY_RETRY", "0")
        .env("TIELINE_LIMITS_CALL_OUTPUT_MAX_BYTES", "1024")
        .start()
        .await
        .unwrap();
    let receiver = Receiver::start(broken()).await.unwrap();
    let (mine, my_tenant) = tenant(&server, "Mine").await.unwrap();
    let (theirs, their_tenant) = tenant(&server, "Theirs").await.unwrap();
    let my_ids = furnish(&mine, my_tenant, &receiver.url("/")).await.unwrap();
    let their_ids = furnish(&theirs, their_tenant, &receiver.url("/theirs-fca1"))
        .await
        .unwrap();
    let before = view(&theirs).await.unwrap();

    // A key that the requests cannot guess, so that they cannot revoke it.
    let wanted = json!({"name": "Fuzzer", "scopes": ["*"]});
    let key = mine.post("/v1/api-keys", wanted).await.unwrap();
    let key = text(&key.expect(201).unwrap().json().unwrap(), "/key").unwrap();
    let seconds = seconds();
    // Names are not ids: both tenants use the same.
    let is_id = |id: &&String| id.contains("_0") && id.len() > 26;
    let foreign = json!(their_ids.values().filter(is_id).collect::<Vec<_>>()).to_string();
    let own = json!(my_ids.values().collect::<Vec<_>>()).to_string();
    let url = server.url().to_owned();
    let (tenants, platform) = tokio::task::spawn_blocking(move || {
        let run = || schemathesis().expect("it was there before");
        let ids = Ids {
            mine: own,
            theirs: foreign,
            mark: "theirs-fca1",
        };
        let tenants = fuzz(run(), &url, &key, &seconds, &ids);
        // The owner of the platform may see every tenant.
        let ids = Ids {
            theirs: "[]".to_owned(),
            mark: "nothing is foreign",
            ..ids
        };
        (tenants, fuzz(run(), &url, OWNER_KEY, "5", &ids))
    })
    .await
    .unwrap();
    for (content, said) in [tenants, platform] {
        assert!(content, "{said}");
        report(&said);
    }
    assert_eq!(
        view(&theirs).await.unwrap(),
        before,
        "nothing of theirs was changed"
    );
}

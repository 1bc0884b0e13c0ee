//! The command line as a user meets it: the real program, its output and its exit status.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;
use tieline_domain::signature::find;

const SECRET: &str = "whsec_c2VjcmV0LW9mLXRoZS10ZXN0cw==";

/// The program in a directory of its own, with no settings from outside.
fn tieline(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tieline"));
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"TIELINE_") {
            command.env_remove(name);
        }
    }
    command
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null());
    command
}

fn run(directory: &Path, arguments: &[&str]) -> Ran {
    tieline(directory, arguments)
        .output()
        .expect("the program starts")
        .into()
}

/// What a run printed, and how it ended.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("text"),
            err: String::from_utf8(output.stderr).expect("text"),
        }
    }
}

impl Ran {
    #[track_caller]
    fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// What `doctor` says first of a subject: `ok`, `warn` or `FAIL`; nothing if it says nothing.
    fn state(&self, about: &str) -> &str {
        self.out
            .lines()
            .filter(|line| !line.starts_with(' '))
            .find(|line| line[4..].trim_start().starts_with(about))
            .map_or("", |line| line[..4].trim_end())
    }
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// A running `listen --json`; dropping it kills it.
struct Sink {
    child: Child,
    url: String,
}

impl Sink {
    fn start(arguments: &[&str]) -> Self {
        let all = [&["listen", "http://127.0.0.1:0/hook", "--json"], arguments].concat();
        let mut child = tieline(Path::new("."), &all)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut ready = String::new();
        let stderr = child.stderr.as_mut().expect("it is piped");
        BufReader::new(stderr)
            .read_line(&mut ready)
            .expect("a line");
        let url = ready.trim_end().strip_prefix("listening on ");
        let url = url
            .unwrap_or_else(|| panic!("not ready: {ready}"))
            .to_owned();
        Self { child, url }
    }

    fn send(&self, arguments: &[&str]) -> Ran {
        run(Path::new("."), &[&["send", &self.url], arguments].concat())
    }

    /// The webhooks it printed until it had enough.
    fn received(mut self) -> Vec<Value> {
        let mut text = String::new();
        let stdout = self.child.stdout.as_mut().expect("it is piped");
        stdout.read_to_string(&mut text).expect("text");
        assert!(self.child.wait().expect("it ends").success());
        text.lines()
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A preset of each kind, told from all others by its headers.
const KINDS: [&str; 17] = [
    "hmac-sha256",
    "standard-webhooks",
    "github",
    "stripe",
    "slack",
    "shopify",
    "hubspot-v3",
    "hubspot-v2",
    "zendesk",
    "twilio",
    "linear",
    "recurly",
    "contentful",
    "mandrill",
    "basic",
    "header-value",
    "google-channel",
];

#[test]
fn what_send_signs_listen_verifies() {
    for scheme in KINDS.into_iter().chain(["none"]) {
        let preset = find(scheme).expect("it is a preset");
        let named = Sink::start(&["--secret", SECRET, "--scheme", scheme, "--count", "2"]);
        named
            .send(&["--scheme", scheme, "--secret", SECRET])
            .expect(0);
        named
            .send(&["--scheme", scheme, "--secret", "another"])
            .expect(0);
        let received = named.received();

        let unsigned = scheme == "none";
        let verdict = |genuine: bool| {
            if unsigned {
                Value::Null
            } else {
                genuine.into()
            }
        };
        assert_eq!(received[0]["verified"], verdict(true), "{:#}", received[0]);
        assert_eq!(received[1]["verified"], verdict(false), "{:#}", received[1]);
        let reason = received[1]["reason"].as_str().unwrap_or_default();
        assert!(unsigned || reason.contains("do not match") || reason.contains("does not match"));
        if preset.event_type.is_some() {
            assert!(received[0]["event_type"].is_string(), "{scheme}");
        }
    }
}

#[test]
fn listen_tells_the_scheme_by_the_headers() {
    let count = (KINDS.len() + 1).to_string();
    let sink = Sink::start(&["--secret", SECRET, "--count", &count]);
    for scheme in KINDS {
        sink.send(&["--as", scheme, "--secret", SECRET]).expect(0);
    }
    sink.send(&["--scheme", "none"]).expect(0);
    let received = sink.received();
    for (webhook, scheme) in received.iter().zip(KINDS) {
        assert_eq!(webhook["scheme"], scheme);
        assert_eq!(webhook["verified"], true, "{webhook:#}");
    }
    let unsigned = &received[KINDS.len()];
    assert_eq!(unsigned["verified"], false, "{unsigned:#}");
    assert_eq!(unsigned["scheme"], Value::Null);
}

/// The table that `docs/incoming-webhooks.md` shows is the one that the program prints.
#[test]
fn the_presets_are_documented_as_they_are() {
    let printed = run(Path::new("."), &["presets"]).expect(0);
    let docs = include_str!("../../../docs/incoming-webhooks.md");
    assert!(docs.contains(&printed.out), "run `make generate`");
}

#[test]
fn a_body_of_ones_own_is_sent_as_it_is() {
    let file = directory();
    let path = file.path().join("body.json");
    fs::write(&path, r#"{ "from": "file" }"#).expect("it can be written");
    let path = path.to_str().expect("UTF-8");
    let sink = Sink::start(&["--secret", SECRET, "--count", "4"]);
    let send = |arguments: &[&str]| {
        let github = ["--scheme", "github", "--secret", SECRET];
        sink.send(&[&github[..], arguments].concat()).expect(0);
    };
    send(&[
        "--body",
        r#"{"a":  1}"#,
        "--event-type",
        "push",
        "--id",
        "x1",
    ]);
    send(&[
        "--body-file",
        path,
        "--id",
        "x1",
        "--header",
        "X-Extra: yes",
    ]);
    let template = r#"{"n":{{n}},"id":"{{id}}"}"#;
    send(&[
        "--data-template",
        template,
        "--count",
        "2",
        "--concurrency",
        "1",
    ]);

    let received = sink.received();
    assert_eq!(received[0]["size"], r#"{"a":  1}"#.len());
    assert_eq!(received[0]["event_type"], "push");
    assert_eq!(received[0]["repeat"], false);
    assert_eq!(received[1]["body"]["from"], "file");
    assert_eq!(received[1]["headers"]["x-extra"], "yes");
    assert_eq!(received[1]["repeat"], true);
    assert_eq!(
        [&received[2]["body"]["n"], &received[3]["body"]["n"]],
        [1, 2]
    );
    assert_ne!(received[2]["body"]["id"], received[3]["body"]["id"]);
    assert_eq!(received[2]["body"]["id"], received[2]["id"]);
    assert!(received.iter().all(|webhook| webhook["verified"] == true));
}

#[test]
fn answers_are_made_to_fail_and_to_wait() {
    let sink = Sink::start(&["--status", "503", "--delay", "50ms"]);
    let started = Instant::now();
    let ran = sink.send(&["--secret", SECRET]).expect(1);
    assert!(started.elapsed() >= Duration::from_millis(50));
    assert!(
        ran.out.contains("503 Service Unavailable: 1"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("first failure: 503"), "{}", ran.out);

    let sink = Sink::start(&["--fail-ratio", "0.3", "--status", "202"]);
    let ran = sink.send(&["--secret", SECRET, "--count", "10"]).expect(1);
    assert!(ran.out.contains("7 accepted, 3 failed"), "{}", ran.out);
    assert!(ran.out.contains("202 Accepted: 7"), "{}", ran.out);

    let sink = Sink::start(&["--delay", "1h"]);
    let ran = sink
        .send(&["--secret", SECRET, "--timeout", "100ms"])
        .expect(1);
    assert!(ran.out.contains("no answer (timeout): 1"), "{}", ran.out);
}

#[test]
fn a_body_beyond_the_bound_is_refused() {
    let dir = directory();
    let path = dir.path().join("large");
    fs::write(&path, vec![b'x'; (1 << 20) + 1]).expect("it can be written");
    let sink = Sink::start(&[]);
    let body = [
        "--scheme",
        "none",
        "--body-file",
        path.to_str().expect("UTF-8"),
    ];
    let ran = sink.send(&body).expect(1);
    // The sink may close the connection before all of it was sent.
    let refused = ran.out.contains("413") || ran.out.contains("no answer (unknown_outcome)");
    assert!(refused, "{}", ran.out);
}

#[test]
fn what_is_wrong_with_a_command_is_said() {
    let dir = directory();
    let url = "http://127.0.0.1:9/";
    for (arguments, code, says) in [
        (
            &["send", url, "--scheme", "github"][..],
            1,
            "give --secret, or set TIELINE_SEND_SECRET",
        ),
        (
            &["send", url, "--scheme", "gith"],
            2,
            "there is no verification scheme `gith`",
        ),
        (
            &[
                "send",
                url,
                "--scheme",
                "stripe",
                "--secret",
                "x",
                "--body",
                "{}",
                "--event-type",
                "a",
            ],
            1,
            "the type stands in the body, at $.type",
        ),
        (
            &["send", url, "--secret", "x", "--data-template", "{{nn}}"],
            1,
            "placeholder {{nn}}",
        ),
        (&["send", "localhost:9", "--secret", "x"], 1, "localhost:9"),
        (
            &[
                "send",
                url,
                "--secret",
                "x",
                "--body",
                "a",
                "--body-file",
                "b",
            ],
            2,
            "cannot be used with",
        ),
        (&["listen", "https://127.0.0.1:0"], 1, "is not plain http"),
        (
            &["listen", url, "--scheme", "github"],
            1,
            "give --secret, or set TIELINE_LISTEN_SECRET",
        ),
        (
            &["keys", "create", "--scopes", "everything"],
            2,
            "is no scope",
        ),
        (&["keys", "create", "--name", ""], 1, "--name"),
        (
            &[
                "keys",
                "create",
                "--tenant",
                "tn_00000000000000000000000000",
            ],
            1,
            "there is no tenant",
        ),
    ] {
        let ran = run(dir.path(), arguments).expect(code);
        assert!(ran.err.contains(says), "{arguments:?}: {}", ran.err);
        assert!(ran.out.is_empty(), "{}", ran.out);
        if code == 1 {
            assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
        }
    }
}

#[test]
fn a_bad_configuration_is_one_line_per_fault() {
    let dir = directory();
    fs::write(dir.path().join("tieline.toml"), "lisen = \"x\"\n").expect("it can be written");
    for command in [&["serve"][..], &["doctor"], &["migrate"], &["keys", "list"]] {
        let ran: Ran = tieline(dir.path(), command)
            .args(["--roles", "cook"])
            .env("TIELINE_DELIVERY_TIMEOUT_SECONDS", "0")
            .output()
            .expect("the program starts")
            .into();
        let ran = ran.expect(2);
        let lines: Vec<_> = ran.err.lines().collect();
        assert_eq!(lines.len(), 3, "{}", ran.err);
        for (fault, line) in ["lisen", "roles", "delivery.timeout_seconds"]
            .iter()
            .zip(lines)
        {
            assert!(line.starts_with(fault), "{line}");
        }
        assert!(ran.out.is_empty(), "{}", ran.out);
    }
}

#[test]
fn keys_are_made_listed_and_revoked_without_a_server() {
    let dir = directory();
    let create = [
        "keys",
        "create",
        "--name",
        "bridge",
        "--scopes",
        "keys:read events:write",
    ];
    let made = run(dir.path(), &create).expect(0);
    let key = made.out.trim_end();
    assert!(key.starts_with("tl_") && key.len() == 46, "{key}");
    run(dir.path(), &["keys", "create"]).expect(0);

    let listed = run(dir.path(), &["keys", "list"]).expect(0).out;
    assert!(!listed.contains(key), "the key itself is shown once");
    let rows: Vec<Vec<&str>> = listed
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows.len(), 2, "{listed}");
    assert_eq!(rows[0][1], rows[1][1], "both of the first tenant");
    let bridge = &rows[1];
    assert_eq!(bridge[2], format!("…{}", &key[key.len() - 4..]));
    assert_eq!(
        bridge[4..],
        ["works", "bridge", "keys:read", "events:write"]
    );

    let id = bridge[0];
    let revoked = run(dir.path(), &["keys", "revoke", id]).expect(0);
    assert!(
        revoked.out.starts_with(&format!("revoked {id}")),
        "{revoked:?}"
    );
    let again = run(dir.path(), &["keys", "revoke", id]).expect(1);
    assert!(again.err.contains("still works"), "{}", again.err);
    let of_tenant = run(dir.path(), &["keys", "list", "--tenant", bridge[1]]).expect(0);
    let states: Vec<_> = of_tenant
        .out
        .lines()
        .skip(1)
        .map(|l| l.contains("revoked"))
        .collect();
    assert_eq!(states, [false, true]);
}

#[test]
fn migrate_says_what_it_did() {
    let dir = directory();
    let first = run(dir.path(), &["migrate", "--data", "store"]).expect(0);
    assert!(
        first.out.starts_with("applied 1 (start)\n"),
        "{}",
        first.out
    );
    let second = run(dir.path(), &["migrate", "--data", "store"]).expect(0);
    assert!(second.out.ends_with(": nothing to do\n"), "{}", second.out);
    let mode = fs::metadata(dir.path().join("store")).expect("it was made");
    assert_eq!(mode.permissions().mode() & 0o777, 0o700);
}

#[test]
fn doctor_finds_a_good_store_good_and_changes_nothing() {
    let dir = directory();
    let doctor = ["doctor", "--listen", "127.0.0.1:0"];
    let before = run(dir.path(), &doctor).expect(0);
    assert_eq!(before.state("data directory"), "warn");
    assert!(!dir.path().join("data").exists(), "nothing is made");

    run(dir.path(), &["migrate"]).expect(0);
    let ran: Ran = tieline(dir.path(), &doctor)
        .env("TIELINE_OWNER_KEY", "an-owner-key-of-some-length")
        .env("TIELINE_TYPO", "1")
        .output()
        .expect("the program starts")
        .into();
    let ran = ran.expect(0);
    for about in [
        "data directory",
        "database",
        "schema",
        "integrity",
        "writing",
        "clock",
        "listen",
    ] {
        assert_eq!(ran.state(about), "ok", "{about}: {}", ran.out);
    }
    assert_eq!(ran.state("master key"), "warn", "{}", ran.out);
    assert!(
        ran.out.contains("listen = \"127.0.0.1:0\" (--listen)"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("variable TIELINE_TYPO"), "{}", ran.out);
    assert!(
        !ran.out.contains("an-owner-key-of-some-length"),
        "{}",
        ran.out
    );
    let files: Vec<_> = fs::read_dir(dir.path().join("data"))
        .expect("a directory")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .filter(|name| !name.starts_with("tieline.db"))
        .collect();
    assert!(files.is_empty(), "{files:?}");
}

#[test]
fn doctor_fails_where_a_server_would() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    thread::spawn(move || taken.incoming().for_each(drop));

    let spoil_nothing: fn(&Path) = |_| {};
    for (spoil, listen, about, says) in [
        (
            spoil_nothing,
            address.as_str(),
            "listen",
            "used by another program",
        ),
        (spoil_database, "127.0.0.1:0", "database", "damaged"),
        (open_key_to_others, "127.0.0.1:0", "master key", "chmod 600"),
    ] {
        let dir = directory();
        run(dir.path(), &["migrate"]).expect(0);
        spoil(&dir.path().join("data"));
        let ran = run(dir.path(), &["doctor", "--listen", listen]).expect(1);
        assert_eq!(ran.state(about), "FAIL", "{}", ran.out);
        assert!(ran.out.contains(says), "{}", ran.out);
        assert_eq!(ran.out.matches("FAIL").count(), 1, "{}", ran.out);
    }
}

fn spoil_database(data: &Path) {
    // What the write-ahead log still holds would mend the file.
    for log in ["tieline.db-wal", "tieline.db-shm"] {
        fs::remove_file(data.join(log)).ok();
    }
    fs::write(data.join("tieline.db"), vec![b'x'; 9000]).expect("written");
}

fn open_key_to_others(data: &Path) {
    let path = data.join("master.key");
    fs::write(&path, "AAAA").expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("changed");
}

#[test]
fn documents_are_printed_as_they_are_committed() {
    let dir = directory();
    let printed = run(dir.path(), &["default-config"]).expect(0).out;
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tieline.default.toml");
    assert_eq!(
        printed,
        fs::read_to_string(committed).expect("it is committed")
    );
    let openapi = run(dir.path(), &["openapi"]).expect(0).out;
    let openapi: Value = serde_json::from_str(&openapi).expect("JSON");
    assert_eq!(openapi["openapi"], "3.1.0");
}

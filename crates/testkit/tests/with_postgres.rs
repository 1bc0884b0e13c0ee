//! The program `with-postgres`, as `make test` uses it.

use std::process::{Command, Output};

use tieline_testkit::postgres::ADDRESS_VARIABLE;

/// The address of a server that nobody is asked to reach.
const GIVEN: &str = "postgres://given.example/postgres";

/// Runs it where `given` is the address of a server; an empty one counts as none.
fn with_postgres(given: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_with-postgres"))
        .args(arguments)
        .env(ADDRESS_VARIABLE, given)
        .output()
        .expect("the program was built with this test")
}

#[test]
fn the_command_finds_a_server_that_is_gone_afterwards() {
    let variable = format!("${ADDRESS_VARIABLE}");
    let script = format!("psql -XAtc 'SHOW fsync' {variable} && echo {variable}");
    let rows: [(&[&str], &str); 2] = [
        (&["--", "sh", "-c", &script], "off"),
        (&["--fsync", "--", "sh", "-c", &script], "on"),
    ];
    for (arguments, fsync) in rows {
        let output = with_postgres("", arguments);
        if String::from_utf8_lossy(&output.stderr).contains("SKIPPED") {
            return;
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some(fsync), "{output:?}");
        let address = lines.next().expect("the address was printed");
        let answer = Command::new("psql")
            .args(["-XAtc", "SELECT 1", address])
            .output();
        let answered = answer.expect("psql is installed").status.success();
        assert!(!answered, "{address} still answers");
    }
}

#[test]
fn a_server_that_is_given_is_used() {
    let script = format!("echo ${ADDRESS_VARIABLE}");
    let output = with_postgres(GIVEN, &["--", "sh", "-c", &script]);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), GIVEN);
}

#[test]
fn exit_codes_are_passed_on() {
    let rows: [(&[&str], i32, &str); 6] = [
        (&["--", "true"], 0, ""),
        (&["--", "sh", "-c", "exit 7"], 7, ""),
        (&["--", "sh", "-c", "kill -9 $$"], 137, ""),
        (&["--", "/absent"], 1, "could not start the command"),
        (&["true"], 1, "usage:"),
        (&["--fsync", "--"], 1, "usage:"),
    ];
    for (arguments, code, message) in rows {
        let output = with_postgres(GIVEN, arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {output:?}"
        );
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains(message), "{arguments:?}: {errors}");
    }
}

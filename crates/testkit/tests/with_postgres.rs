//! The program `with-postgres`, as `make test` uses it.

use std::process::{Command, Output};

use tieline_testkit::postgres::{ADDRESS_VARIABLE, Postgres};

/// Runs it where no server is given.
fn with_postgres(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_with-postgres"))
        .args(arguments)
        .env_remove(ADDRESS_VARIABLE)
        .output()
        .expect("the program was built with this test")
}

#[test]
fn the_command_finds_a_server_that_is_gone_afterwards() {
    let script = format!(
        "psql --no-psqlrc -Atc 'SHOW fsync' \"${ADDRESS_VARIABLE}\" && echo ${ADDRESS_VARIABLE}"
    );
    for (arguments, fsync) in [
        (["--", "sh", "-c"].as_slice(), "off"),
        (&["--fsync", "--", "sh", "-c"], "on"),
    ] {
        let output = with_postgres(&[arguments, &[script.as_str()]].concat());
        let text = String::from_utf8_lossy(&output.stdout);
        let mut lines = text.lines();
        if String::from_utf8_lossy(&output.stderr).contains("SKIPPED") {
            return;
        }
        assert_eq!(lines.next(), Some(fsync), "{output:?}");
        let address = lines.next().expect("the address was printed");
        let answer = Command::new("psql")
            .args(["-Atc", "SELECT 1", address])
            .output();
        assert!(
            !answer.expect("psql is installed").status.success(),
            "{address} still answers"
        );
    }
}

#[test]
fn a_server_that_is_given_is_used() {
    let Some(server) = Postgres::start().expect("PostgreSQL starts") else {
        return;
    };
    let output = Command::new(env!("CARGO_BIN_EXE_with-postgres"))
        .args(["--", "sh", "-c", &format!("echo ${ADDRESS_VARIABLE}")])
        .env(ADDRESS_VARIABLE, server.url("postgres"))
        .output()
        .expect("the program was built with this test");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        server.url("postgres")
    );
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
        let output = with_postgres(arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {output:?}"
        );
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains(message), "{arguments:?}: {errors}");
    }
}

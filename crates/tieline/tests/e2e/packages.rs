//! Packages of others, of pinned versions, that sign and verify beside us: installed once for each language, and
//! kept between runs.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// The packages of PyPI.
const PYTHON: [&str; 4] = [
    "standardwebhooks==1.1.0",
    "stripe==12.5.1",
    "slack_sdk==3.36.0",
    "twilio==9.8.0",
];

/// The official client of OpenAI's protocols, from PyPI.
const OPENAI: [&str; 1] = ["openai==3.54.0"];

/// The packages of npm.
const NODE: [&str; 4] = [
    "standardwebhooks@1.1.1",
    "@octokit/webhooks-methods@6.0.0",
    "@hubspot/api-client@14.0.1",
    "@shopify/shopify-api@13.0.0",
];

/// The official MCP client, from PyPI.
const MCP: [&str; 1] = ["mcp==2.3.0"];

/// The fuzzer, from PyPI.
const FUZZER: [&str; 1] = ["schemathesis==4.32.5"];

/// Runs this script beside the tests with the packages of PyPI; why not, if they cannot be installed.
pub(crate) fn python(name: &str) -> Result<Command, String> {
    let packages = installed("python", &PYTHON, |directory| {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--target"]);
        pip.arg(directory).args(PYTHON);
        pip
    })?;
    let mut run = Command::new("python3");
    run.arg(script(name)).env("PYTHONPATH", packages);
    Ok(run)
}

/// Runs this script beside the tests with the official MCP client; why not, if it cannot be installed.
pub(crate) fn mcp_client(name: &str) -> Result<Command, String> {
    let packages = installed("mcp", &MCP, |directory| {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--target"]);
        pip.arg(directory).args(MCP);
        pip
    })?;
    let mut run = Command::new("python3");
    run.arg(script(name)).env("PYTHONPATH", packages);
    Ok(run)
}

/// Runs schemathesis, which calls an API as its OpenAPI document says; why not, if it cannot be installed.
pub(crate) fn schemathesis() -> Result<Command, String> {
    let packages = installed("schemathesis", &FUZZER, |directory| {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--target"]);
        pip.arg(directory).args(FUZZER);
        pip
    })?;
    let mut run = Command::new("python3");
    let main = "from schemathesis.cli import schemathesis; schemathesis()";
    run.args(["-c", main]).env("PYTHONPATH", packages);
    Ok(run)
}

/// Runs this script beside the tests with the official client of OpenAI's protocols, from PyPI; why not, if it cannot be
/// installed.
pub(crate) fn openai(name: &str) -> Result<Command, String> {
    let packages = installed("openai", &OPENAI, |directory| {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--target"]);
        pip.arg(directory).args(OPENAI);
        pip
    })?;
    let mut run = Command::new("python3");
    run.arg(script(name)).env("PYTHONPATH", packages);
    Ok(run)
}

/// Runs this script beside the tests, whose argument is the directory with the packages of npm.
pub(crate) fn node(name: &str) -> Result<Command, String> {
    let packages = installed("node", &NODE, |directory| {
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]);
        npm.arg(directory).args(NODE);
        npm
    })?;
    let mut run = Command::new("node");
    run.arg(script(name)).arg(packages);
    Ok(run)
}

pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/e2e")
        .join(name)
}

/// The directory with these packages. What was installed is written down last, so that an interrupted installation
/// begins anew; tests run side by side, and one of them installs.
fn installed(
    language: &str,
    packages: &[&str],
    install: impl FnOnce(&Path) -> Command,
) -> Result<PathBuf, String> {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packages");
    let directory = cache.join(language);
    let list = packages.join("\n");
    let listed = directory.join("installed.txt");
    let text = |error: io::Error| error.to_string();
    fs::create_dir_all(&cache).map_err(text)?;
    let lock = File::create(cache.join(format!("{language}.lock"))).map_err(text)?;
    lock.lock().map_err(text)?;
    if fs::read_to_string(&listed).is_ok_and(|known| known == list) {
        return Ok(directory);
    }
    if directory.exists() {
        fs::remove_dir_all(&directory).map_err(text)?;
    }
    fs::create_dir_all(&directory).map_err(text)?;
    succeed(&mut install(&directory))?;
    fs::write(listed, list).map_err(text)?;
    Ok(directory)
}

/// Runs a command; what it said, if it could not be run or failed.
fn succeed(command: &mut Command) -> Result<Output, String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        Ok(output)
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{command:?}: {said}"))
    }
}

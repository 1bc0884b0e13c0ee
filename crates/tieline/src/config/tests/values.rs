//! What values mean, and which are refused.

use super::*;

#[test]
fn every_setting_changes_its_own_field() {
    let debug = |overrides: &[(&str, &str)]| {
        format!("{:#?}", Config::from_overrides(overrides).expect("valid"))
    };
    let mut seen = vec![debug(&[])];
    for setting in SETTINGS.iter() {
        let shown_same = matches!(setting.kind, Kind::OwnerKey(_) | Kind::MasterKeys(_));
        let value = other_value(setting, 0);
        let before = debug(companions(setting.key));
        let mut overrides = companions(setting.key).to_vec();
        overrides.push((setting.key, &value));
        let after = debug(&overrides);
        let changed = before
            .lines()
            .zip(after.lines())
            .filter(|(a, b)| a != b)
            .count();
        assert!(changed >= 1, "{} changes nothing", setting.key);
        assert!(
            shown_same || !seen.contains(&after),
            "{} changes what another does",
            setting.key
        );
        seen.push(after);
    }
}

#[test]
fn reads_values_into_types() {
    let config = Config::from_overrides(&[]).expect("the defaults are valid");
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(
        config.public_url_at(config.listen).as_str(),
        "http://127.0.0.1:8080/"
    );
    assert_eq!(
        config.database,
        Database::Sqlite(Path::new("./data").join("tieline.db"))
    );
    assert_eq!(
        config.roles,
        Roles {
            api: true,
            worker: true
        }
    );
    assert_eq!(config.outbound_allow, Vec::<String>::new());
    assert_eq!(config.limits.body_max_bytes, 1 << 20);
    assert_eq!(config.limits.delivery_memory_bytes, 64 << 20);
    assert_eq!(config.limits.dedupe_window, Duration::from_hours(24));
    assert_eq!(
        config.delivery.retry,
        [0, 5, 30, 300, 1800].map(Duration::from_secs)
    );
    assert_eq!(config.delivery.max_age, Duration::from_hours(72));
    assert!(config.owner_key.is_none() && config.master_key.is_none());

    let config = Config::from_overrides(&[
        ("demo", "true"),
        ("outbound_allow", "10.0.0.0/8, crm.internal"),
        ("data", "/srv"),
        ("public_url", "https://hooks.example/base"),
        ("master_key", &format!("{KEY_A}, {KEY_B}")),
    ])
    .expect("valid");
    assert_eq!(
        config.outbound_allow,
        ["10.0.0.0/8", "crm.internal", "127.0.0.0/8", "::1/128"]
    );
    assert_eq!(config.database, Database::Sqlite("/srv/tieline.db".into()));
    assert_eq!(
        config.public_url_at(config.listen).as_str(),
        "https://hooks.example/base"
    );
    let keys = config.master_key.expect("was set");
    assert_eq!(
        (keys.current.expose(), keys.old[0].expose()),
        (&[0; 32], &[1; 32])
    );

    let postgres = "postgres://tieline:pw@db/tieline";
    let config = Config::from_overrides(&[("database", postgres)]).expect("valid");
    assert!(matches!(&config.database, Database::Postgres(url) if url.expose() == postgres));
    for path in ["sqlite:///srv/t.db", "sqlite:/srv/t.db", "/srv/t.db"] {
        let config = Config::from_overrides(&[("database", path)]).expect("valid");
        assert_eq!(
            config.database,
            Database::Sqlite("/srv/t.db".into()),
            "{path}"
        );
    }
}

#[test]
fn refuses_each_bad_value_with_one_line() {
    let address = "an IP address with a port, such as 127.0.0.1:8080";
    let url = "an http or https URL without query, such as https://tieline.example.com";
    let database = "a postgres:// URL or the path of an SQLite file";
    let roles = "api, worker, or both as api,worker";
    let keys = "32 bytes in base64, or several separated by commas, the current one first";
    let allow = "a list of CIDR ranges, IP addresses and host names, separated by commas";
    let proxy = "an http://, socks5:// or socks5h:// URL, such as http://user:password@proxy.example.com:3128";
    let level =
        "off, error, warn, info, debug, trace, or a list by target such as info,tieline=debug";
    let delays = "1 to 50 delays of 0 to 604800 seconds, separated by commas";
    let percent = "a whole number of percent from 0 to 100";
    let many = "0,".repeat(50) + "0";
    let rows: &[(&str, &str, &str, &str)] = &[
        ("listen", "8080", "\"8080\"", address),
        ("listen", "localhost:80", "\"localhost:80\"", address),
        ("public_url", "tieline.example", "\"tieline.example\"", url),
        ("public_url", "ftp://x", "\"ftp://x\"", url),
        (
            "public_url",
            "https://x/?token=1",
            "\"https://x/?***\"",
            url,
        ),
        (
            "public_url",
            "https://me:pw@x/",
            "\"https://me:***@x/\"",
            url,
        ),
        ("data", "", "\"\"", "the path of a directory"),
        (
            "database",
            "mysql://u:pw@host/db",
            "\"mysql://u:***@host/db\"",
            database,
        ),
        (
            "database",
            "postgres://u:p w@ho st/db",
            "[hidden]",
            database,
        ),
        ("roles", "api,web", "\"api,web\"", roles),
        ("roles", "", "\"\"", roles),
        ("demo", "yes", "\"yes\"", "true or false"),
        (
            "owner_key",
            "short",
            "[hidden]",
            "at least 16 visible ASCII characters",
        ),
        ("master_key", "c2hvcnQ=", "[hidden]", keys),
        ("master_key", "not base64!", "[hidden]", keys),
        ("outbound_allow", "10.0.0.0/33", "\"10.0.0.0/33\"", allow),
        ("outbound_allow", "127.1", "\"127.1\"", allow),
        ("outbound_allow", "http://x", "\"http://x\"", allow),
        ("outbound.no_proxy", "http://x", "\"http://x\"", allow),
        (
            "outbound.proxy",
            "https://me:pw@proxy:3128",
            "\"https://me:***@proxy:3128/\"",
            proxy,
        ),
        ("outbound.proxy", "proxy:3128", "\"proxy:3128\"", proxy),
        ("outbound.ca_file", "", "\"\"", "the path of a file"),
        ("log.level", "inof", "\"inof\"", level),
        ("log.level", "tieline=loud", "\"tieline=loud\"", level),
        ("log.format", "xml", "\"xml\"", "auto, text or json"),
        ("delivery.retry", "", "\"\"", delays),
        ("delivery.retry", "5,-1", "\"5,-1\"", delays),
        ("delivery.retry", "604801", "\"604801\"", delays),
        ("delivery.retry", &many, &format!("{many:?}"), delays),
        ("delivery.jitter_percent", "101", "\"101\"", percent),
        ("delivery.jitter_percent", "-1", "\"-1\"", percent),
        ("delivery.jitter_percent", "1.5", "\"1.5\"", percent),
        (
            "delivery.jitter_percent",
            "99999999999999999999999",
            "\"99999999999999999999999\"",
            percent,
        ),
        (
            "delivery.lease_seconds",
            "15",
            "\"15\"",
            "greater than delivery.timeout_seconds = \"15\" from default",
        ),
        (
            "delivery.probe_max_seconds",
            "59",
            "\"59\"",
            "at least delivery.probe_first_seconds = \"60\" from default",
        ),
    ];
    for (key, value, shown, allowed) in rows {
        let errors = Config::from_overrides(&[(key, value)]).expect_err(key);
        let flag = key.replace(['.', '_'], "-");
        assert_eq!(
            errors.to_string(),
            format!("{key} = {shown} from --{flag}: must be {allowed}")
        );
    }
}

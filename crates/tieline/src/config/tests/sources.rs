//! Where values come from, and which one wins.

use super::*;

#[test]
fn every_setting_comes_from_flag_env_and_file_in_this_order() {
    for setting in SETTINGS.iter() {
        let [in_flag, in_env, in_file] = [0, 1, 2].map(|variant| other_value(setting, variant));
        let quoted = if setting.kind.is_bare_in_toml() {
            in_file.clone()
        } else {
            format!("{in_file:?}")
        };
        let file = File::with(&format!("{} = {quoted}\n", setting.key));
        let matches =
            serve().try_get_matches_from(["serve", &format!("--{}={in_flag}", setting.flag)]);
        let from_flag = flags(&matches.unwrap_or_else(|error| panic!("{error}")));
        assert_eq!(from_flag, map(&[(setting.key, &in_flag)]));

        let mut all = Sources {
            flags: from_flag,
            env: map(&[(&setting.env, &in_env)]),
            file: Some(file.path()),
        };
        all.flags.extend(map(companions(setting.key)));
        let mut without_flag = all.clone();
        without_flag.flags.remove(setting.key);
        let only_file = Sources {
            env: BTreeMap::new(),
            ..without_flag.clone()
        };
        let empty_env = Sources {
            env: map(&[(&setting.env, "")]),
            ..only_file.clone()
        };
        let rows = [
            (&all, &in_flag, Origin::Flag(format!("--{}", setting.flag))),
            (&without_flag, &in_env, Origin::Env(setting.env.clone())),
            (&only_file, &in_file, Origin::File(file.path())),
            (&empty_env, &in_file, Origin::File(file.path())),
        ];
        for (sources, value, origin) in rows {
            let loaded = load(sources).unwrap_or_else(|errors| panic!("{}: {errors}", setting.key));
            let found = find(&loaded, setting.key);
            assert_eq!(
                (found.value.as_ref(), &found.origin),
                (Some(value), &origin),
                "{}",
                setting.key
            );
            assert_eq!(loaded.unread_env, Vec::<String>::new());
        }
    }
}

#[test]
fn a_file_may_write_lists_numbers_and_sections() {
    let file = File::with(
        "roles = [\"worker\"]\ndemo = true\n[limits]\nbody_max_bytes = 2_097_152\n[delivery]\nretry = [0, 7]\n",
    );
    let sources = from_file(&file);
    let config = load(&sources)
        .unwrap_or_else(|errors| panic!("{errors}"))
        .config;
    assert_eq!(
        config.roles,
        Roles {
            api: false,
            worker: true
        }
    );
    assert!(config.demo);
    assert_eq!(config.limits.body_max_bytes, 2 << 20);
    assert_eq!(config.delivery.retry, [0, 7].map(Duration::from_secs));
}

#[test]
fn lists_every_fault_of_every_origin() {
    let file =
        File::with("listne = \"x\"\n[limits]\nbody_max_bytes = \"many\"\njson_dept_max = 3\n");
    let sources = Sources {
        flags: map(&[("listen", "here")]),
        env: map(&[
            ("TIELINE_OWNER_KEY", "hunter2"),
            ("TIELINE_LISTNE", "x"),
            ("TIELINE_CONFIG", "y"),
        ]),
        file: Some(file.path()),
    };
    let errors = load(&sources).expect_err("all of it is wrong").to_string();
    let path = file.path();
    let path = path.display();
    let expected = [
        format!("limits.json_dept_max from {path}: no such setting; the nearest is limits.json_depth_max"),
        format!("listne from {path}: no such setting; the nearest is listen"),
        "listen = \"here\" from --listen: must be an IP address with a port, such as 127.0.0.1:8080".to_owned(),
        "owner_key = [hidden] from TIELINE_OWNER_KEY: must be at least 16 visible ASCII characters".to_owned(),
        format!("limits.body_max_bytes = \"many\" from {path}: must be a whole number of bytes from 1024 to 104857600"),
    ];
    assert_eq!(errors.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn refuses_a_file_that_cannot_be_read() {
    let missing = Sources {
        file: Some("/nowhere/tieline.toml".into()),
        ..Sources::default()
    };
    assert_eq!(
        load(&missing).expect_err("missing").to_string(),
        "/nowhere/tieline.toml: cannot be read (No such file or directory (os error 2)); give another file with --config"
    );
    let file = File::with("demo = true\nlisten = \n");
    let broken = from_file(&file);
    let line = load(&broken).expect_err("broken").to_string();
    assert!(
        line.starts_with(&format!("{} line 2: not TOML (", file.path().display())),
        "{line}"
    );
    assert_eq!(line.lines().count(), 1);
}

#[test]
fn unread_variables_are_told_not_refused() {
    let env = map(&[
        ("TIELINE_SERVICE_HOST", "10.0.0.1"),
        ("TIELINE_LISTEN", "127.0.0.1:1"),
        ("TIELINE_CONFIG", ""),
    ]);
    let loaded = load(&Sources {
        env,
        ..Sources::default()
    })
    .expect("valid");
    assert_eq!(loaded.unread_env, ["TIELINE_SERVICE_HOST"]);
}

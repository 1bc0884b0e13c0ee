//! The flags that commands on a configuration share, made from the table of settings.

use clap::{ArgMatches, Args, Command, FromArgMatches};

use crate::config::{self, ConfigErrors, Loaded, Sources};

/// Variables that commands read although they are no settings.
pub(super) const SECRET_VARIABLES: [&str; 3] = [
    "TIELINE_LISTEN_SECRET",
    "TIELINE_SEND_SECRET",
    "TIELINE_NEW_MASTER_KEY",
];

/// What was given as flags, in the environment and in the file; see [`config::args`].
#[derive(Debug)]
pub(super) struct SettingFlags(Sources);

impl SettingFlags {
    /// The configuration that results, or everything that is wrong with it.
    pub(super) fn load(&self) -> Result<Loaded, ConfigErrors> {
        let mut loaded = config::load(&self.0)?;
        loaded
            .unread_env
            .retain(|name| !SECRET_VARIABLES.contains(&name.as_str()));
        Ok(loaded)
    }
}

impl Args for SettingFlags {
    fn augment_args(command: Command) -> Command {
        command.args(config::args())
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(Sources::of_process(matches)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0 = Sources::of_process(matches);
        Ok(())
    }
}

//! What an expression reads of its variables, so that nothing else is copied for it.

use indexmap::IndexMap;

/// The parts of a value that are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reads {
    /// Whether the value is read whole.
    pub(super) whole: bool,
    /// The members of which something is read.
    pub(super) members: IndexMap<String, Reads>,
}

impl Reads {
    /// Adds the value at this path of member names.
    pub(super) fn add(&mut self, path: &[&str]) {
        match path {
            [] => self.whole = true,
            [member, below @ ..] => {
                let member = self.members.entry((*member).to_owned());
                member.or_default().add(below);
            }
        }
    }
}

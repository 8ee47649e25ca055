//! How this system is spoken to: hints must lead back to it, not to another one.

use std::path::Path;

/// The options that every command for this system needs.
#[derive(Debug, Clone, Default)]
pub struct Invocation(String);

impl Invocation {
    /// As the options were given.
    #[must_use]
    pub fn new(config: Option<&Path>, demo: bool) -> Self {
        let mut options = config.map(|file| format!(" --config {}", file.display())).unwrap_or_default();
        if demo {
            options.push_str(" --demo");
        }
        Self(options)
    }

    /// The command that a person types.
    #[must_use]
    pub fn command(&self, command: &str) -> String {
        format!("supervisor {command}{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_lead_back_to_the_same_system() {
        assert_eq!(Invocation::default().command("start"), "supervisor start");
        let invocation = Invocation::new(Some(Path::new("a.toml")), true);
        assert_eq!(invocation.command("status"), "supervisor status --config a.toml --demo");
    }
}

//! Who may come to which socket. Pure.

use crate::relay::Door;
use trawl_protocol::{Hello, LaunchSecret, ProcessId, Refusal, Role, socket::PeerProcess};

/// A child that is alive.
#[derive(Debug, Clone)]
pub struct Child {
    /// Its address.
    pub id: ProcessId,
    /// Its process id.
    pub pid: u32,
    /// What it was given.
    pub secret: LaunchSecret,
}

/// Who it turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// A child of ours.
    Child(ProcessId),
    /// A crawler that somebody started by hand.
    External,
}

/// Finds out who has connected.
///
/// # Errors
/// Nobody whom we let in.
pub fn identify(
    children: impl IntoIterator<Item = Child>,
    accept_external: bool,
    door: Door,
    peer: PeerProcess,
    hello: &Hello,
) -> Result<Identity, Refusal> {
    let refused = |reason: &str| Err(Refusal { reason: reason.to_owned(), again: false });
    let Some(secret) = &hello.secret else {
        return match (door, hello.role, &hello.own_instance) {
            (Door::Auth, ..) => refused("credentials are only for processes that the supervisor has started"),
            (Door::Bus, Role::Website, _) => refused("a website is started by the supervisor alone"),
            (Door::Bus, Role::Crawler, _) if !accept_external => {
                refused("crawlers started by hand are not accepted; set crawler.accept_external to true")
            }
            (Door::Bus, Role::Crawler, None) => {
                refused("a crawler started by hand brings its own GitLab token, or is started by the supervisor")
            }
            (Door::Bus, Role::Crawler, Some(_)) => Ok(Identity::External),
        };
    };
    let known = children.into_iter().filter(|child| child.pid == peer.pid);
    // All are compared, so that the time tells nothing.
    let mut found = None;
    for child in known {
        if child.secret.matches(secret) {
            found = Some(child.id);
        }
    }
    match (found, hello.role) {
        (Some(id), role) if (id == ProcessId::WEBSITE) == (role == Role::Website) => Ok(Identity::Child(id)),
        (Some(id), _) => refused(&format!("{id} says that it is something else")),
        (None, _) => refused("it is no process that the supervisor has started"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trawl_protocol::Boot;

    const PEER: PeerProcess = PeerProcess { pid: 7, uid: 0 };

    fn hello(role: Role, secret: Option<&LaunchSecret>, own: bool) -> Hello {
        Hello {
            role,
            boot: Boot(1),
            secret: secret.cloned(),
            build: String::new(),
            capacity: 1,
            kinds: Vec::new(),
            own_instance: own.then(|| "https://gitlab.example".to_owned()),
        }
    }

    #[test]
    fn a_child_needs_its_pid_and_its_secret_and_its_role() {
        let (mine, other) = (LaunchSecret::random(), LaunchSecret::random());
        let ask = |pid, role, secret| {
            let child = Child { id: ProcessId::crawler(2), pid, secret: mine.clone() };
            identify([child], true, Door::Auth, PEER, &hello(role, Some(secret), false))
        };
        assert_eq!(ask(7, Role::Crawler, &mine).unwrap(), Identity::Child(ProcessId::crawler(2)));
        assert!(ask(8, Role::Crawler, &mine).is_err(), "a secret that was stolen is of no use");
        assert!(ask(7, Role::Crawler, &other).is_err(), "neither is a process id that was used again");
        assert!(ask(7, Role::Website, &mine).is_err(), "a crawler never writes credentials");
    }

    #[test]
    fn strangers_are_crawlers_with_a_token_of_their_own_or_refused() {
        let ask = |external, door, role, own| identify([], external, door, PEER, &hello(role, None, own));
        assert_eq!(ask(true, Door::Bus, Role::Crawler, true).unwrap(), Identity::External);
        for (external, door, role, own) in [
            (false, Door::Bus, Role::Crawler, true),
            (true, Door::Bus, Role::Crawler, false),
            (true, Door::Bus, Role::Website, true),
            (true, Door::Auth, Role::Crawler, true),
            (true, Door::Auth, Role::Website, true),
        ] {
            let refusal = ask(external, door, role, own).unwrap_err();
            assert!(!refusal.again && refusal.reason.contains(' '), "{refusal}");
        }
    }
}

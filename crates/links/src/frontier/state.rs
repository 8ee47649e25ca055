use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};

use super::{Frontier, LeftOut, Pending};
use crate::Error;

/// The form that is kept with a checkpoint: of 5,000 links and 2,000 waiting pages about 150 KB as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Of this form.
    version: u32,
    done: u32,
    /// Waiting pages: how much of the address is that of the one before, the rest of it, the depth, and whether it was
    /// known before.
    pages: Vec<(usize, String, u32, bool)>,
    /// Digests, 8 bytes each, in Base64.
    seen: String,
    queued: String,
    shapes: String,
    hosts: Vec<String>,
    left_out: (u64, u64),
}

const VERSION: u32 = 1;

impl State {
    pub(super) fn of(frontier: &Frontier) -> Self {
        let mark = frontier.committed;
        let waiting = (mark.pages - frontier.done) as usize;
        Self {
            version: VERSION,
            done: frontier.done,
            pages: pack_pages(frontier.pages.iter().take(waiting)),
            seen: pack(frontier.seen.prefix(mark.seen)),
            queued: pack(frontier.queued.prefix(mark.queued)),
            shapes: pack(frontier.shapes.prefix(mark.shapes)),
            hosts: frontier.hosts[..mark.hosts].to_vec(),
            left_out: (mark.left_out.pages, mark.left_out.links),
        }
    }

    pub(super) fn restore(&self, frontier: &mut Frontier) -> Result<(), Error> {
        if self.version != VERSION {
            return Err(Error::State(format!("its version is {}, ours is {VERSION}", self.version)));
        }
        frontier.done = self.done;
        frontier.pages = unpack_pages(&self.pages)?.into();
        for digest in unpack(&self.seen)? {
            frontier.seen.insert(digest);
        }
        for digest in unpack(&self.queued)? {
            frontier.queued.insert(digest);
        }
        for digest in unpack(&self.shapes)? {
            frontier.shapes.push(digest);
        }
        frontier.hosts.clone_from(&self.hosts);
        frontier.left_out = LeftOut { pages: self.left_out.0, links: self.left_out.1 };
        Ok(())
    }
}

fn pack(digests: &[u64]) -> String {
    let bytes = digests.iter().flat_map(|digest| digest.to_be_bytes()).collect::<Vec<_>>();
    STANDARD_NO_PAD.encode(bytes)
}

fn unpack(text: &str) -> Result<Vec<u64>, Error> {
    let bytes = STANDARD_NO_PAD.decode(text).map_err(|error| Error::State(error.to_string()))?;
    let (digests, []) = bytes.as_chunks::<8>() else {
        return Err(Error::State("it is cut short".to_owned()));
    };
    Ok(digests.iter().map(|digest| u64::from_be_bytes(*digest)).collect())
}

fn pack_pages<'a>(pages: impl Iterator<Item = &'a Pending>) -> Vec<(usize, String, u32, bool)> {
    let mut previous = "";
    pages
        .map(|page| {
            let url = page.url.as_str();
            // URLs are ASCII, so every byte is a place to cut.
            let shared = url.bytes().zip(previous.bytes()).take_while(|(a, b)| a == b).count();
            previous = url;
            (shared, url[shared..].to_owned(), page.depth, page.known)
        })
        .collect()
}

fn unpack_pages(packed: &[(usize, String, u32, bool)]) -> Result<Vec<Pending>, Error> {
    let mut url = String::new();
    let page = |(shared, rest, depth, known): &(usize, String, u32, bool)| {
        if !url.is_char_boundary(*shared) {
            return Err(Error::State("a page's address is cut short".to_owned()));
        }
        url.truncate(*shared);
        url.push_str(rest);
        let url = url.parse().map_err(|error| Error::State(format!("a page's address cannot be read: {error}")))?;
        Ok(Pending { url, depth: *depth, known: *known })
    };
    packed.iter().map(page).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_state_is_refused() {
        for bad in ["A", "!!!!", "AAAA"] {
            assert!(matches!(unpack(bad), Err(Error::State(_))), "{bad}");
        }
        assert!(unpack_pages(&[(3, "x".to_owned(), 0, false)]).is_err());
        assert!(unpack_pages(&[(0, "no address".to_owned(), 0, false)]).is_err());
    }

    proptest! {
        #[test]
        fn digests_come_back(digests in proptest::collection::vec(any::<u64>(), 0..20)) {
            prop_assert_eq!(unpack(&pack(&digests)).unwrap(), digests);
        }

        #[test]
        fn pages_come_back(paths in proptest::collection::vec(("[ab/]{0,6}", 0_u32..9), 0..20)) {
            let pages = paths
                .iter()
                .map(|(path, depth)| Pending { url: format!("http://a.example/{path}").parse().unwrap(), depth: *depth, known: depth % 2 == 0 })
                .collect::<Vec<_>>();
            prop_assert_eq!(unpack_pages(&pack_pages(pages.iter())).unwrap(), pages);
        }
    }
}

//! Where the daemons are: in the target directory that this test was built into.

use std::path::PathBuf;

/// The directory with `supervisor`, `website`, `crawler` and `gitlab-sim`.
pub(crate) fn binaries() -> PathBuf {
    // target/debug/deps/e2e-…
    let own = std::env::current_exe().unwrap();
    let directory = own.ancestors().nth(2).unwrap().to_owned();
    for name in ["supervisor", "website", "crawler", "gitlab-sim"] {
        let program = directory.join(name);
        assert!(
            program.is_file(),
            "{} is missing; build the workspace first: cargo build --workspace (scripts/test does)",
            program.display()
        );
    }
    directory
}

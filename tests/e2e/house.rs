//! The order of the house: who may lean on whom, and what must not be there at all.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use toml::{Table, Value};

/// What each crate may use of the others. What a test uses is another matter.
const RULE: [(&str, &[&str]); 10] = [
    ("jobs", &[]),
    ("settings", &[]),
    ("gitlab", &[]),
    ("links", &[]),
    ("protocol", &["jobs"]),
    ("store", &["jobs"]),
    ("supervisor", &["protocol", "settings"]),
    ("crawler", &["protocol", "jobs", "settings", "gitlab", "links"]),
    ("website", &["protocol", "jobs", "settings", "store", "gitlab"]),
    ("gitlab-sim", &[]),
];

/// What must not be reached from where, even through others.
const ABSENT: [(&str, &[&str]); 6] = [
    ("protocol", &["diesel", "actix-web", "reqwest"]),
    ("supervisor", &["diesel", "actix-web", "reqwest", "libsqlite3-sys", "pq-sys"]),
    ("crawler", &["diesel", "actix-web", "libsqlite3-sys", "pq-sys"]),
    ("jobs", &["tokio", "diesel", "reqwest"]),
    ("settings", &["tokio"]),
    ("store", &["actix-web", "reqwest"]),
];

/// What must not be in the lock file: one TLS library, without C and without a build of its own.
const BANNED: [&str; 5] = ["openssl", "openssl-sys", "native-tls", "aws-lc-rs", "aws-lc-sys"];

/// Whoever builds on Trawl owes nothing but a notice. The same list as in `.cargo/deny.toml`.
const PERMISSIVE: [&str; 12] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "PostgreSQL",
    "Unicode-3.0",
    "Zlib",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &Path) -> Table {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Names in `[dependencies]`, those for one platform and those of the build script among them.
fn dependencies(manifest: &Table) -> BTreeSet<String> {
    let keys = |table: Option<&Value>| -> Vec<String> {
        table.and_then(Value::as_table).into_iter().flat_map(|table| table.keys().cloned()).collect()
    };
    let mut names: BTreeSet<String> = keys(manifest.get("dependencies")).into_iter().collect();
    names.extend(keys(manifest.get("build-dependencies")));
    let targets = manifest.get("target").and_then(Value::as_table);
    for target in targets.into_iter().flat_map(Table::values) {
        names.extend(keys(target.get("dependencies")));
    }
    names
}

fn of_crate(name: &str) -> BTreeSet<String> {
    dependencies(&read(&root().join("crates").join(name).join("Cargo.toml")))
}

/// What each package of the lock file needs.
fn lock() -> BTreeMap<String, BTreeSet<String>> {
    let mut packages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in read(&root().join("Cargo.lock"))["package"].as_array().unwrap() {
        let names = package.get("dependencies").and_then(Value::as_array).into_iter().flatten();
        // "name", or "name version" where there are several.
        let names = names.filter_map(|name| name.as_str()?.split(' ').next().map(str::to_owned));
        packages.entry(package["name"].as_str().unwrap().to_owned()).or_default().extend(names);
    }
    packages
}

/// Everything that a crate of ours reaches. Of our own crates the manifests count: the lock file does not tell what
/// only tests use.
fn reach(name: &str, lock: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<String> = of_crate(name).into_iter().collect();
    while let Some(next) = open.pop() {
        if reached.insert(next.clone()) {
            match next.strip_prefix("trawl-") {
                Some(ours) => open.extend(of_crate(ours)),
                None => open.extend(lock.get(&next).unwrap_or_else(|| panic!("{next} is not locked")).iter().cloned()),
            }
        }
    }
    reached
}

#[test]
fn every_crate_keeps_to_the_rule() {
    let crates: BTreeSet<String> = fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let ruled: BTreeSet<String> = RULE.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(crates, ruled, "each crate has a rule");
    for (name, allowed) in RULE {
        for used in of_crate(name).iter().filter_map(|used| used.strip_prefix("trawl-")) {
            assert!(allowed.contains(&used), "{name} uses {used}");
        }
    }
}

#[test]
fn what_must_not_be_reached_is_not() {
    let lock = lock();
    assert!(reach("website", &lock).contains("actix-web") && reach("store", &lock).contains("diesel"));
    for (name, absent) in ABSENT {
        let reached = reach(name, &lock);
        let found: Vec<_> = absent.iter().filter(|absent| reached.contains(**absent)).collect();
        assert!(found.is_empty(), "{name} reaches {found:?}");
    }
}

#[test]
fn one_tls_library_without_c() {
    let lock = lock();
    assert!(lock.contains_key("rustls"));
    let found: Vec<_> = BANNED.iter().filter(|banned| lock.contains_key(**banned)).collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn every_licence_is_permissive() {
    let arguments = ["metadata", "--format-version", "1", "--locked"];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "{}", packages.len());
    for package in packages {
        let licence = package["license"].as_str().unwrap_or_default();
        // All of those with "and", any of those with "or", which older packages write as a slash.
        let is_permissive = licence.split(" AND ").all(|part| {
            let choices = part.trim_matches(['(', ')']).split(" OR ").flat_map(|choice| choice.split('/'));
            choices.map(str::trim).any(|choice| PERMISSIVE.contains(&choice))
        });
        assert!(is_permissive, "{} is under {licence:?}", package["name"]);
    }
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |backend: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(root().join("migrations").join(backend)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let sqlite = names("sqlite");
    assert!(!sqlite.is_empty());
    assert_eq!(sqlite, names("postgres"));
    for (backend, name) in
        ["sqlite", "postgres"].iter().flat_map(|backend| sqlite.iter().map(move |name| (backend, name)))
    {
        for direction in ["up.sql", "down.sql"] {
            let file = root().join("migrations").join(backend).join(name).join(direction);
            assert!(fs::metadata(&file).is_ok_and(|file| file.len() > 0), "{}", file.display());
        }
    }
}

#[test]
fn the_papers_name_files_that_exist() {
    let root = root();
    for paper in
        ["README.md", "docs/ARCHITECTURE.md", "docs/first-steps.md", "docs/operations.md", "docs/writing-a-job.md"]
    {
        let text = fs::read_to_string(root.join(paper)).unwrap();
        // Every other piece between backquotes is code.
        let mut named = text.split('`').skip(1).step_by(2).filter(|code| !code.contains(['\n', ' ', '*', '{']));
        let mut found = 0;
        let missing = named.find(|code| {
            let is_path = Path::new(code).extension().is_some_and(|ending| ending == "rs")
                || code.starts_with("crates/")
                || code.starts_with("tests/");
            found += usize::from(is_path);
            let mut places =
                ["", "crates", "crates/crawler/src", "crates/protocol/src", "crates/website/src"].into_iter();
            is_path && !places.any(|place| root.join(place).join(code).exists())
        });
        assert_eq!(missing, None, "{paper} names a file that is not there");
        assert!(found > 0 || !paper.ends_with("ARCHITECTURE.md"), "nothing was looked at");
    }
}

#[test]
fn every_key_is_explained_to_operators() {
    let paper = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    for (section, keys) in Table::try_from(trawl_settings::Settings::default()).unwrap() {
        let shipped = fs::read_to_string(root().join("supervisor.toml")).unwrap();
        for key in keys.as_table().unwrap().keys() {
            assert!(paper.contains(&format!("| `{section}.{key}` |")), "{section}.{key} is not in docs/operations.md");
        }
        // Those without a default are shown only as a comment.
        let commented = shipped.split(&format!("[{section}]\n")).nth(1).unwrap().split("\n[").next().unwrap();
        for line in commented.lines().filter_map(|line| line.strip_prefix("# ")) {
            if let Some((key, _)) = line.split_once(" = ").filter(|(key, _)| !key.contains(' ')) {
                assert!(
                    paper.contains(&format!("| `{section}.{key}` |")),
                    "{section}.{key} is not in docs/operations.md"
                );
            }
        }
    }
}

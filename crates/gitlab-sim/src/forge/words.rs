//! The words that names, titles and texts are made of.

#[rustfmt::skip]
pub(crate) const PEOPLE: &[(&str, &str)] = &[
    ("aiko.tanaka", "Aiko Tanaka"), ("bogdan.ionescu", "Bogdan Ionescu"), ("chidi.eze", "Chidi Eze"),
    ("d.nguyen", "Nguyễn Thị Dung"), ("eero.virtanen", "Eero Virtanen"), ("fatima-zahra", "Fatima Zahra El Amrani"),
    ("giulia_conti", "Giulia Conti"), ("hassan.rezaei", "حسن رضایی"), ("ingrid.solberg", "Ingrid Solberg"),
    ("joao.almeida", "João Almeida"), ("kwame.mensah", "Kwame Mensah"), ("lwei", "李伟"),
    ("malia.kahale", "Mālia Kahale"), ("nadia.petrova", "Надія Петрова"), ("oisin.byrne", "Oisín Byrne"),
    ("priya.raman", "Priya Raman"), ("quispe.r", "Rosa Quispe Mamani"), ("rafael.souza", "Rafael de Souza"),
    ("s.kim", "김서연"), ("tamar.levi", "תמר לוי"), ("ulrike.baum", "Ulrike Baumgärtner"),
    ("valdis.kalnins", "Valdis Kalniņš"), ("wanjiru.k", "Wanjiru Kamau"), ("xochitl.r", "Xóchitl Ramírez"),
    ("yusuf.demir", "Yusuf Demir"), ("zofia.wrobel", "Zofia Wróbel"), ("arjun.s", "Arjun Singh Gill"),
    ("bea.dupont", "Béatrice Dupont"),
];

#[rustfmt::skip]
pub(crate) const LABELS: &[(&str, &str, Option<&str>)] = &[
    ("bug", "#dc143c", Some("Something does not work as written")), ("feature", "#428bca", Some("Something new")),
    ("security", "#8b0000", Some("Handle with care")), ("performance", "#e67e22", None),
    ("documentation", "#1abc9c", None), ("good first issue", "#69d100", Some("A small start")),
    ("priority::1", "#ff0000", Some("Now")), ("priority::2", "#ff8c00", Some("Soon")), ("priority::3", "#ffd700", Some("Some day")),
    ("workflow::ready", "#7f8c8d", None), ("workflow::in dev", "#34495e", None), ("workflow::review", "#9b59b6", None),
    ("needs-info", "#f0ad4e", None), ("tech debt", "#795548", None), ("a11y", "#0033cc", Some("Usable by everyone")),
    ("upstream", "#cccccc", None), ("regression", "#d9534f", None), ("i18n", "#5cb85c", None),
];

#[rustfmt::skip]
pub(crate) const SYMPTOMS: &[&str] = &[
    "fails after a restart", "loses the last page", "is slow with more than 10,000 rows", "returns 500 for an empty body",
    "shows the wrong time zone", "leaks a file descriptor", "does not retry on 503", "ignores the proxy setting",
    "breaks on names with umlauts", "blocks sign-out", "counts archived entries twice", "logs the full request",
    "crashes when offline", "keeps stale permissions", "drops the query string", "times out behind the VPN",
    "flickers in dark mode", "cannot be reached by keyboard", "sends two e-mails", "misses leap days",
];

#[rustfmt::skip]
pub(crate) const PARTS: &[&str] = &[
    "Rate limiter", "Invoice export", "Session refresh", "Search index", "Health check", "Webhook delivery", "Config reload",
    "Image upload", "Audit log", "Pagination", "Token rotation", "Dashboard", "Retry queue", "Schema migration", "Cache warm-up",
    "Notification digest", "Password reset", "Calendar import", "Map view", "Nightly backup", "TLS handshake", "CSV import",
    "Dependency scan", "Offline mode", "Release notes", "Access review", "Cost report", "Onboarding checklist",
];

#[rustfmt::skip]
pub(crate) const WISHES: &[&str] = &[
    "Let people choose the language of", "Document how to operate", "Add metrics to", "Add a dry run to", "Make it possible to cancel",
    "Replace the old library behind", "Write load tests for", "Describe the failure modes of", "Reduce the memory use of",
    "Remove the feature flag from", "Support several accounts in", "Split the settings of",
];

#[rustfmt::skip]
pub(crate) const DEEDS: &[&str] = &[
    "Fix", "Refactor", "Speed up", "Add tests for", "Simplify", "Log less in", "Harden", "Clean up after", "Translate", "Instrument",
    "Deprecate", "Move to the new client:", "Pin versions for", "Make configurable:",
];

#[rustfmt::skip]
pub(crate) const SENTENCES: &[&str] = &[
    "It happens about once a day, always in the second hour after midnight.", "The log shows nothing at level info.",
    "A restart helps for a while.", "We saw this first after the last upgrade.", "Two customers reported it independently.",
    "The workaround is to clear the cache by hand.", "I could not reproduce it on staging.", "This blocks the release.",
    "The old behaviour was never documented, so we may change it.", "Please keep the API as it is.", "Numbers are in the sheet linked below.",
    "The test that should have caught this was skipped.", "It only affects tenants with more than one region.",
    "A smaller change first, the rest in a follow-up.", "Nobody owns this part at the moment.",
];

#[rustfmt::skip]
pub(crate) const REMARKS: &[&str] = &[
    "Thanks, looking into it.", "I can reproduce this.", "Could you attach the log?", "Done in the latest revision.", "LGTM :thumbsup:",
    "Can we split this?", "I would rather keep the old name here.", "Measured again: 40 % less.", "Is this still needed?",
    "Rebased on main.", "This needs a note in the changelog.", "Agreed, let us do that next week.", "The pipeline is green now.",
    "Same here, on version 4.2.", "See the discussion in the meeting notes.", "Nice catch!", "Please add a test.", "Closing as a duplicate, thank you.",
    "What happens with an empty list?", "I have no strong opinion.", "Works for me after clearing cookies.", "Deployed to staging.",
];

#[rustfmt::skip]
pub(crate) const SYSTEM: &[&str] = &[
    "changed the description", "assigned to @maria", "added ~1 label", "marked this issue as related to #3", "mentioned in commit 4f2a91c0",
    "changed milestone to %\"Next\"", "added 2 commits", "approved this merge request", "changed due date to next Friday", "unassigned @tom",
];

/// Texts that a careless reader would run, mirror or break on. All of them are valid in GitLab.
#[rustfmt::skip]
pub(crate) const HOSTILE: &[&str] = &[
    "<script>alert('title')</script>", "\"><img src=x onerror=alert(1)>", "\u{202e}txt.exe reversed by a mark\u{202c}",
    "🧨🔥👩🏽‍🚀🏳️‍🌈 emoji first", "Bell\u{7} and escape \u{1b}[31mred\u{1b}[0m", "javascript:alert(document.domain)",
    "{{7*7}} ${7*7} <%= 7*7 %> #{7*7}", "'; DROP TABLE resources; --", "Z\u{0351}\u{036b}\u{0343}a\u{0314}\u{036f}l\u{0300}g\u{0317}o\u{033d} in the title",
    "[click me](javascript:alert(1)) ![x](https://tracker.invalid/p.gif)", "</textarea></title><svg/onload=alert(2)>", "\u{feff}\u{200b}zero\u{200b}width\u{2060}",
];

//! Exit codes, one for each reason that a person can do something about. From sysexits.h where that has one.

/// A key or a file of the configuration is wrong.
pub const CONFIG: u8 = 78;
/// A needed binary is missing.
pub const MISSING_BINARY: u8 = 72;
/// The address to listen on is taken or not ours.
pub const ADDRESS: u8 = 71;
/// The supervisor cannot be reached, or refused us.
pub const NO_SUPERVISOR: u8 = 69;
/// The database was written by a newer version.
pub const DATABASE_NEWER: u8 = 76;
/// Another website has to end before this one can begin: it has to change the database's tables.
pub const ALONE: u8 = 75;
/// The database cannot be opened.
pub const DATABASE: u8 = 74;
/// GitLab refused the token.
pub const BAD_TOKEN: u8 = 77;
/// GitLab cannot be reached.
pub const NO_GITLAB: u8 = 68;
/// A supervised process failed for good.
pub const CHILD_FAILED: u8 = 70;

/// Whether starting the same process again would only end the same way: the supervisor then leaves it down and shows
/// the reason.
#[must_use]
pub const fn is_final(code: i32) -> bool {
    // Plain integers, since a child's code comes as one.
    matches!(code, 71 | 72 | 74 | 76 | 77 | 78)
}

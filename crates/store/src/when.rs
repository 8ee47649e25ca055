//! Times. UTC, in microseconds, which is what both databases keep.

use chrono::{DateTime, Datelike as _, NaiveDateTime, SubsecRound as _, Timelike as _, Utc};
use diesel::{
    backend::Backend,
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::Pg,
    serialize::{self, IsNull, Output, ToSql},
    sql_types::Timestamp,
    sqlite::Sqlite,
};

/// The time, no finer than a database keeps it.
#[must_use]
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

/// For a column.
pub(crate) fn stored(time: DateTime<Utc>) -> Stamp {
    Stamp(time.naive_utc().trunc_subsecs(6))
}

/// A time in a column. In SQLite the same text as diesel's, which is read and written here digit by digit: a job has a
/// dozen of them in its life, and chrono interprets a format for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = Timestamp)]
pub struct Stamp(NaiveDateTime);

impl Stamp {
    /// The time.
    pub(crate) const fn and_utc(self) -> DateTime<Utc> {
        self.0.and_utc()
    }
}

impl ToSql<Timestamp, Pg> for Stamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Timestamp, Pg>::to_sql(&self.0, out)
    }
}

impl FromSql<Timestamp, Pg> for Stamp {
    fn from_sql(value: <Pg as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        FromSql::<Timestamp, Pg>::from_sql(value).map(Self)
    }
}

impl ToSql<Timestamp, Sqlite> for Stamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        match written(self.0) {
            Some(text) => {
                out.set_value(text);
                Ok(IsNull::No)
            }
            None => ToSql::<Timestamp, Sqlite>::to_sql(&self.0, out),
        }
    }
}

impl FromSql<Timestamp, Sqlite> for Stamp {
    fn from_sql(mut value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        match read(value.read_text()) {
            Some(time) => Ok(Self(time)),
            // What somebody else has written, in another of the forms that SQLite knows.
            None => FromSql::<Timestamp, Sqlite>::from_sql(value).map(Self),
        }
    }
}

/// `2026-11-25 07:04:09`, and after a point three or six digits more where they are not all nought.
fn written(time: NaiveDateTime) -> Option<String> {
    let year = u32::try_from(time.year()).ok().filter(|year| (1000..10_000).contains(year))?;
    let micros = time.nanosecond() / 1000;
    if !time.nanosecond().is_multiple_of(1000) || micros >= 1_000_000 {
        return None;
    }
    let mut text = String::with_capacity(26);
    let mut put = |before: Option<char>, number: u32, digits: u32| {
        text.extend(before);
        for place in (0..digits).rev() {
            text.extend(char::from_digit(number / 10_u32.pow(place) % 10, 10));
        }
    };
    put(None, year, 4);
    put(Some('-'), time.month(), 2);
    put(Some('-'), time.day(), 2);
    put(Some(' '), time.hour(), 2);
    put(Some(':'), time.minute(), 2);
    put(Some(':'), time.second(), 2);
    match (micros, micros % 1000) {
        (0, _) => {}
        (_, 0) => put(Some('.'), micros / 1000, 3),
        _ => put(Some('.'), micros, 6),
    }
    Some(text)
}

fn read(text: &str) -> Option<NaiveDateTime> {
    let bytes = text.as_bytes();
    let number = |from: usize, digits: usize| {
        bytes
            .get(from..from + digits)?
            .iter()
            .try_fold(0_u32, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0')))
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b' '), (13, b':'), (16, b':'), (19, b'.')];
    if !marks.iter().all(|(at, mark)| bytes.get(*at).is_none_or(|byte| byte == mark)) {
        return None;
    }
    let micros = match bytes.len() {
        19 => 0,
        23 => number(20, 3)? * 1000,
        26 => number(20, 6)?,
        _ => return None,
    };
    let year = i32::try_from(number(0, 4)?).ok()?;
    chrono::NaiveDate::from_ymd_opt(year, number(5, 2)?, number(8, 2)?)?.and_hms_micro_opt(
        number(11, 2)?,
        number(14, 2)?,
        number(17, 2)?,
        micros,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use diesel::{Connection as _, RunQueryDsl as _, SqliteConnection, dsl::select, sql_types::Text};

    #[test]
    fn sqlite_has_the_text_that_diesel_writes() {
        let mut conn = SqliteConnection::establish(":memory:").unwrap();
        for text in [
            "2026-11-25 07:04:09",
            "2026-11-25 07:04:09.120",
            "2026-11-25 07:04:09.000001",
            "1000-01-01 00:00:00",
            "9999-12-31 23:59:59.999999",
            "0999-02-03 04:05:06",
        ] {
            let theirs = NaiveDateTime::parse_from_str(text, "%F %T%.f").unwrap();
            let stored: String =
                select(diesel::dsl::sql::<Text>("").bind::<Timestamp, _>(theirs)).get_result(&mut conn).unwrap();
            let ours: String =
                select(diesel::dsl::sql::<Text>("").bind::<Timestamp, _>(Stamp(theirs))).get_result(&mut conn).unwrap();
            assert_eq!(ours, stored);
            let back: Stamp =
                select(diesel::dsl::sql::<Timestamp>("").bind::<Text, _>(&stored)).get_result(&mut conn).unwrap();
            assert_eq!(back.0, theirs);
        }
    }

    #[test]
    fn other_forms_are_understood() {
        let mut conn = SqliteConnection::establish(":memory:").unwrap();
        let mut read =
            |text: &str| select(diesel::dsl::sql::<Timestamp>("").bind::<Text, _>(text)).get_result::<Stamp>(&mut conn);
        let short = read("2026-11-25 07:04:09.5").unwrap();
        assert_eq!(short.and_utc().to_rfc3339(), "2026-11-25T07:04:09.500+00:00");
        assert_eq!(read("2026-11-25T07:04:09.500Z").unwrap(), short);
        for broken in ["", "2026-13-25 07:04:09", "2026-11-25 07:04:xx", "yesterday"] {
            assert!(read(broken).is_err(), "{broken:?}");
        }
    }
}

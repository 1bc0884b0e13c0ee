//! What can go wrong with the store.

/// A fault of the store.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The database cannot be reached, or cannot write: try again later.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The object was changed by someone else meanwhile.
    #[error("the object has version {current}, not the one that was given")]
    Conflict {
        /// The version that it has.
        current: i64,
    },
    /// The name is taken.
    #[error("the name is taken")]
    NameTaken,
    /// The store was written by a newer version of this program.
    #[error(
        "the store was written by a newer version of this program (schema version {0}); start that version, or restore a backup"
    )]
    Newer(i64),
    /// The store cannot be read: it is damaged or no store.
    #[error("the store is damaged or is no Tieline store: {0}; restore a backup")]
    Damaged(String),
    /// The store holds something that this program never writes.
    #[error("unexpected content in the store: {0}")]
    Content(String),
}

impl Error {
    /// A row that cannot be what this program wrote.
    pub(crate) fn content(what: impl std::fmt::Display) -> Self {
        Self::Content(what.to_string())
    }
}

/// Classes of Postgres' codes that say that the row is at fault: data exceptions, violated constraints.
const ROW_CLASSES: [&str; 2] = ["22", "23"];

/// The length of a code of Postgres; those of SQLite are shorter.
const SQLSTATE: usize = 5;

/// SQLite's primary result codes for a file that is no database: `SQLITE_CORRUPT`, `SQLITE_NOTADB`.
const DAMAGED_CODES: [&str; 2] = ["11", "26"];

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(e) if e.code().is_some_and(|c| DAMAGED_CODES.contains(&&*c)) => {
                Self::Damaged(e.message().to_owned())
            }
            sqlx::Error::Database(e) if e.code().is_some_and(|c| blames_row(&c)) => {
                Self::Content(e.message().to_owned())
            }
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::Decode(_)
            | sqlx::Error::ColumnNotFound(_) => Self::Content(error.to_string()),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ffi::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged(error.to_string())
            }
            Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch) | None => {
                Self::Content(error.to_string())
            }
            Some(_) => Self::Unavailable(error.to_string()),
        }
    }
}

fn blames_row(code: &str) -> bool {
    code.len() == SQLSTATE && ROW_CLASSES.iter().any(|class| code.starts_with(class))
}

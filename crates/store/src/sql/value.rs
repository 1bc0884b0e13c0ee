//! How values are kept in columns: ids and words as text, times and durations as microseconds.

use std::{borrow::Cow, sync::Arc, time::Duration};

use rusqlite::types::FromSql;
use sqlx::{Decode, Postgres, Sqlite, Type};
use tieline_domain::{
    AgentId, ApiKeyId, ApprovalId, ArtifactId, AttemptId, AuditId, CallId, ClientId,
    ConversationId, DeliveryId, DestinationId, EventId, JobId, MessageId, RequestId, SourceId,
    TenantId, Timestamp, TriggerId, TriggerRunId, TurnId,
    access::Scopes,
    conversation::{self, Decision, Role, StepKind, TurnStatus, WaitsFor},
    delivery, destination, job,
    pattern::EventType,
    trigger::{self, RunStatus},
};

use crate::{
    Error, Result,
    audit::Action,
    documents::Kind,
    sealed::SealedKind,
    store::{hash, parsed},
};

/// A value in one of the types that both databases know; `None` is `NULL`.
#[derive(Clone)]
pub(crate) enum Value<'v> {
    Text(Option<Cow<'v, str>>),
    Int(Option<i64>),
    Bool(Option<bool>),
    Bytes(Option<&'v [u8]>),
}

/// What can be given to a place of a statement.
pub(crate) trait Bind<'v> {
    /// What stands for none: it has a type as well.
    const NULL: Value<'v>;

    /// What is kept of it.
    fn value(self) -> Value<'v>;
}

impl<'v, T: Bind<'v>> Bind<'v> for Option<T> {
    const NULL: Value<'v> = T::NULL;

    fn value(self) -> Value<'v> {
        self.map_or(T::NULL, T::value)
    }
}

/// What can be read from a column.
pub(crate) trait Column: Sized {
    /// As what both databases have it.
    type Kept: Primitive;

    /// Makes it of what was kept.
    fn from_kept(kept: Self::Kept) -> Result<Self>;
}

impl<T: Column> Column for Option<T> {
    type Kept = Option<T::Kept>;

    fn from_kept(kept: Self::Kept) -> Result<Self> {
        kept.map(T::from_kept).transpose()
    }
}

/// What all drivers can read.
pub(crate) trait Primitive:
    for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres> + FromSql
{
}

impl<T> Primitive for T where
    T: for<'r> Decode<'r, Sqlite>
        + Type<Sqlite>
        + for<'r> Decode<'r, Postgres>
        + Type<Postgres>
        + FromSql
{
}

/// How types are bound: as this kind of value, made of one of them in this way.
macro_rules! bound {
    ($($type:ty => $value:ident($this:ident: $made:expr);)*) => {$(
        impl<'v> Bind<'v> for $type {
            const NULL: Value<'v> = Value::$value(None);

            fn value(self) -> Value<'v> {
                let $this = self;
                Value::$value(Some($made))
            }
        }
    )*};
}

bound! {
    &'v str => Text(text: text.into());
    String => Text(text: text.into());
    &'v String => Text(text: text.into());
    &'v Arc<str> => Text(text: (&**text).into());
    i64 => Int(int: int);
    u16 => Int(int: int.into());
    u32 => Int(int: int.into());
    u64 => Int(int: int.try_into().unwrap_or(i64::MAX));
    usize => Int(int: int.try_into().unwrap_or(i64::MAX));
    Timestamp => Int(at: at.as_micros());
    Duration => Int(took: took.as_micros().try_into().unwrap_or(i64::MAX));
    bool => Bool(is: is);
    &'v [u8] => Bytes(bytes: bytes);
    &'v Vec<u8> => Bytes(bytes: bytes);
    &'v [u8; 32] => Bytes(bytes: bytes);
    &'v Scopes => Text(scopes: scopes.to_string().into());
    Action => Text(action: action.as_str().into());
    SealedKind => Text(kind: kind.as_str().into());
}

/// How types are read: from this one, in this way.
macro_rules! read {
    ($($type:ty = $kept:ident: $from:ty => $made:expr;)*) => {$(
        impl Column for $type {
            type Kept = $from;

            fn from_kept($kept: $from) -> Result<Self> {
                $made
            }
        }
    )*};
}

read! {
    String = text: String => Ok(text);
    Arc<str> = text: String => Ok(text.into());
    i64 = int: i64 => Ok(int);
    u16 = int: i64 => int.try_into().map_err(Error::content);
    u32 = int: i64 => int.try_into().map_err(Error::content);
    usize = int: i64 => int.try_into().map_err(Error::content);
    u64 = int: i64 => int.try_into().map_err(Error::content);
    Timestamp = micros: i64 => Ok(Timestamp::from_micros(micros));
    Duration = micros: i64 => micros.try_into().map(Duration::from_micros).map_err(Error::content);
    bool = is: bool => Ok(is);
    Vec<u8> = bytes: Vec<u8> => Ok(bytes);
    [u8; 32] = bytes: Vec<u8> => hash(&bytes);
    Scopes = text: String => parsed(&text);
    EventType = text: String => parsed(&text);
}

/// These are bound as the text that they print, and read from it.
macro_rules! as_text {
    ($($type:ty),* $(,)?) => {
        bound! { $($type => Text(this: this.to_string().into());)* }
        read! { $($type = text: String => parsed(&text);)* }
    };
}

as_text! {
    AgentId, ApiKeyId, ApprovalId, ArtifactId, AttemptId, AuditId, CallId, ClientId,
    ConversationId, DeliveryId, DestinationId, EventId, JobId, MessageId, RequestId, SourceId,
    TenantId, TriggerId, TriggerRunId, TurnId,
    conversation::Status, conversation::StepStatus, Decision, Role, StepKind, TurnStatus, WaitsFor,
    delivery::Status, destination::State, job::Kind, job::Status, Kind,
    trigger::StepStatus, RunStatus,
}

//! What becomes of a document's sealed value when the document is replaced.

use tieline_domain::{TenantId, Timestamp};

use crate::{
    Result,
    db::Tx,
    sealed::{self, NewSealed, SealedKind},
};

/// What becomes of a sealed value when its document is replaced, in the same commit.
#[derive(Clone, Debug)]
pub enum SealedChange {
    /// It stays as it is, or absent.
    Keep,
    /// This takes the place of all its versions.
    Set(NewSealed),
    /// It goes.
    Remove(SealedKind),
}

impl SealedChange {
    /// Changes the value of the document with this id.
    pub(super) async fn apply(
        &self,
        tx: &mut Tx,
        tenant: TenantId,
        id: &str,
        at: Timestamp,
    ) -> Result<()> {
        match self {
            Self::Keep => {}
            Self::Remove(kind) => {
                sealed::delete(tx, tenant, kind.as_str(), id).await?;
            }
            Self::Set(value) => {
                sealed::delete(tx, tenant, value.kind.as_str(), id).await?;
                sealed::insert(tx, value, 1, at).await?;
            }
        }
        Ok(())
    }
}

//! Objects that go one by one when they are old, each with what belongs to it.

use sqlx::{AssertSqlSafe, Database, Encode, Type, query::QueryAs};
use tieline_domain::{AuditId, CallId, JobId, TenantId, Timestamp, TriggerRunId};

use crate::{
    Result, Store,
    conversations::erasure,
    db::{in_tx, on_db},
};

/// Kinds of objects that go when they are old, each with what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Old {
    /// Rows of the audit log.
    Audit,
    /// Calls of tools and actions.
    Calls,
    /// Jobs that have ended.
    Jobs,
    /// Runs of triggers that have ended.
    TriggerRuns,
    /// Conversations in which nothing has happened, and in which no turn is at work or about to be. One that waits for
    /// a person only is old.
    Conversations,
}

/// How objects of a kind are removed.
struct Rule {
    /// Finds them: of `$1`, a tenant, over before `$2`, at most `$3`.
    find: &'static str,
    /// What is removed, as [`erasure::remove`] takes it.
    tables: &'static [&'static str],
}

/// Before what an object is old: an id, or a time.
enum Border {
    Id(String),
    Time(i64),
}

impl Border {
    fn bind<'q, DB: Database, O>(
        &self,
        query: QueryAs<'q, DB, O, DB::Arguments>,
    ) -> QueryAs<'q, DB, O, DB::Arguments>
    where
        String: Encode<'q, DB> + Type<DB>,
        i64: Encode<'q, DB> + Type<DB>,
    {
        match self {
            Self::Id(id) => query.bind(id.clone()),
            Self::Time(micros) => query.bind(*micros),
        }
    }
}

impl Old {
    fn rule(self) -> Rule {
        match self {
            Self::Audit => Rule {
                find: "SELECT id FROM audit WHERE tenant_id = $1 AND id < $2 ORDER BY id LIMIT $3",
                tables: &["DELETE FROM audit WHERE tenant_id = $1 AND id IN ({ids})"],
            },
            Self::Calls => Rule {
                find: "SELECT id FROM calls WHERE tenant_id = $1 AND id < $2 ORDER BY id LIMIT $3",
                tables: &["DELETE FROM calls WHERE tenant_id = $1 AND id IN ({ids})"],
            },
            Self::Jobs => Rule {
                find: "SELECT id FROM jobs WHERE tenant_id = $1 AND id < $2 AND ended_at IS NOT NULL \
                       ORDER BY id LIMIT $3",
                tables: &["DELETE FROM jobs WHERE tenant_id = $1 AND id IN ({ids})"],
            },
            Self::TriggerRuns => Rule {
                find: "SELECT id FROM trigger_runs WHERE tenant_id = $1 AND id < $2 AND ended_at IS NOT NULL \
                       ORDER BY id LIMIT $3",
                tables: &[
                    "DELETE FROM trigger_steps WHERE tenant_id = $1 AND run_id IN ({ids})",
                    "DELETE FROM trigger_runs WHERE tenant_id = $1 AND id IN ({ids})",
                ],
            },
            Self::Conversations => Rule {
                find: "SELECT id FROM conversations WHERE tenant_id = $1 AND updated_at < $2 AND NOT EXISTS \
                       (SELECT 1 FROM turns WHERE turns.conversation_id = conversations.id \
                       AND turns.status IN ('queued', 'running')) ORDER BY updated_at LIMIT $3",
                tables: &erasure::REMOVE,
            },
        }
    }

    fn border(self, before: Timestamp) -> Border {
        match self {
            Self::Audit => Border::Id(AuditId::new(before, 0).to_string()),
            Self::Calls => Border::Id(CallId::new(before, 0).to_string()),
            Self::Jobs => Border::Id(JobId::new(before, 0).to_string()),
            Self::TriggerRuns => Border::Id(TriggerRunId::new(before, 0).to_string()),
            Self::Conversations => Border::Time(before.as_micros()),
        }
    }
}

impl Store {
    /// Removes up to `limit` objects of a kind, with what belongs to them, that were over at `before`. Looks first, so
    /// that nobody waits where there is nothing.
    pub async fn remove_old(
        &self,
        kind: Old,
        tenant: TenantId,
        before: Timestamp,
        limit: usize,
    ) -> Result<u64> {
        let Rule { find, tables } = kind.rule();
        let before = kind.border(before);
        let any: Option<(String,)> = on_db!(self.db(), |c| {
            let query = sqlx::query_as(find).bind(tenant.to_string());
            before.bind(query).bind(1_i64).fetch_optional(c).await?
        });
        if any.is_none() {
            return Ok(0);
        }
        let text = format!("{find} {}", self.db().skip_locked());
        let mut tx = self.db().begin().await?;
        let ids: Vec<(String,)> = in_tx!(tx, |c| {
            let query = sqlx::query_as(AssertSqlSafe(text)).bind(tenant.to_string());
            before.bind(query).bind(limit as i64).fetch_all(c).await?
        });
        let ids: Vec<String> = ids.into_iter().map(|(id,)| id).collect();
        if ids.is_empty() {
            return Ok(0);
        }
        for statement in tables {
            erasure::remove(&mut tx, statement, tenant, &ids).await?;
        }
        tx.commit().await?;
        Ok(ids.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Db, Options};

    /// What is old is found by an index: removal must not read what stays.
    #[tokio::test]
    async fn what_is_old_is_found_by_an_index() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("plans.db");
        let options = Options { connections: 1 };
        let db = Db::open(file.to_str().unwrap(), &options).await.unwrap();
        db.migrate().await.unwrap();
        let kinds = [
            (Old::Audit, "SEARCH audit USING"),
            (Old::Calls, "SEARCH calls USING"),
            (Old::Jobs, "SEARCH jobs USING"),
            (Old::TriggerRuns, "SEARCH trigger_runs USING"),
            (
                Old::Conversations,
                "SEARCH conversations USING INDEX conversations_by_activity (tenant_id=? AND updated_at<?)",
            ),
        ];
        for (kind, expected) in kinds {
            let Rule { find, tables } = kind.rule();
            let found = plan(&db, find).await;
            assert!(found[0].starts_with(expected), "{kind:?}: {found:?}");
            let removed = tables.iter().map(|text| text.replace("{ids}", "$2, $3"));
            for text in [find.to_owned()].into_iter().chain(removed) {
                for step in plan(&db, &text).await {
                    let costly = ["SCAN", "TEMP B-TREE", "(tenant_id=?)"];
                    let is_costly = costly.iter().any(|part| step.contains(part));
                    assert!(!is_costly, "{text}: {step}");
                }
            }
        }
    }

    /// How the engine would run a statement about a tenant.
    async fn plan(db: &Db, text: &str) -> Vec<String> {
        let text = format!("EXPLAIN QUERY PLAN {text}");
        let mut tx = db.begin().await.unwrap();
        let steps: Vec<(i64, i64, i64, String)> = in_tx!(tx, |c| {
            let query = sqlx::query_as(AssertSqlSafe(text));
            query.fetch_all(c).await.unwrap()
        });
        steps.into_iter().map(|(.., step)| step).collect()
    }
}

//! Objects that go one by one when they are old, each with what belongs to it.

use sqlx::AssertSqlSafe;
use tieline_domain::{AuditId, CallId, JobId, TenantId, Timestamp, TriggerRunId};

use crate::{
    Result, Store,
    conversations::erasure,
    sql::{Statement, sql},
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

    /// Finds those of a tenant that were over at `before`; `behind` says what is done with them.
    fn find(
        self,
        tenant: TenantId,
        before: Timestamp,
        limit: usize,
        behind: &str,
    ) -> Statement<'static> {
        let text = format!("{} {behind}", self.rule().find);
        let find = sql(AssertSqlSafe(text)).bind(tenant);
        let find = match self {
            Self::Audit => find.bind(AuditId::new(before, 0)),
            Self::Calls => find.bind(CallId::new(before, 0)),
            Self::Jobs => find.bind(JobId::new(before, 0)),
            Self::TriggerRuns => find.bind(TriggerRunId::new(before, 0)),
            Self::Conversations => find.bind(before),
        };
        find.bind(limit)
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
        let any: Option<String> = kind.find(tenant, before, 1, "").find(self.db()).await?;
        if any.is_none() {
            return Ok(0);
        }
        let mut tx = self.db().begin().await?;
        let free = self.db().skip_locked();
        let found = kind.find(tenant, before, limit, free);
        let ids: Vec<String> = found.list_in(&mut tx).await?;
        if ids.is_empty() {
            return Ok(0);
        }
        for statement in kind.rule().tables {
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
        let explain = sql(AssertSqlSafe(text));
        let steps: Vec<(i64, i64, i64, String)> = explain.list(db).await.unwrap();
        steps.into_iter().map(|(.., step)| step).collect()
    }
}

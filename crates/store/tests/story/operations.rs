//! Versions of documents, the log of calls, artifacts.

use std::time::Duration;

use tieline_domain::{
    ArtifactId, CallId, TenantId, ToolId,
    operation::{CallDetail, CallRecord},
};
use tieline_store::{
    PageRequest, Store,
    artifacts::Artifact,
    calls::CallFilter,
    documents::{Kind, NewDocument, versions::KEPT},
    retention::Old,
};

use crate::{
    documents::to,
    engines::on_every_engine,
    setting::{at, by, made, tenant, two_tenants},
};

fn tool(tenant_id: TenantId, number: u64) -> NewDocument {
    NewDocument {
        tenant_id,
        kind: Kind::Tool,
        id: tool_id(number),
        name: Some(format!("tool_{number}")),
        body: r#"{"n":1}"#.to_owned(),
        sealed: Vec::new(),
        destination: false,
    }
}

fn tool_id(number: u64) -> String {
    ToolId::new(at(number as i64), number).to_string()
}

async fn versions(store: &Store, tenant: TenantId, id: &str, page: &PageRequest) -> Vec<i64> {
    let found = store.list_versions(tenant, Kind::Tool, id, page).await;
    found
        .unwrap()
        .items
        .iter()
        .map(|version| version.version)
        .collect()
}

#[tokio::test]
async fn every_version_of_a_document_is_kept_up_to_a_bound() {
    on_every_engine(async |db| {
        let store = two_tenants(db).await;
        let (owner, id) = (tenant(1), tool_id(10));
        made(&store, tool(owner, 10), 10).await;
        for n in 2..=4 {
            let new = to(&format!(r#"{{"n":{n}}}"#), Some("renamed"), None);
            let by = by(10 + n);
            let saved = store.replace_document(owner, Kind::Tool, &id, new, &by);
            saved.await.unwrap().unwrap();
        }
        let first = PageRequest::first(3);
        let page = store
            .list_versions(owner, Kind::Tool, &id, &first)
            .await
            .unwrap();
        assert_eq!(page.next.as_deref(), Some("2"));
        let rest = PageRequest {
            after: page.next,
            ..first
        };
        assert_eq!(versions(&store, owner, &id, &rest).await, [1]);
        let found = store
            .find_version(owner, Kind::Tool, &id, 1)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (found.name.as_deref(), &*found.body),
            (Some("tool_10"), r#"{"n":1}"#)
        );
        assert_eq!((&*found.actor, found.created_at), ("key_owner", at(10)));
        assert_eq!(
            store.find_version(owner, Kind::Tool, &id, 9).await.unwrap(),
            None
        );

        // Another tenant sees none of it.
        assert_eq!(
            store
                .find_version(tenant(2), Kind::Tool, &id, 1)
                .await
                .unwrap(),
            None
        );
        assert!(
            versions(&store, tenant(2), &id, &PageRequest::first(9))
                .await
                .is_empty()
        );

        for n in 5..=KEPT + 2 {
            let (new, by) = (to("{}", None, None), by(10 + n));
            let saved = store.replace_document(owner, Kind::Tool, &id, new, &by);
            saved.await.unwrap().unwrap();
        }
        assert_eq!(
            store.find_version(owner, Kind::Tool, &id, 2).await.unwrap(),
            None
        );
        assert!(
            store
                .find_version(owner, Kind::Tool, &id, 3)
                .await
                .unwrap()
                .is_some()
        );

        store
            .delete_document(owner, Kind::Tool, &id, None, &by(500))
            .await
            .unwrap();
        assert!(
            versions(&store, owner, &id, &PageRequest::first(9))
                .await
                .is_empty()
        );
    })
    .await;
}

fn call(tenant_id: TenantId, number: i64) -> CallRecord {
    let odd = number % 2 == 1;
    CallRecord {
        tenant_id,
        id: CallId::new(at(number), number as u64),
        operation_id: if odd { "tool_a" } else { "act_b" }.to_owned(),
        operation: "named".to_owned(),
        via: if odd { "api" } else { "agent" }.to_owned(),
        agent_id: (!odd).then(|| "agent_sales".to_owned()),
        conversation_id: (!odd).then(|| "conv_1".to_owned()),
        error_kind: (number % 3 == 0).then(|| "timeout".to_owned()),
        status_code: odd.then_some(200),
        took: Duration::from_micros(1_234),
        detail: CallDetail {
            origin: "tool".to_owned(),
            version: 7,
            actor: "key_owner".to_owned(),
            user: Some("ann".to_owned()),
            decision: "allowed".to_owned(),
            approved_by: None,
            input_sha256: "00".repeat(32),
            input: r#"{"a":1}"#.to_owned(),
            input_truncated: false,
            error: None,
            response_bytes: 17,
            trace_id: "ab".repeat(16),
        },
    }
}

#[tokio::test]
async fn calls_are_kept_found_and_removed_with_age() {
    on_every_engine(async |db| {
        let store = two_tenants(db).await;
        let (one, other) = (tenant(1), tenant(2));
        let all: Vec<_> = (1..=6).map(|n| call(one, n)).collect();
        store.add_calls(&all).await.unwrap();
        // A batch that is written again changes nothing.
        store.add_calls(&all[..2]).await.unwrap();
        store.add_calls(&[]).await.unwrap();

        assert_eq!(
            store.find_call(one, all[0].id).await.unwrap().as_ref(),
            Some(&all[0])
        );
        assert_eq!(store.find_call(other, all[0].id).await.unwrap(), None);
        let list = async |tenant, filter: CallFilter| -> Vec<i64> {
            let page = store
                .list_calls(tenant, &filter, &PageRequest::first(10))
                .await
                .unwrap();
            let number =
                |call: CallRecord| (call.id.made_at().as_micros() - at(0).as_micros()) / 1_000_000;
            page.items.into_iter().map(number).collect()
        };
        let text = |text: &str| Some(text.to_owned());
        let id = |n: i64| Some(CallId::new(at(n), 0));
        let rows = [
            (CallFilter::default(), vec![6, 5, 4, 3, 2, 1]),
            (
                CallFilter {
                    operation_id: text("tool_a"),
                    ..CallFilter::default()
                },
                vec![5, 3, 1],
            ),
            (
                CallFilter {
                    agent_id: text("agent_sales"),
                    ..CallFilter::default()
                },
                vec![6, 4, 2],
            ),
            (
                CallFilter {
                    conversation_id: text("conv_1"),
                    failed: Some(true),
                    ..CallFilter::default()
                },
                vec![6],
            ),
            (
                CallFilter {
                    error_kind: text("timeout"),
                    ..CallFilter::default()
                },
                vec![6, 3],
            ),
            (
                CallFilter {
                    failed: Some(false),
                    via: text("api"),
                    ..CallFilter::default()
                },
                vec![5, 1],
            ),
            (
                CallFilter {
                    from: id(2),
                    to: id(4),
                    ..CallFilter::default()
                },
                vec![3, 2],
            ),
        ];
        for (filter, expected) in rows {
            let shown = format!("{filter:?}");
            assert_eq!(list(one, filter.clone()).await, expected, "{shown}");
            assert!(list(other, filter).await.is_empty(), "{shown}");
        }
        let first = PageRequest::first(4);
        let page = store
            .list_calls(one, &CallFilter::default(), &first)
            .await
            .unwrap();
        let rest = PageRequest {
            after: page.next,
            ..first
        };
        let rest = store
            .list_calls(one, &CallFilter::default(), &rest)
            .await
            .unwrap();
        assert_eq!((rest.items.len(), rest.next), (2, None));

        for (of, limit, removed) in [(other, 10, 0), (one, 2, 2), (one, 10, 1)] {
            let old = store.remove_old(Old::Calls, of, at(4), limit);
            assert_eq!(old.await.unwrap(), removed);
        }
        assert_eq!(list(one, CallFilter::default()).await, [6, 5, 4]);
    })
    .await;
}

#[tokio::test]
async fn artifacts_are_kept_for_a_while_and_in_bounds() {
    on_every_engine(async |db| {
        let store = two_tenants(db).await;
        let artifact = |tenant_id, number: i64| Artifact {
            tenant_id,
            id: ArtifactId::new(at(number), number as u64),
            media_type: "application/json".to_owned(),
            content: b"{\"a\":\"\0\xff\"}".to_vec(),
            expires_at: at(100 + number),
        };
        let (one, other) = (tenant(1), tenant(2));
        for number in 1..=4 {
            store.add_artifact(&artifact(one, number), 3).await.unwrap();
        }
        store.add_artifact(&artifact(other, 9), 3).await.unwrap();
        let find = async |tenant, number: i64, now: i64| {
            let id = artifact(tenant, number).id;
            store.find_artifact(tenant, id, at(now)).await.unwrap()
        };
        assert_eq!(
            find(one, 1, 5).await,
            None,
            "only the newest three are kept"
        );
        assert_eq!(find(one, 2, 5).await, Some(artifact(one, 2)));
        assert_eq!(find(other, 2, 5).await, None);
        assert_eq!(find(one, 2, 102).await, None, "it has expired");

        assert_eq!(
            store.remove_expired_artifacts(at(101), 10).await.unwrap(),
            0
        );
        assert_eq!(store.remove_expired_artifacts(at(104), 2).await.unwrap(), 2);
        assert_eq!(store.remove_expired_artifacts(at(104), 2).await.unwrap(), 1);
        assert_eq!(find(other, 9, 5).await, Some(artifact(other, 9)));
    })
    .await;
}

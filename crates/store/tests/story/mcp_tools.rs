//! What remote MCP servers offer.

use serde_json::json;
use tieline_domain::mcp_server::{Pin, RemoteTool};
use tieline_store::Store;

use crate::{engines::on_every_engine, setting::tenant};

fn tool(description: &str) -> RemoteTool {
    let entry =
        json!({"name": "read", "description": description, "inputSchema": {"type": "object"}});
    RemoteTool::read(&entry).unwrap()
}

fn pin(name: &str, accepted: Option<&str>, seen: Option<&str>) -> Pin {
    Pin {
        name: name.to_owned(),
        accepted: accepted.map(tool),
        seen: seen.map(tool),
    }
}

#[tokio::test]
async fn the_tools_of_each_server_are_kept_apart() {
    on_every_engine(async |db| {
        let store = Store::new(db);
        let first = [
            pin("a", Some("one"), Some("two")),
            pin("b", None, Some("three")),
        ];
        let other = [pin("a", Some("other"), None)];
        for (of, server, pins) in [
            (1, "mcp_1", &first[..]),
            (1, "mcp_2", &other[..]),
            (2, "mcp_1", &other[..]),
        ] {
            store
                .replace_mcp_tools(tenant(of), server, pins)
                .await
                .unwrap();
        }
        let kept = async |of, server| store.mcp_tools(tenant(of), server).await.unwrap();
        assert_eq!(kept(1, "mcp_1").await, first);
        assert_eq!(kept(1, "mcp_2").await, other);
        assert_eq!(kept(2, "mcp_1").await, other);
        assert_eq!(kept(2, "mcp_2").await, []);
        let fewer = [pin("b", Some("three"), Some("three"))];
        store
            .replace_mcp_tools(tenant(1), "mcp_1", &fewer)
            .await
            .unwrap();
        assert_eq!(kept(1, "mcp_1").await, fewer);
        assert_eq!(kept(2, "mcp_1").await, other, "of another tenant");
    })
    .await;
}

//! A server of one test: its own database, clock, tenant and owner key.

use std::{sync::Arc, time::Duration};

use tempfile::TempDir;
use tieline::{api, app::App, config::Config, vault::hash_token};
use tieline_domain::{
    ApiKeyId, TenantId, Timestamp,
    access::{ApiKey, Scopes},
    clock::Clock,
};
use tieline_store::ChangeBy;
use tieline_testkit::http::Client;

/// A running server; it ends with the test.
pub(crate) struct Server {
    pub(crate) app: App,
    base: String,
    task: tokio::task::JoinHandle<()>,
    _data: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Starts with the defaults.
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// Starts with these settings.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let directory = data.path().to_str().unwrap().to_owned();
        let settings: Vec<_> = [("data", directory.as_str())]
            .iter()
            .chain(settings)
            .copied()
            .collect();
        let config = Arc::new(Config::from_overrides(&settings).unwrap());
        let clock = Clock::test(Timestamp::from_micros(1_795_000_000_000_000));
        let public_url = "https://tieline.test/".parse().unwrap();
        let app = App::open(config, clock, public_url).await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let service = api::service(app.clone());
        let task = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self {
            app,
            base,
            task,
            _data: data,
        }
    }

    /// A client without a credential.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.base)
    }

    /// The address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A client of a new tenant, with a key that has these scopes.
    pub(crate) async fn tenant(&self, scopes: &str) -> Client {
        let tenant = TenantId::new(self.app.clock.unique_now(), rand::random());
        self.app
            .store
            .create_tenant(tenant, "Acme Ltd", &self.by())
            .await
            .unwrap();
        self.key_of(tenant, scopes).await
    }

    async fn key_of(&self, tenant_id: TenantId, scopes: &str) -> Client {
        let by = self.by();
        let text = format!("tl_{}", ApiKeyId::new(by.at, rand::random()));
        let key = ApiKey {
            id: ApiKeyId::new(by.at, rand::random()),
            tenant_id,
            name: "Test".into(),
            scopes: scopes.parse::<Scopes>().unwrap(),
            hint: "test".into(),
            created_at: by.at,
            expires_at: None,
            revoked_at: None,
        };
        self.app
            .store
            .create_api_key(&key, &hash_token(&text), &by)
            .await
            .unwrap();
        self.client().bearer(text)
    }

    /// A change that no caller makes.
    pub(crate) fn by(&self) -> ChangeBy {
        ChangeBy {
            actor: "system".into(),
            request_id: None,
            at: self.app.clock.unique_now(),
        }
    }

    /// Moves the clock on.
    pub(crate) fn wait(&self, time: Duration) {
        self.app.clock.advance(time);
    }
}

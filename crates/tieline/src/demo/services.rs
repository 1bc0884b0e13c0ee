//! The simulated services of the demo: a CRM, and a model behind the chat-completions protocol.

use tieline_testkit::{
    model::{self, Model},
    receiver::Receiver,
    services,
};

/// Where they listen, so that what refers to them stays as it is; elsewhere if the port is taken.
const ADDRESS: &str = "127.0.0.1:9110";

/// The keys that open them, as the setup keeps them.
const CRM_KEY: &str = "sk_demo_crm";
const MODEL_KEY: &str = "sk_demo_model";

/// The running services; they end when this is dropped.
#[derive(Debug)]
pub struct Services(Receiver);

impl Services {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let model = Model::new()
            .key(MODEL_KEY)
            .looks_up("lookup_customer", "identifier");
        let script = services::crm(CRM_KEY).on(model::PATH, model.behaviour());
        Receiver::serve(script, ADDRESS).await.map(Self)
    }

    /// Their address, without a slash at its end.
    pub(super) fn url(&self) -> String {
        self.0.url("")
    }
}

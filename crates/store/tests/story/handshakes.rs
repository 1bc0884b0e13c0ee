//! When each source last answered a question of its sender.

use tieline_domain::SourceId;
use tieline_store::Store;

use crate::{
    engines::on_every_engine,
    setting::{at, tenant},
};

#[tokio::test]
async fn of_each_source_the_last_is_kept() {
    on_every_engine(async |db| {
        let store = Store::new(db);
        let (one, two) = (SourceId::new(at(0), 1), SourceId::new(at(0), 2));
        assert_eq!(store.last_handshake(tenant(1), one).await.unwrap(), None);
        for (source, seconds) in [(one, 1), (two, 2), (one, 3)] {
            let noted =
                store.note_handshake(tenant(1), source, "slack url_verification", at(seconds));
            noted.await.unwrap();
        }
        let last = async |of, source| store.last_handshake(tenant(of), source).await.unwrap();
        assert_eq!(last(1, one).await, Some(at(3)));
        assert_eq!(last(1, two).await, Some(at(2)));
        assert_eq!(last(2, one).await, None, "of another tenant");
    })
    .await;
}

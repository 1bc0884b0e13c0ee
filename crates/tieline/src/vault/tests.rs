//! Invariant 9: secrets leave the vault only as what they were sealed as, and are never printed.

use tieline_domain::{Timestamp, clock::Clock};
use tieline_store::{Db, Options};

use super::*;

const PLAIN: &[u8] = b"hunter2-hunter2";

struct Scene {
    store: Store,
    _directory: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("vault.db");
        let db = Db::open(file.to_str().unwrap(), &Options::default())
            .await
            .unwrap();
        db.migrate().await.unwrap();
        Self {
            store: Store::new(db),
            _directory: directory,
        }
    }

    async fn vault(&self, current: u8, old: &[u8]) -> Result<Vault, VaultError> {
        let old: Vec<_> = old.iter().map(|byte| [*byte; 32]).collect();
        let clock = Clock::test(Timestamp::from_micros(1));
        Vault::open(
            self.store.clone(),
            clock,
            MasterKeys::new(&[current; 32], &old),
        )
        .await
    }
}

fn tenant(number: u64) -> TenantId {
    TenantId::new(Timestamp::from_micros(1), number)
}

async fn seal(vault: &Vault, number: u64) -> Vec<u8> {
    vault
        .seal(tenant(number), SealedKind::Secret, "CRM", PLAIN)
        .await
        .unwrap()
}

async fn opens(vault: &Vault, number: u64, sealed: &[u8]) -> bool {
    let opened = vault
        .unseal(tenant(number), SealedKind::Secret, "CRM", sealed)
        .await;
    opened.is_ok_and(|secret| secret.expose() == PLAIN)
}

#[tokio::test]
async fn a_value_opens_only_as_what_it_was_sealed_as() {
    let scene = Scene::new().await;
    let vault = scene.vault(1, &[]).await.unwrap();
    let sealed = seal(&vault, 1).await;
    // The other tenant has a data key of its own.
    seal(&vault, 2).await;
    let rows = [
        (1, SealedKind::Secret, "CRM", true),
        (2, SealedKind::Secret, "CRM", false),
        (3, SealedKind::Secret, "CRM", false),
        (1, SealedKind::Source, "CRM", false),
        (1, SealedKind::Idempotency, "CRM", false),
        (1, SealedKind::Secret, "ERP", false),
        (1, SealedKind::Secret, "", false),
    ];
    for (number, kind, name, opens) in rows {
        let opened = vault.unseal(tenant(number), kind, name, &sealed).await;
        assert_eq!(opened.is_ok(), opens, "{number} {kind:?} {name}");
    }
}

#[tokio::test]
async fn a_value_with_another_bit_anywhere_does_not_open() {
    let scene = Scene::new().await;
    let vault = scene.vault(1, &[]).await.unwrap();
    let sealed = seal(&vault, 1).await;
    assert!(!sealed.windows(PLAIN.len()).any(|part| part == PLAIN));
    for place in 0..sealed.len() {
        let mut altered = sealed.clone();
        altered[place] ^= 1;
        assert!(!opens(&vault, 1, &altered).await, "byte {place}");
        assert!(!opens(&vault, 1, &sealed[..place]).await, "cut at {place}");
    }
    assert!(opens(&vault, 1, &sealed).await);
}

#[tokio::test]
async fn a_data_key_that_was_moved_to_another_tenant_does_not_open() {
    let scene = Scene::new().await;
    let vault = scene.vault(1, &[]).await.unwrap();
    let sealed = seal(&vault, 1).await;
    let key = scene
        .store
        .find_data_key(tenant(1), "1")
        .await
        .unwrap()
        .unwrap();
    let moved = SealedDataKey {
        tenant_id: tenant(2),
        ..key
    };
    scene.store.add_data_key(&moved).await.unwrap();
    let refused = vault
        .unseal(tenant(2), SealedKind::Secret, "CRM", &sealed)
        .await;
    assert!(
        matches!(refused, Err(VaultError::DataKey { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn the_vault_refuses_to_open_without_a_master_key_that_it_needs() {
    let scene = Scene::new().await;
    seal(&scene.vault(1, &[]).await.unwrap(), 1).await;
    let needed = MasterKeys::new(&[1; 32], []).current_id().to_owned();
    let refusal = scene.vault(2, &[3]).await.err().unwrap().to_string();
    assert!(refusal.contains(&needed), "{refusal}");
    assert!(refusal.contains("TIELINE_MASTER_KEY"), "{refusal}");
}

async fn rotate(scene: &Scene, new: u8, old: &[u8]) -> u64 {
    let old: Vec<_> = old.iter().map(|byte| [*byte; 32]).collect();
    let keys = MasterKeys::new(&[new; 32], &old);
    let rotation = Rotation::begin(scene.store.clone(), keys).await.unwrap();
    while rotation.step().await.unwrap() > 0 {}
    rotation.total()
}

#[tokio::test]
async fn an_old_master_key_opens_nothing_after_a_rotation() {
    let scene = Scene::new().await;
    let before = scene.vault(1, &[]).await.unwrap();
    let values = [
        seal(&before, 1).await,
        seal(&before, 2).await,
        seal(&before, 3).await,
    ];
    // The first of the keys of a node seals only where the store names none.
    let both = scene.vault(2, &[1]).await.unwrap();
    assert!(opens(&both, 1, &values[0]).await);
    let new = seal(&both, 4).await;
    scene.vault(1, &[]).await.unwrap();

    assert_eq!(rotate(&scene, 2, &[1]).await, 4);
    assert_eq!(rotate(&scene, 2, &[1]).await, 0);
    let after = scene.vault(2, &[]).await.unwrap();
    for (number, sealed) in [(1, &values[0]), (2, &values[1]), (3, &values[2]), (4, &new)] {
        assert!(opens(&after, number, sealed).await, "{number}");
    }
    assert!(scene.vault(1, &[]).await.is_err());
    // A node that was not restarted: it knows what it has opened, and learns nothing more.
    assert!(opens(&before, 1, &values[0]).await);
    assert!(!opens(&before, 4, &new).await);
    let refused = before
        .seal(tenant(5), SealedKind::Secret, "CRM", PLAIN)
        .await;
    assert!(
        matches!(refused, Err(VaultError::UnknownMasterKey { .. })),
        "{refused:?}"
    );
    // One that has both keys goes on, under the new one.
    seal(&both, 6).await;
    assert_eq!(scene.store.master_key_ids().await.unwrap(), [after_id(2)]);
}

fn after_id(key: u8) -> String {
    MasterKeys::new(&[key; 32], []).current_id().to_owned()
}

#[tokio::test]
async fn a_rotation_needs_every_key_that_sealed_something() {
    let scene = Scene::new().await;
    seal(&scene.vault(1, &[]).await.unwrap(), 1).await;
    let keys = MasterKeys::new(&[2; 32], &[[3; 32]]);
    let refused = Rotation::begin(scene.store.clone(), keys)
        .await
        .err()
        .unwrap();
    assert!(
        matches!(refused, VaultError::UnknownMasterKey { .. }),
        "{refused}"
    );
    scene.vault(1, &[]).await.unwrap();
}

#[tokio::test]
async fn a_node_with_a_key_file_reads_it_again() {
    let scene = Scene::new().await;
    let directory = tempfile::tempdir().unwrap();
    let old = load_or_generate_master_key(directory.path()).unwrap();
    let open = async |keys| Vault::open(scene.store.clone(), Clock::system(), keys).await;
    let node = open(MasterKeys::of_file(&old)).await.unwrap();
    let sealed = seal(&node, 1).await;
    let new = new_master_key();
    replace_master_keys(directory.path(), &[&new, &old.key]).unwrap();
    let keys = MasterKeys::new(&new, [&*old.key]);
    let rotation = Rotation::begin(scene.store.clone(), keys).await.unwrap();
    let meanwhile = seal(&node, 2).await;
    while rotation.step().await.unwrap() > 0 {}
    replace_master_keys(directory.path(), &[&new]).unwrap();
    let late = seal(&node, 3).await;
    let after = open(MasterKeys::new(&new, [])).await.unwrap();
    for (number, sealed) in [(1, sealed), (2, meanwhile), (3, late)] {
        assert!(opens(&after, number, &sealed).await, "{number}");
        assert!(opens(&node, number, &sealed).await, "{number}");
    }
}

#[tokio::test]
async fn nodes_that_seal_at_once_use_one_data_key() {
    let scene = Scene::new().await;
    let mut nodes = Vec::new();
    for _ in 0..8 {
        nodes.push(scene.vault(1, &[]).await.unwrap());
    }
    let values = futures::future::join_all(nodes.iter().map(|node| seal(node, 1))).await;
    let late = scene.vault(1, &[]).await.unwrap();
    for sealed in &values {
        assert!(opens(&late, 1, sealed).await);
        assert!(opens(&nodes[0], 1, sealed).await);
    }
}

#[tokio::test]
async fn nothing_secret_is_printed() {
    let scene = Scene::new().await;
    let vault = scene.vault(7, &[]).await.unwrap();
    let sealed = seal(&vault, 1).await;
    let secret = vault
        .unseal(tenant(1), SealedKind::Secret, "CRM", &sealed)
        .await
        .unwrap();
    assert_eq!(secret.expose_text(), Some("hunter2-hunter2"));
    assert_eq!(format!("{secret:?}"), "[redacted]");
    let keys = MasterKeys::new(&[7; 32], &[[8; 32]]);
    let printed = format!("{keys:?}");
    assert!(printed.contains(keys.current_id()), "{printed}");
    assert!(
        !printed.contains("0707") && !printed.contains("7, 7"),
        "{printed}"
    );
}

//! Tools made of OpenAPI descriptions, and called.

use serde_json::{Value, json};
use tieline_testkit::receiver::{Behaviour, Reply, Script};

use crate::scene::Scene;

const KEY: &str = "key-of-the-pet-store";

fn description() -> Value {
    json!({
        "openapi": "3.0.3",
        "info": {"title": "Pets", "version": "1"},
        "servers": [{"url": "/v2"}],
        "security": [{"api_key": []}],
        "paths": {
            "/pets": {
                "get": {"operationId": "listPets", "summary": "List pets", "tags": ["pets"], "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer"}},
                    {"name": "tags[]", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
                    {"name": "X-Trace", "in": "header", "schema": {"type": "string"}}
                ]},
                "post": {"operationId": "createPet", "requestBody": {"content": {"application/json": {"schema": {
                    "type": "object", "required": ["name"],
                    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "nullable": true}}
                }}}}}
            },
            "/pets/{petId}": {"get": {"operationId": "getPet", "parameters": [
                {"name": "petId", "in": "path", "required": true, "schema": {"type": "string"}}
            ]}},
            "/photos": {"put": {"operationId": "putPhoto", "requestBody": {"content": {"image/png": {}}}}}
        },
        "components": {"securitySchemes": {"api_key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"}}}
    })
}

async fn scene(description: Behaviour) -> Scene {
    let pets = Behaviour::json(200, &json!([{"name": "Rex"}]));
    let script = Script::new()
        .on("/openapi.json", description)
        .on("/moved", Behaviour::redirect(302, "/openapi.json"))
        .on("/v2/pets", pets)
        .on(
            "/v2/pets/a%2Fb",
            Behaviour::json(200, &json!({"name": "Rex"})),
        );
    let scene = Scene::open(script).await;
    let secret = json!({"name": "PETS_KEY", "value": KEY});
    scene.post("/v1/secrets", secret, 201).await;
    scene
}

fn import(scene: &Scene, path: &str) -> Value {
    json!({"openapi": scene.receiver.url(path), "security": {"api_key": {"secret": "PETS_KEY"}}})
}

fn actions(answer: &Value) -> Vec<(&str, &str)> {
    let operations = answer["operations"].as_array().unwrap().iter();
    operations
        .map(|one| {
            (
                one["name"].as_str().unwrap(),
                one["action"].as_str().unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn a_description_is_looked_at_imported_and_called() {
    let scene = scene(Behaviour::json(200, &description())).await;
    let mut wanted = import(&scene, "/moved");
    wanted["dry_run"] = json!(true);
    let shown = scene.post("/v1/tools/import", wanted, 200).await;
    let expected = [
        ("list_pets", "create"),
        ("create_pet", "create"),
        ("get_pet", "create"),
        ("put_photo", "skip"),
    ];
    assert_eq!(actions(&shown), expected);
    assert_eq!(shown["security_schemes"][0]["secret"], "PETS_KEY");
    assert_eq!(
        shown["operations"][3]["problems"][0]["pointer"],
        "/paths/~1photos/put/requestBody"
    );
    assert_eq!(
        scene.list("/v1/tools").await.len(),
        0,
        "a dry run makes nothing"
    );

    let made = scene
        .post("/v1/tools/import", import(&scene, "/openapi.json"), 200)
        .await;
    assert_eq!((&made["created"], &made["skipped"]), (&json!(3), &json!(1)));
    let call = async |tool: &str, parameters: Value| {
        let path = format!("/v1/tools/{tool}/call");
        scene
            .post(&path, json!({"parameters": parameters}), 200)
            .await
    };
    let listed = call(
        "list_pets",
        json!({"limit": 2, "tags__": ["a", "b&c"], "X-Trace": "t"}),
    )
    .await;
    assert_eq!(listed["success"], true, "{listed:#}");
    let sent = scene.received().pop().unwrap();
    assert_eq!(sent.header("x-api-key"), Some(KEY));
    assert_eq!(sent.header("x-trace"), Some("t"));
    assert_eq!(sent.path, "/v2/pets");
    assert_eq!(
        sent.query.as_deref(),
        Some("limit=2&tags%5B%5D=a&tags%5B%5D=b%26c")
    );
    call("create_pet", json!({"name": "Rex", "age": null})).await;
    assert_eq!(
        scene.received().pop().unwrap().json().unwrap(),
        json!({"name": "Rex", "age": null})
    );
    let found = call("get_pet", json!({"petId": "a/b"})).await;
    assert_eq!(found["success"], true, "{found:#}");
}

#[tokio::test]
async fn what_is_imported_again_keeps_its_id_and_its_settings() {
    let scene = scene(Behaviour::json(200, &description())).await;
    let made = scene
        .post("/v1/tools/import", import(&scene, "/openapi.json"), 200)
        .await;
    let own = json!({"timeout_seconds": 7});
    scene.patch("/v1/tools/get_pet", own, 200).await;
    let again = scene
        .post("/v1/tools/import", import(&scene, "/openapi.json"), 200)
        .await;
    assert_eq!(
        (&again["unchanged"], &again["updated"]),
        (&json!(3), &json!(0)),
        "{again:#}"
    );

    let mut changed = description();
    changed["paths"]["/pets/{petId}"]["get"]["summary"] = json!("Find a pet");
    scene
        .receiver
        .set("/openapi.json", Behaviour::json(200, &changed));
    let later = scene
        .post("/v1/tools/import", import(&scene, "/openapi.json"), 200)
        .await;
    assert_eq!(
        (&later["unchanged"], &later["updated"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(later["operations"][2]["id"], made["operations"][2]["id"]);
    let tool = scene.get("/v1/tools/get_pet").await;
    assert_eq!(
        (&tool["timeout_seconds"], &tool["description"]),
        (&json!(7), &json!("Find a pet"))
    );

    let mine = json!({"tags": []});
    scene.patch("/v1/tools/get_pet", mine, 200).await;
    let kept = scene
        .post("/v1/tools/import", import(&scene, "/openapi.json"), 200)
        .await;
    assert_eq!(
        actions(&kept)[2],
        ("get_pet", "skip"),
        "what nobody imported stays"
    );
}

#[tokio::test]
async fn imports_that_cannot_be_are_refused_with_the_place() {
    let scene = scene(Behaviour::json(200, &description())).await;
    let written = description();
    let rows = [
        (json!({"openapi": "nowhere"}), 422, "/openapi"),
        (
            json!({"openapi": "http://169.254.169.254/latest"}),
            422,
            "/openapi",
        ),
        (
            json!({"openapi": scene.receiver.url("/nothing-here")}),
            422,
            "/openapi",
        ),
        (json!({"openapi": {"swagger": "2.0"}}), 422, "/openapi"),
        (json!({"openapi": 7}), 422, "/openapi"),
        (
            json!({"openapi": written, "include": ["listPets", "flyPets"]}),
            422,
            "/include/1",
        ),
        (
            json!({"openapi": written, "include": [""]}),
            422,
            "/include/0",
        ),
        (json!({"openapi": written, "prefix": "a b"}), 422, "/prefix"),
        (
            json!({"openapi": written, "server": "pets"}),
            422,
            "/server",
        ),
        (json!({"openapi": written, "exclude": []}), 400, "/exclude"),
    ];
    for (body, status, pointer) in rows {
        let shown = body.to_string();
        let refused = scene.post("/v1/tools/import", body, status).await;
        assert_eq!(
            refused["errors"][0]["pointer"],
            pointer,
            "{}: {refused:#}",
            &shown[..shown.len().min(80)]
        );
    }
    // A server and a secret that are missing, or not there, are problems of the operations.
    let asked = json!({"openapi": written, "include": ["getPet"], "security": {"api_key": {"secret": "LOST"}}});
    let told = scene.post("/v1/tools/import", asked.clone(), 200).await;
    assert!(
        told["operations"][0]["problems"][0]["detail"]
            .as_str()
            .unwrap()
            .contains("is relative"),
        "{told:#}"
    );
    let mut elsewhere = asked;
    elsewhere["server"] = json!(scene.receiver.url("/v2"));
    let told = scene.post("/v1/tools/import", elsewhere, 200).await;
    assert!(
        told["operations"][0]["problems"][0]["detail"]
            .as_str()
            .unwrap()
            .contains("LOST"),
        "{told:#}"
    );
    assert_eq!(scene.list("/v1/tools").await.len(), 0);
}

#[tokio::test]
async fn descriptions_that_are_none_are_refused() {
    let html = Reply::new(200)
        .header("content-type", "text/html")
        .body("<html>Not here</html>");
    let rows: [(Behaviour, &str); 5] = [
        (html.into(), "no `openapi`"),
        (Behaviour::status(200), "no `openapi`"),
        (Behaviour::Huge { bytes: 6_000_000 }, "bytes"),
        (Behaviour::gzip_bomb(50_000_000), "cannot be fetched"),
        (Behaviour::redirect(302, "/openapi.json"), "redirects"),
    ];
    for (behaviour, told) in rows {
        let scene = scene(behaviour).await;
        let refused = scene
            .post("/v1/tools/import", import(&scene, "/openapi.json"), 422)
            .await;
        assert!(refused.to_string().contains(told), "{refused:#}");
    }
}
